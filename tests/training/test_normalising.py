"""Rows standardised by the moments of their clip's corpus in train, or of who is in it."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline.errors import ParamsError, StoreError, TrainingError
from pipeline.evaluation.evaluating import evaluate_head
from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.table import ENROLLED, HELD_OUT_SCHEMA, add_speakers
from pipeline.heads.building import load_heads
from pipeline.heads.normalisation import ALL
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import Clip
from pipeline.prediction.held_out import Trained, predict_held_out
from pipeline.store.tables import read_table
from pipeline.training.saving import train_head
from pipeline.windows import moments
from pipeline.windows.dataset import WindowDataset
from pipeline.windows.moments import Subjects, measure_all, measure_corpora
from pipeline.windows.normalising import normalise_rows
from tests.stores import ask, make_labels, make_params, make_rows, make_stream, write_features

SIDES = ("train", "train", "val", "test")
PLACES = {"quiet": (0.0, 1.0), "loud": (3.0, 4.0)}
"""Corpus → what its rows are shifted by, and times what they are of the other's."""


class TwoRooms:
    """The same clips in two corpora, whose rows differ by what their rooms do to them."""

    def __init__(self, folder, test_shift=0.0):
        generator = np.random.default_rng(3)
        self.folder = folder
        targets, rows = [], {}
        for number in range(16):
            valence = generator.uniform(-1, 1)
            heard = np.round(valence + 0.1 * generator.normal(size=(3, 2)), 2)
            for corpus, (shift, factor) in PLACES.items():
                name, side = f"{corpus}/{number:02}", SIDES[number % 4]
                moved = shift + factor * heard + test_shift * (side == "test")
                rows[name] = make_rows(np.round(moved, 2))
                labels = {"valence": valence}
                targets.append(ClipLabels(clip_id=name, split=side, labels=labels))
        self.labels = make_labels(targets)
        self.store = write_features(folder / "audio", rows)

    def params(self, normalisation="corpus", **options):
        chosen = {"targets": ["valence"], "normalisation": normalisation, **options}
        return make_params("linear", {"audio": "audio"}, **chosen)

    def train(self, *given, **options):
        params = self.params(*given, **options)
        train_head(ask("toy", params), self.folder, self.labels, self.folder / "model")
        table = read_table(self.folder / "model" / "predictions.parquet", HELD_OUT_SCHEMA)
        return {row["clip_id"]: row["predicted"] for row in table.to_pylist()}

    def window(self, side, *given):
        dataset = WindowDataset({"audio": self.store}, self.labels, self.params(*given))
        dataset.add_clips(n for n, own in self.labels.targets.items() if own.split == side)
        return dataset


def compare_rooms(predicted):
    names = [name.partition("/")[2] for name in predicted if name.startswith("loud")]
    return [np.array([predicted[f"{corpus}/{name}"] for name in names]) for corpus in PLACES]


def test_each_window_goes_by_its_own_corpus_and_strangers_by_all():
    rows = torch.arange(12.0).reshape(3, 2, 2)
    standards = {
        "a": {"audio": torch.tensor([[1.0, 0.0], [2.0, 1.0]])},
        ALL: {"audio": torch.tensor([[0.0, 0.0], [10.0, 10.0]])},
    }
    streams = {"audio": make_stream(rows), "face": make_stream(rows)}
    found = normalise_rows(streams, ["a/1", "b/1", "a/2#view1"], standards)
    expected = (rows - rows.new_tensor([1, 0])) / rows.new_tensor([2, 1])
    expected[1] = rows[1] / 10
    torch.testing.assert_close(found["audio"].rows, expected)
    torch.testing.assert_close(found["face"].rows, rows)


def test_moments_are_those_of_the_corpus_in_train(tmp_path):
    corpus = TwoRooms(tmp_path)
    train = corpus.window("train")
    found = {**measure_all(train), **measure_corpora(train)}
    assert list(found) == [ALL, "loud", "quiet"]
    names = [n for n, own in corpus.labels.targets.items() if own.split == "train"]
    for place, streams in found.items():
        held = [corpus.store[n].embedding for n in names if n.startswith(place)]
        rows = np.concatenate(held).astype(float)
        np.testing.assert_allclose(streams["audio"], [rows.mean(axis=0), rows.std(axis=0)], 1e-5)


