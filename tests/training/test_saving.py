import subprocess
from pathlib import Path

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


def test_a_recipe_names_the_last_commit_of_the_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert describe(tmp_path / "out", "linear").git_revision is None
    for command in ("init -q", "config user.name A", "config user.email a@example.org"):
        subprocess.run(["git", *command.split()], check=True)
    commits = [commit(path) for path in ("pipeline/a.py", "dvc.lock")]
    Path("dvc.lock").write_text("changed")
    assert describe(tmp_path / "out", "linear").git_revision == commits[0]
    Path("pipeline/a.py").write_text("changed")
    assert describe(tmp_path / "out", "linear").git_revision == f"{commits[0]}-dirty"


def commit(path):
    """Commit of a new file."""
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).touch()
    subprocess.run(["git", "add", path], check=True)
    subprocess.run(["git", "commit", "-qm", path], check=True)
    return subprocess.check_output(["git", "rev-parse", "HEAD"], text=True).strip()
