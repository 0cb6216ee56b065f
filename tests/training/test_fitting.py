import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline.errors import ParamsError, TrainingError
from pipeline.evaluation.metrics import Pairs, score_targets
from pipeline.heads.building import build_head
from pipeline.heads.losses import head_loss
from pipeline.labels.clip_labels import ClipLabels
from pipeline.prediction.answers import predict_clips
from pipeline.training.fitting import fit_run, measure_prior
from pipeline.training.history import write_history
from pipeline.windows.dataset import WindowDataset, load_batches
from pipeline.windows.moments import Moments, measure_moments
from tests.stores import EMOTIONS, make_labels, make_params, make_rows, write_features
from tests.training.corpus_made import OFFICIAL, OPTIONS, TRAINING, Corpus, judge


@pytest.fixture(scope="module")
def fitted(corpus):
    return corpus.fit()


def test_a_seed_gives_the_same_weights(corpus, fitted):
    again = corpus.fit()
    torch.testing.assert_close(again.head.state_dict(), fitted.head.state_dict(), rtol=0, atol=0)
    assert again.history == fitted.history


def test_another_seed_gives_others(corpus, fitted):
    other = corpus.fit(training={**TRAINING, "seed": 1})
    assert other.history != fitted.history


def test_each_epoch_is_in_the_history(fitted):
    assert [epoch["epoch"] for epoch in fitted.history] == [0, 1, 2, 3]
    assert {"train_loss", "val_loss", "uar", "ccc_mean", "score"} <= fitted.history[0].keys()
    for epoch in fitted.history:
        assert epoch["score"] == pytest.approx((epoch["uar"] + epoch["ccc_mean"]) / 2, abs=1e-6)


@pytest.mark.parametrize(("monitor", "choose"), [("ccc_valence", max), ("val_loss", min)])
def test_the_weights_are_those_of_the_epoch_that_was_best_on_validation(corpus, monitor, choose):
    # At this rate of learning the last epoch is not the best one.
    fitted = corpus.fit(
        targets=["valence"],
        training={**TRAINING, "epochs": 6, "learning_rate": 0.3, "monitor": monitor},
    )
    best = choose(fitted.history, key=lambda epoch: epoch[monitor])
    assert best is not fitted.history[-1]
    found = measure_valence(corpus, fitted)
    assert found == pytest.approx(best["ccc_valence"], abs=1e-5)


def measure_valence(corpus, fitted):
    params = make_params("mlp", {"audio": "audio"}, targets=["valence"], width=8)
    dataset = WindowDataset({"audio": corpus.store}, corpus.labels, params)
    names = [name for name, target in corpus.labels.targets.items() if target.split == "val"]
    dataset.add_clips(names)
    found = predict_clips(fitted.head, dataset.features, dataset.windows)
    truth = np.array([float(corpus.labels.value(name, "valence")) for name in names])
    predicted = np.array([float(found[name].clip["valence"]) for name in names])
    return score_targets({"valence": Pairs(truth, predicted)}, len(EMOTIONS))["ccc_valence"].value


def test_training_stops_when_validation_no_longer_improves(corpus):
    fitted = corpus.fit(training={**TRAINING, "epochs": 30, "learning_rate": 1e-9, "patience": 2})
    assert len(fitted.history) < 10


def test_a_solved_head_has_no_history(corpus):
    assert corpus.fit("linear").history == []


@pytest.mark.parametrize("kind", OPTIONS)
def test_what_lies_in_test_changes_nothing(corpus, tmp_path, kind):
    spoilt = Corpus(tmp_path, spoilt=["test"])
    labels = spoilt.relabel("test", emotion="sad", valence=1.0, arousal=-1.0)
    found = spoilt.fit(kind, labels)
    expected = corpus.fit(kind)
    torch.testing.assert_close(found.head.state_dict(), expected.head.state_dict(), rtol=0, atol=0)
    assert found.priors == expected.priors


@pytest.mark.parametrize("kind", OPTIONS)
@pytest.mark.parametrize("side", ["train", "val"])
def test_embeddings_of_nan_stop_training(tmp_path, kind, side):
    with pytest.raises(TrainingError, match="audio: expected finite embeddings, got NaN"):
        Corpus(tmp_path, spoilt=[side]).fit(kind)


@pytest.mark.parametrize("side", ["train", "val"])
def test_a_side_without_clips_stops_training(corpus, side):
    labels = corpus.change(side, lambda target: replace(target, split=None))
    with pytest.raises(TrainingError, match=f"expected clips with features in {side}, got none of"):
        corpus.fit(labels=labels)


def test_a_validation_side_without_labels_stops_training(corpus):
    labels = corpus.relabel("val")
    with pytest.raises(TrainingError, match="expected labels to measure score on, got only"):
        corpus.fit(labels=labels)


def test_a_monitor_that_constant_labels_leave_undefined_is_told(corpus):
    labels = corpus.relabel("val", valence=0.25)
    with pytest.raises(
        TrainingError, match="expected labels that define ccc_valence in some epoch"
    ):
        corpus.fit(labels=labels, training={**TRAINING, "monitor": "ccc_valence"})