def test_moments_of_maps_are_of_their_channels(tmp_path):
    maps = np.random.default_rng(0).normal(size=(4, 3, 5, 7))
    store = write_features(tmp_path / "maps", {"a/1": make_rows(maps)})
    params = make_params("mlp", {"face": "maps"}, targets=["valence"])
    labels = make_labels([ClipLabels(clip_id="a/1", labels={"valence": 0.1})])
    dataset = WindowDataset({"face": store}, labels, params)
    dataset.add_clips(["a/1"])
    found = measure_corpora(dataset)["a"]["face"]
    rows = store["a/1"].embedding.astype(float)
    assert found.shape == (2, 3, 1, 1)
    np.testing.assert_allclose(found[0, :, 0, 0], rows.mean(axis=(0, 2, 3)), atol=1e-6)


def test_what_a_room_does_to_rows_is_gone(tmp_path):
    corpus = TwoRooms(tmp_path)
    first, second = compare_rooms(corpus.train("corpus"))
    np.testing.assert_allclose(first, second, atol=0.02)  # rows are of float16
    first, second = compare_rooms(corpus.train("train"))
    assert np.abs(first - second).max() > 0.05


def test_a_head_that_is_refitted_goes_by_the_moments_of_train(tmp_path):
    corpus = TwoRooms(tmp_path)
    corpus.train("corpus", training={"refit": True})
    train = corpus.window("train")
    for head in load_heads(tmp_path / "model")[2].values():
        for corpus_, streams in {**measure_all(train), **measure_corpora(train)}.items():
            torch.testing.assert_close(head.standards[corpus_]["audio"], streams["audio"])


def test_rows_of_test_tell_no_moments(tmp_path):
    weights = []
    for shift in (0.0, 5.0):
        corpus = TwoRooms(tmp_path / str(shift), test_shift=shift)
        corpus.train()
        weights.append(load_file(corpus.folder / "model" / "model.safetensors"))
    assert {"official/corpora/loud/audio", "official/corpora//audio"} <= weights[0].keys()
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, rtol=0, atol=0)


def test_a_head_that_is_loaded_has_its_moments(tmp_path):
    corpus = TwoRooms(tmp_path)
    predicted = corpus.train()
    recipe, params, heads = load_heads(tmp_path / "model")
    loaded = Trained(params, {"audio": corpus.store}, heads, recipe.priors)
    found = predict_held_out(loaded, corpus.labels).to_pylist()
    assert {row["clip_id"]: row["predicted"] for row in found} == predicted


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (None, r"corpora: \['loud', 'quiet'\], by params that say normalisation corpus"),
        (
            torch.ones(2, 3),
            r"corpora//audio: expected a mean and .* of rows of audio, got \(2, 3\)",
        ),
        (torch.zeros(2, 2), "expected a mean and a scale of rows of audio, got "),
    ],
)
def test_moments_of_other_rows_are_refused(tmp_path, change, told):
    corpus = TwoRooms(tmp_path)
    corpus.train()
    path = tmp_path / "model" / "model.safetensors"
    tensors = load_file(path)
    del tensors["official/corpora//audio"]
    save_file(tensors | ({} if change is None else {"official/corpora//audio": change}), path)
    with pytest.raises(StoreError, match=told):
        load_heads(tmp_path / "model")


class People(TwoRooms):
    """The same clips said by four people of each side, who shift and scale rows as rooms do."""

    def __init__(self, folder, named=True):
        generator = np.random.default_rng(5)
        self.folder = folder
        targets, rows = [], {}
        for number in range(48):
            side, person = ("train", "val", "test")[number % 3], number % 12
            valence = generator.uniform(-1, 1)
            name = f"toy/{number:02}"
            heard = valence + 0.05 * generator.normal(size=(3, 2))
            rows[name] = make_rows(person + (1 + person / 4) * heard)
            subject = f"person {person}" if named else None
            own = {"split": side, "subject": subject, "labels": {"valence": valence}}
            targets.append(ClipLabels(clip_id=name, **own))
        self.labels = make_labels(targets)
        self.store = write_features(folder / "audio", rows)


