from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import CorpusError, ParamsError, StoreError
from pipeline.files import write_json
from pipeline.labels.clip_labels import FRAMES_SCHEMA, ClipLabels
from pipeline.labels.dialogues import Turn
from pipeline.labels.emotions import Names, read_names, write_names
from pipeline.labels.target_files import write_target_files
from pipeline.windows.labels import read_labels, split_frames
from tests.stores import make_labels

NAMES = Names(emotion=["sad", "happy"], words={})


@pytest.fixture
def labels(tmp_path):
    given = {
        "a": {"dominance": -0.5},
        "b": {"votes": (("happy", 3.0), ("sad", 1.0)), "emotions": (("happy", 0.7),)},
    }
    clips = [ClipLabels(clip_id=name, labels=found) for name, found in given.items()]
    rows = [
        {"clip_id": clip_id, "frame": frame, "seconds": frame / 4, "emotion": emotion}
        for clip_id, words in (("a", ["happy", None]), ("b", ["sad"]))
        for frame, emotion in enumerate(words)
    ]
    frames, turns = pa.Table.from_pylist(rows, schema=FRAMES_SCHEMA), {"b": Turn(0, 5, None)}
    write_target_files(tmp_path, clips, NAMES, frames=frames, turns=turns)
    return read_labels(tmp_path)


def test_more_emotions_than_a_corpus_has_are_refused(tmp_path):
    many = Names(emotion=[str(number) for number in range(201)], words={})
    with pytest.raises(CorpusError, match="expected at most 200 emotions, got 201"):
        write_names(tmp_path / "names.json", many)
    write_json(tmp_path / "names.json", many.model_dump())
    with pytest.raises(StoreError, match="expected at most 200 emotions, got 201"):
        read_names(tmp_path / "names.json")


def test_frames_come_back_clip_by_clip(labels):
    assert labels.framed == {"emotion"}
    assert labels.per("valence") == "clip"
    np.testing.assert_array_equal(labels.frames["a"].values["emotion"], [1, np.nan])
    np.testing.assert_array_equal(labels.frames["a"].seconds, [0.0, 0.25])
    np.testing.assert_array_equal(labels.values("b", "emotion"), [0])


def test_turns_of_dialogues_come_with_the_labels(labels):
    assert labels.turns == {"b": Turn(0, 5, None)}


def test_clips_have_a_number_for_each_class_or_one(labels):
    assert labels.value("a", "dominance") == -0.5
    np.testing.assert_array_equal(labels.value("b", "votes"), [0.25, 0.75])
    np.testing.assert_array_equal(labels.value("b", "emotions"), [0.0, 0.7])


def test_what_is_not_given_is_nan(labels):
    assert np.isnan(labels.value("b", "dominance"))
    np.testing.assert_array_equal(labels.value("a", "votes"), [np.nan, np.nan])


def test_a_corpus_without_frames_has_none():
    assert dict(split_frames(FRAMES_SCHEMA.empty_table(), NAMES)) == {}


def test_a_clip_without_frames_has_its_own_label_at_the_usual_step(labels):
    own = replace(labels, targets={"c": ClipLabels(clip_id="c", labels={"emotion": "happy"})})
    found = own.find_frames("c", ["emotion"], 0.8)
    np.testing.assert_array_equal(found.seconds, [0.0, 0.25, 0.5])
    np.testing.assert_array_equal(found.values["emotion"], [1, 1, 1])
    np.testing.assert_array_equal(own.values("c", "emotion"), [1])
    np.testing.assert_array_equal(own.find_frames("c", ["emotion"], 0.2).seconds, [0.1])
    assert own.find_frames("c", ["valence"], 0.8) is None


def test_a_clip_with_labels_of_its_own_alone_has_frames_without_one(labels):
    own = replace(labels, targets={"c": ClipLabels(clip_id="c", labels={"valence": 0.5})})
    found = own.find_frames("c", ["emotion", "valence"], 0.8)
    np.testing.assert_array_equal(found.seconds, [0.0, 0.25, 0.5])
    np.testing.assert_array_equal(found.values["emotion"], [np.nan] * 3)


def test_frames_without_a_label_have_that_of_their_clip(labels):
    frames = {"a": replace(labels.frames["a"], values={"emotion": np.full(2, np.nan)})}
    named = {**labels.targets, "a": ClipLabels(clip_id="a", labels={"emotion": "sad"})}
    both = replace(labels, targets=named, frames={**labels.frames, **frames})
    np.testing.assert_array_equal(both.find_frames("a", ["emotion"], 9.0).values["emotion"], [0, 0])
    kept = both.find_frames("b", ["valence"], 9.0)
    np.testing.assert_array_equal(kept.values["emotion"], [0])


def test_frames_that_hardly_differ_in_time_lay_no_grid_for_others() -> None:
    close = {"seconds": [0.0, 1e-8], "valence": [0.1, 0.2]}
    targets = [ClipLabels(clip_id="a"), ClipLabels(clip_id="b", labels={"valence": 0.5})]
    found = make_labels(targets, {"a": close})
    with pytest.raises(ParamsError, match="expected at most 10,000,000 windows, points or labels"):
        found.find_frames("b", ["valence"], 100.0)