def test_constant_labels_count_as_nothing_in_the_score(corpus):
    history = corpus.fit(labels=corpus.relabel("val", valence=0.25)).history
    assert "ccc_valence" not in history[0]
    assert {epoch["score"] for epoch in history} == {0}


def test_a_misspelt_monitor_is_refused_with_the_nearest(corpus):
    with pytest.raises(ParamsError, match=r"training\.monitor: .*did you mean 'ccc_valence'"):
        corpus.fit(training={"monitor": "ccc_valense"})


def test_rare_classes_weigh_more_when_asked_to(corpus):
    plane = {"valence": 0.1, "arousal": 0.2}
    rare = corpus.relabel("train", emotion="sad", **plane)
    rare.targets["train/00"] = corpus.labels.targets["train/00"]
    losses = [
        corpus.fit(labels=rare, training={**TRAINING, "class_weights": weights}).history[0][
            "train_loss"
        ]
        for weights in ("none", "balanced")
    ]
    assert losses[0] != pytest.approx(losses[1], rel=1e-3)


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "sgd", "momentum": 0.8, "dampening": 0.8},
        {"optimizer": "adam", "schedule": "steps", "milestones": [1, 2]},
        {"schedule": "cosine", "warmup_epochs": 1},
        {"schedule": "plateau", "decay_patience": 1, "least_gain": 0.5},
        {"mixup": {"alpha": 0.2, "share": 0.5}, "weight_average": 0.5},
        {"sampler": "weighted", "spec_augment": {"frequency_masks": 1}, "learned_weights": True},
        {"feature_noise": 0.1, "gradient_clip": None, "losses": {"emotion": "focal"}},
        {"batch": 2, "losses": {"valence": "ccc_epoch", "arousal": "ccc_epoch"}},
    ],
)
def test_every_way_downhill_ends_lower(corpus, options):
    history = corpus.fit(training={**TRAINING, "modality_dropout": 0.0, **options}).history
    assert history[-1]["train_loss"] < history[0]["train_loss"]


def test_epochs_that_gain_too_little_stop_training(corpus):
    patient = {**TRAINING, "epochs": 9, "patience": 2}
    assert len(corpus.fit(training={**patient, "least_gain": 9.0}).history) == 3
    assert len(corpus.fit(training={**patient, "monitor": "val_loss"}).history) > 3


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"schedule": "steps"}, "milestones: expected some with schedule steps"),
        ({"milestones": [3]}, "milestones: expected some with schedule steps, and none with"),
        ({"schedule": "steps", "milestones": [3, 2]}, "milestones: expected numbers that go up"),
        ({"schedule": "plateau", "warmup_epochs": 2}, "expected 0 with schedule plateau, got 2"),
    ],
)
def test_schedules_that_contradict_themselves_are_refused(options, told):
    with pytest.raises(ParamsError, match=told):
        make_params("mlp", {"audio": "audio"}, training=options)


def test_priors_are_the_commonest_class_and_the_means():
    given = [
        {"emotion": "sad", "valence": -0.5, "votes": (("angry", 1.0), ("sad", 1.0))},
        {"emotion": "happy", "valence": 0.1, "votes": (("happy", 3.0),)},
        {"emotion": "sad"},
    ]
    targets = [ClipLabels(clip_id=f"{n}", labels=labels) for n, labels in enumerate(given)]
    labels, clips = make_labels(targets), ["0", "1", "2"]
    assert measure_prior(labels, "emotion", clips) == 2.0
    assert measure_prior(labels, "valence", clips) == pytest.approx(-0.2)
    assert measure_prior(labels, "votes", clips) == pytest.approx([0.25, 0.5, 0.25])
    assert measure_prior(labels, "arousal", clips) is None


def test_moments_are_those_of_the_rows_that_are_there(tmp_path):
    rows = {"a": make_rows([[1.0], [3.0], [9.0]], valid=[True, True, False]), "b": None}
    store = write_features(tmp_path / "audio", rows)
    params = make_params("mlp", {"audio": "audio"})
    dataset = WindowDataset({"audio": store}, make_labels([ClipLabels(clip_id="a")]), params)
    dataset.add_clips("a")
    found = measure_moments(dataset)["audio"]
    assert (found.mean.item(), found.scale.item()) == (2.0, 1.0)


def test_moments_of_batches_are_those_of_all_rows_however_far_from_zero():
    rows = 1e7 + torch.randn(100, 3).double()
    moments = Moments((3,))
    for batch in rows.split([60, 0, 1, 39]):
        moments.add(batch)
    torch.testing.assert_close(moments.mean, rows.mean(dim=0), rtol=1e-14, atol=0)
    torch.testing.assert_close(moments.scale, rows.std(dim=0, correction=0), rtol=1e-7, atol=0)


def test_history_is_one_line_an_epoch_of_each_run(tmp_path):
    history = {"fold-0": [{"epoch": 0, "uar": 0.5}, {"epoch": 1, "uar": 0.7}], "fold-1": []}
    write_history(tmp_path / "history.csv", history)
    with (tmp_path / "history.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"run": "fold-0", "epoch": "0", "uar": "0.5"},
            {"run": "fold-0", "epoch": "1", "uar": "0.7"},
        ]