def test_people_are_known_from_the_rows_of_their_clips(tmp_path):
    corpus = People(tmp_path)
    subjects = Subjects(corpus.window("val", "subject"))
    everybody, one = subjects.standardise(), subjects.standardise(1)
    clips = [name for name, own in corpus.labels.targets.items() if own.subject == "person 1"]
    rows = np.concatenate([corpus.store[name].embedding for name in clips]).astype(float)
    for name in clips:
        np.testing.assert_allclose(everybody[name]["audio"][0], rows.mean(axis=0), 1e-5)
        means = {other: corpus.store[other].embedding.mean(axis=0) for other in clips}
        known = [o for o in clips if np.allclose(means[o], one[name]["audio"][0], atol=1e-2)]
        assert known
        assert name not in known


def test_more_clips_of_a_person_tell_more(tmp_path):
    corpus = People(tmp_path)
    corpus.train("subject")
    table = read_table(tmp_path / "model" / "predictions.parquet", HELD_OUT_SCHEMA)
    clips = [Clip(clip_id=n, corpus="toy", path=n) for n in corpus.labels.targets]
    found = evaluate_head("toy", add_speakers(table, clips), [], EvaluateParams()).splits["val"]
    told = {word: found.withheld[word]["ccc_valence"] for word in ENROLLED}
    assert found.metrics["ccc_valence"].value > told["all but 2 clips"] > told["all but 1 clip"]
    assert told["all but 5 clips"] == told["all but 20 clips"]  # there are three others of each
    corpus.train("train")
    table = read_table(tmp_path / "model" / "predictions.parquet", HELD_OUT_SCHEMA)
    plain = evaluate_head("toy", add_speakers(table, clips), [], EvaluateParams()).splits["val"]
    assert plain.metrics["ccc_valence"].value < told["all but 5 clips"]
    assert plain.withheld == {}


def test_a_head_that_knows_subjects_keeps_none_of_them(tmp_path):
    corpus = People(tmp_path)
    predicted = corpus.train("subject")
    names = load_file(tmp_path / "model" / "model.safetensors")
    assert [name for name in names if "corpora" in name] == ["official/corpora//audio"]
    recipe, params, heads = load_heads(tmp_path / "model")
    loaded = Trained(params, {"audio": corpus.store}, heads, recipe.priors)
    found = predict_held_out(loaded, corpus.labels).to_pylist()
    assert {row["clip_id"]: row["predicted"] for row in found} == predicted


def test_a_clip_of_nobody_is_not_normalised_by_subject(tmp_path):
    with pytest.raises(TrainingError, match=r"normalisation subject: toy/01: expected the subject"):
        People(tmp_path, named=False).train("subject")


def test_more_moments_than_machines_hold_are_refused(tmp_path, monkeypatch):
    dataset = People(tmp_path).window("val", "subject")
    monkeypatch.setattr(moments, "MOST_MOMENTS_BYTES", 24 * 16 * 2 - 1)
    with pytest.raises(TrainingError, match=r"GB for 16 clips of 2 numbers a row; extract one"):
        Subjects(dataset)


def test_turns_of_others_are_not_normalised_by_the_subject_of_a_clip():
    with pytest.raises(ParamsError, match=r"normalisation: subject .*context_turns.* set it to"):
        make_params("mlp", {"text": "t"}, normalisation="subject", windows={"context_turns": 1})


def test_members_are_normalised_as_the_whole_is():
    members = [{"kind": "mlp", "normalisation": "corpus"}]
    with pytest.raises(ParamsError, match="normalisation: expected to be said of the whole head"):
        make_params("ensemble", {"audio": "audio"}, members=members)
