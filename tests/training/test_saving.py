import torch

from pipeline.heads.building import build_head
from pipeline.prediction.held_out import Trained
from pipeline.training.saving import describe_head
from tests.stores import ask, make_labels, make_params, make_rows, write_features


def describe(folder, kind):
    """Recipe of a head over two of an encoder's layers and one row of faces, as it begins."""
    generator = torch.Generator().manual_seed(0)
    sound = torch.randn(3, 2, 5, generator=generator)
    stores = {
        "audio": write_features(folder / "hubert", {"a": make_rows(sound)}, layer=[3, 7]),
        "face": write_features(folder / "hog", {"a": make_rows([[1.0, 2.0]])}),
    }
    params = make_params(kind, {"audio": "hubert", "face": "hog"}, targets=["valence"])
    shapes = {stream: store.shape for stream, store in stores.items()}
    heads = {"official": build_head(params, shapes, {"valence": "clip"}, 3)}
    trained = Trained(params, stores, heads, {"official": {"valence": 0.0}})
    return describe_head(ask("toy", params), trained, make_labels([]), {"official": 3})


def test_a_recipe_has_the_share_of_each_layer(tmp_path):
    recipe = describe(tmp_path, "mlp")
    assert recipe.empty_windows == {"official": 3}
    assert recipe.unseen == {}
    assert recipe.layer_shares == {"official": {"audio": [0.5, 0.5]}}
    assert recipe.inputs["audio"].layers == [3, 7]
    assert recipe.inputs["face"].layers == []


def test_a_head_that_weighs_no_layers_has_no_shares(tmp_path):
    assert describe(tmp_path, "linear").layer_shares == {}
