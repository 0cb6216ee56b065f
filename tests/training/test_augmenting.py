import pytest
import torch
import torch.nn.functional as F

from pipeline.errors import TrainingError
from pipeline.heads.building import build_head
from pipeline.heads.losses import LossChoice
from pipeline.heads.training_params import TrainingParams
from pipeline.labels.clip_labels import ClipLabels
from pipeline.training.augmenting import augment, check_augmentation, count_copies
from pipeline.training.fitting import fit_run
from pipeline.training.objective import Objective
from pipeline.windows.dataset import WindowDataset
from tests.stores import EMOTIONS, make_labels, make_params, make_rows, write_features
from tests.training.corpus_made import OFFICIAL

MIXUP = {"alpha": 0.4}
CALM = {"modality_dropout": 0.0}


def make_objective(dataset):
    """One that is always the same, and drops nothing out."""
    torch.manual_seed(0)
    head = build_head(dataset.params, dataset.shapes, dataset.per, len(EMOTIONS)).eval()
    return Objective(head, dataset.params.training, LossChoice())


def test_a_mixed_loss_is_that_of_mixed_labels(corpus):
    dataset = corpus.window("train", targets=["emotion"], training={"mixup": MIXUP, **CALM})
    objective, batch = make_objective(dataset), dataset[range(7)]
    torch.manual_seed(3)
    found = objective(batch)
    torch.manual_seed(3)
    seen = augment(batch, objective.readers, dataset.params.training)
    assert 0 < seen.labels[0].share < 1
    ours, theirs = (F.one_hot(labels.targets["emotion"], 3) for labels in seen.labels)
    assert not torch.equal(ours, theirs)
    mixed = seen.labels[0].share * ours + seen.labels[1].share * theirs
    torch.testing.assert_close(
        found, F.cross_entropy(objective.head(seen.streams)["emotion"], mixed.float())
    )


def test_batches_that_are_not_augmented_are_as_they_were(corpus):
    dataset = corpus.window("train", training=CALM)
    batch = dataset[range(5)]
    seen = augment(batch, make_objective(dataset).head.readers, dataset.params.training)
    assert torch.equal(seen.streams["audio"].rows, batch.streams["audio"].rows)
    assert torch.equal(seen.streams["audio"].mask, batch.streams["audio"].mask)
    assert [labels.share for labels in seen.labels] == [1.0]


def test_frames_are_not_mixed(tmp_path):
    store = write_features(tmp_path / "audio", {"a": make_rows([[1.0], [2.0]])})
    frames = {"a": {"seconds": [0.5, 1.5], "valence": [0.1, 0.2]}}
    labels = make_labels([ClipLabels(clip_id="a")], frames)
    params = make_params("mlp", {"audio": "audio"}, targets=["valence"], training={"mixup": MIXUP})
    train = WindowDataset({"audio": store}, labels, params)
    with pytest.raises(
        TrainingError, match=r"training\.mixup: .* clip by clip, got frames of valence; leave"
    ):
        check_augmentation(train)


@pytest.mark.parametrize(
    ("options", "copies"),
    [
        ({}, 1),
        ({"consistency": 1.0}, 2),
        ({"modality_dropout": "noise"}, 4),
        ({"modality_dropout": "soft_hard", "consistency": 1.0}, 10),
    ],
)
def test_attention_is_counted_for_all_copies_of_three_modalities(options, copies):
    assert count_copies(TrainingParams(**options), modalities=3) == copies


@pytest.mark.parametrize(
    ("kind", "how"), [("late_transformer", "soft_hard"), ("late_fusion", "noise")]
)
def test_copies_that_lack_modalities_are_learned_from(corpus, tmp_path, kind, how):
    faces = {name: make_rows([[float(i % 3)]]) for i, name in enumerate(corpus.labels.targets)}
    features = {"audio": corpus.store, "face": write_features(tmp_path / "face", faces)}
    training = {"epochs": 3, "learning_rate": 0.02, "modality_dropout": how, "mixup": MIXUP}
    inputs = {"audio": "audio", "face": "face"}
    options = {"width": 8, "heads": 2} if kind == "late_transformer" else {}
    params = make_params(kind, inputs, training=training, **options)
    history = fit_run(params, features, corpus.labels, OFFICIAL, tmp_path / "live").history
    assert history[-1]["train_loss"] < history[0]["train_loss"]
