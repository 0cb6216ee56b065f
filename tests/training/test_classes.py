import pytest
import torch

from pipeline.errors import ParamsError, TrainingError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.training.classes import sample_windows, weigh_classes, weigh_windows
from pipeline.windows.dataset import WindowDataset
from tests.stores import make_labels, make_params, make_rows, write_features

COUNTS = {"angry": 13, "happy": 5, "sad": 2, None: 7}


def make_train(folder, frames=None, **options):
    """Clips by COUNTS, in its order."""
    words = [word for word, count in COUNTS.items() for _ in range(count)]
    targets = [
        ClipLabels(clip_id=f"{number:02}", labels={"emotion": word} if word else {})
        for number, word in enumerate(words)
    ]
    rows = {target.clip_id: make_rows([[1.0]]) for target in targets}
    store = write_features(folder / "audio", rows)
    params = make_params("mlp", {"audio": "audio"}, targets=["emotion"], training=options)
    train = WindowDataset({"audio": store}, make_labels(targets, frames), params)
    train.add_clips(rows)
    return train


def test_weights_of_classes_go_by_name(tmp_path):
    train = make_train(tmp_path, class_weights={"sad": 3.0})
    assert weigh_classes(train)["emotion"].tolist() == [1.0, 1.0, 3.0]
    train.params = make_params("mlp", {"audio": "audio"}, training={"class_weights": {"sat": 3.0}})
    with pytest.raises(TrainingError, match="got sat; known: angry, happy, sad"):
        weigh_classes(train)


def test_classes_are_drawn_as_often_however_rare(tmp_path):
    train = make_train(tmp_path, sampler="weighted")
    sampler = sample_windows(train)
    epochs = [list(sampler) for _ in range(400)]
    assert {len(epoch) for epoch in epochs} == {27}
    drawn = torch.bincount(torch.tensor(epochs).flatten(), minlength=27)
    shares = [part.sum().item() / drawn.sum().item() for part in drawn.split([*COUNTS.values()])]
    # Of 27 windows 20 have a class: a third of these for each of three, and 7 without one.
    assert shares == pytest.approx([20 / 81, 20 / 81, 20 / 81, 7 / 27], abs=0.02)


def test_windows_of_a_class_weigh_the_inverse_of_its_share(tmp_path):
    weights = weigh_windows(make_train(tmp_path, sampler="weighted"))
    expected = [word and 20 / (3 * count) for word, count in COUNTS.items() for _ in range(count)]
    torch.testing.assert_close(weights, torch.tensor([weight or 1.0 for weight in expected]))


def test_a_seed_draws_the_same_windows(tmp_path):
    first, again, other = (
        list(sample_windows(make_train(tmp_path / name, sampler="weighted", seed=seed)))
        for name, seed in (("first", 0), ("again", 0), ("other", 1))
    )
    assert first == again != other


def test_windows_are_not_drawn_by_classes_of_frames(tmp_path):
    frames = {"00": {"seconds": [0.5], "emotion": [1.0]}}
    with pytest.raises(TrainingError, match="got a class for each frame; use `class_weights`"):
        sample_windows(make_train(tmp_path, frames, sampler="weighted"))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"class_weights": "balanced"}, "sampler: weighted goes without class_weights"),
        ({"losses": {"emotion": "focal"}}, "sampler: weighted goes without losses.emotion: focal"),
    ],
)
def test_two_remedies_against_rare_classes_are_refused(options, told):
    with pytest.raises(ParamsError, match=told):
        make_params("mlp", {"audio": "audio"}, training={"sampler": "weighted", **options})


def test_a_head_that_predicts_no_classes_does_not_draw_by_them():
    with pytest.raises(ParamsError, match="draws by the class of emotion; add it to `targets`"):
        make_params(
            "mlp", {"audio": "audio"}, targets=["valence"], training={"sampler": "weighted"}
        )