def test_a_modality_that_train_never_had_is_not_read_later(corpus, tmp_path):
    generator = np.random.default_rng(3)
    names = [name for name, target in corpus.labels.targets.items() if target.split == "test"]
    rows = {name: make_rows(generator.normal(50.0, 9.0, size=(2, 3))) for name in names}
    features = {"audio": corpus.store, "face": write_features(tmp_path / "face", rows)}
    params = make_params("mlp", {"audio": "audio", "face": "face"}, **OPTIONS["mlp"])
    fitted = fit_run(params, features, corpus.labels, OFFICIAL, tmp_path / "live")
    assert fitted.head.unseen == ["face"]
    dataset = WindowDataset(features, corpus.labels, params)
    dataset.add_clips(names)
    found, alone = (
        predict_clips(fitted.head, features, dataset.windows, withheld=withheld)
        for withheld in ("none", "face")
    )
    for name in names:
        np.testing.assert_array_equal(found[name].clip["emotion"], alone[name].clip["emotion"])


def test_windows_that_only_unread_streams_reach_do_not_validate(corpus, tmp_path):
    """Of them a head says the same, whatever is in them."""
    names = list(corpus.labels.targets)
    only = [name for name in names if name.startswith("val")][:2]
    heard = {name: make_rows([[float(i % 3)]]) for i, name in enumerate(names) if name not in only}
    seen = {name: make_rows([[1.0, 2.0]]) for name in only}
    features = {
        "audio": write_features(tmp_path / "audio", heard),
        "face": write_features(tmp_path / "face", seen),
    }
    params = make_params("mlp", {"audio": "audio", "face": "face"}, **OPTIONS["mlp"])
    fitted = fit_run(params, features, corpus.labels, OFFICIAL, tmp_path / "live")
    assert fitted.empty == len(only)


@pytest.mark.parametrize("targets", [["emotion", "valence", "arousal"], ["valence"]])
def test_the_loss_of_validation_is_one_over_all_windows(corpus, targets):
    params = make_params("mlp", {"audio": "audio"}, targets=targets, width=8)
    dataset = WindowDataset({"audio": corpus.store}, corpus.labels, params)
    dataset.add_clips(name for name, t in corpus.labels.targets.items() if t.split == "val")
    head = build_head(params, dataset.shapes, dataset.per, len(EMOTIONS)).eval()
    (whole,) = load_batches(dataset)
    expected = head_loss(head(whole.streams), whole.targets, whole.target_masks).item()
    assert judge(dataset).measure(head, 0)["val_loss"] == pytest.approx(expected, abs=1e-6)


def test_attention_over_more_rows_than_memory_holds_is_refused(tmp_path):
    labels = {"a": "train", "b": "val"}
    targets = [ClipLabels(clip_id=n, split=s, labels={"valence": 0.1}) for n, s in labels.items()]
    store = write_features(
        tmp_path / "long", {name: make_rows(np.ones((20_000, 1))) for name in labels}
    )
    params = make_params("beit", {"audio": "long"}, targets=["valence"], width=8)
    with pytest.raises(
        TrainingError, match=r"1 windows of up to 20,000 rows of audio; set `windows"
    ):
        fit_run(params, {"audio": store}, make_labels(targets), OFFICIAL, tmp_path / "live")


def test_a_join_is_fitted_on_clips_that_its_members_never_saw(tmp_path, monkeypatch):
    from pipeline.training import stacking

    seen = []

    def note(head, params, train, val, live):
        seen.append({example.window.clip_id for example in train.examples})
        return []

    monkeypatch.setattr(stacking, "descend", note)
    corpus = Corpus(tmp_path)
    members = {"audio": {"kind": "mlp", "width": 8}}
    params = make_params("late_fusion", {"audio": "audio"}, members=members, join="weights")
    train, val = (WindowDataset({"audio": corpus.store}, corpus.labels, params) for _ in range(2))
    clips = [name for name in corpus.labels.targets if name.startswith("train")]
    train.add_clips(clips)
    val.add_clips([name for name in corpus.labels.targets if name.startswith("val")])
    held = [
        sum(len(batch.targets["emotion"]) for batch in batches)
        for _, batches in stacking.hold_out(clips, train, val, tmp_path)
    ]
    assert held == [6, 6, 6]
    assert [len(trained) for trained in seen] == [12, 12, 12]
    assert set.intersection(*seen) == set()


@pytest.mark.parametrize("join", ["mean", "weights", "logistic"])
def test_a_head_of_heads_is_trained_and_comes_back(tmp_path, join):
    corpus = Corpus(tmp_path)
    options = {"width": 8, "kind": "mlp"}
    head = corpus.fit("late_fusion", members={"audio": options}, join=join).head
    begun = build_head(head.params, {"audio": corpus.store.shape}, head.per, len(EMOTIONS))
    moved = [
        name
        for name, value in head.named_parameters()
        if not torch.equal(value, begun.get_parameter(name))
    ]
    assert any(name.startswith("join.") for name in moved) == (join == "logistic")
