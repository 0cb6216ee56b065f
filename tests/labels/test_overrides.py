from dataclasses import replace

import pyarrow as pa
import pytest

from pipeline.errors import CorpusError
from pipeline.labels.clip_labels import FRAMES_SCHEMA, ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.emotions import Names
from pipeline.labels.overrides import (
    Override,
    find_excluded,
    find_kept,
    find_quarantined,
    leave_out,
    read_overrides,
    relabel,
)
from pipeline.store.ledger import Entry

HEADER = "clip_id,action,value,reason\n"


@pytest.fixture
def corpus() -> Corpus:
    frames = [
        {"clip_id": clip_id, "frame": frame, "seconds": frame / 29, "valence": 0.5}
        for clip_id in ("toy/a", "toy/b")
        for frame in range(3)
    ]
    return Corpus(
        clips=[Clip(clip_id=f"toy/{name}", corpus="toy", path=name) for name in "abc"],
        targets=[
            ClipLabels(clip_id=f"toy/{name}", labels={"emotion": "sad", "valence": -0.5})
            for name in "abc"
        ],
        names=Names(emotion=["sad", "happy"], words={}),
        frames=pa.Table.from_pylist(frames, schema=FRAMES_SCHEMA),
    )


@pytest.fixture
def write(tmp_path):
    def write_lines(text, header=HEADER):
        path = tmp_path / "overrides.csv"
        path.write_text(header + text)
        return path

    return write_lines


def test_every_kind_of_line_is_read(write):
    path = write('a,exclude,,silent\nb,keep,,"dark, but fine"\nc,valence,-0.25,heard twice\n')
    assert read_overrides(path) == [
        Override("a", "exclude", None, "silent"),
        Override("b", "keep", None, "dark, but fine"),
        Override("c", "valence", -0.25, "heard twice"),
    ]


def test_the_committed_file_is_read_by_this_module(pytestconfig):
    read_overrides(pytestconfig.rootpath / "data" / "overrides.csv")


def test_a_byte_order_mark_is_passed_over(write):
    assert read_overrides(write("", "\ufeff" + HEADER)) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,exlude,,x\n", r"line 2: unknown action 'exlude'; did you mean 'exclude'"),
        ("b,keep,,y\na,keep,,\n", "line 3: a: expected a reason"),
        ("a,exclude,7,x\n", "line 2: exclude takes no value, got '7'"),
        ("a,emotion,,x\n", "line 2: emotion expects the new label"),
        ("a,valence,high,x\n", "line 2: valence: expected a number, got 'high'"),
        ("a,valence,1.5,x\n", "line 2: valence: expected -1 to 1, got 1.5"),
        ("a,intensity,nan,x\n", "line 2: intensity: expected 0 to 1, got nan"),
        ("a,keep,,too, many\n", "line 2: expected 4 fields; quote"),
        ("a,keep,\n", "line 2: expected 4 fields"),
        ("a,keep,,x\na,keep,,y\n", "a: keep twice; keep one"),
        ("a,keep,,x\na,exclude,,y\n", "a: both exclude and keep"),
    ],
)
def test_a_wrong_line_is_refused_by_its_number(write, text, message):
    with pytest.raises(CorpusError, match=message):
        read_overrides(write(text))


def test_other_columns_and_a_missing_file_are_refused(write, tmp_path):
    with pytest.raises(CorpusError, match=r"expected columns \['clip_id', .*, got \['id'\]"):
        read_overrides(write("", "id\n"))
    with pytest.raises(CorpusError, match="no such file; restore it"):
        read_overrides(tmp_path / "none.csv")


def test_a_label_is_replaced_and_the_change_marked(corpus):
    changed, entries = relabel(corpus, [Override("toy/b", "emotion", "happy", "smiles")])
    assert [target.labels.get("emotion") for target in changed.targets] == ["sad", "happy", "sad"]
    assert changed.targets[1].labels.get("valence") == -0.5
    detail = "emotion sad → happy: smiles"
    assert entries == [Entry("toy/b", "labels", "marked", "relabelled", detail)]


def test_two_labels_of_one_clip_are_both_replaced(corpus):
    overrides = [
        Override("toy/c", "emotion", "happy", "x"),
        Override("toy/c", "valence", 0.75, "x"),
    ]
    changed, _ = relabel(corpus, overrides)
    assert (changed.targets[2].labels.get("emotion"), changed.targets[2].labels.get("valence")) == (
        "happy",
        0.75,
    )


def test_an_excluded_clip_leaves_every_table_and_enters_the_ledger(corpus):
    entries = find_excluded([Override("toy/a", "exclude", None, "silent")])
    left = leave_out(corpus, entries)
    assert [clip.clip_id for clip in left.clips] == ["toy/b", "toy/c"]
    assert [target.clip_id for target in left.targets] == ["toy/b", "toy/c"]
    assert left.frames["clip_id"].to_pylist() == ["toy/b"] * 3
    assert entries == [Entry("toy/a", "labels", "left_out", "excluded", "silent")]


def test_excluding_every_clip_is_refused(corpus):
    overrides = [Override(f"toy/{name}", "exclude", None, "x") for name in "abc"]
    with pytest.raises(CorpusError, match="every clip is excluded"):
        leave_out(corpus, find_excluded(overrides))


@pytest.mark.parametrize(
    ("overrides", "marked", "found"),
    [
        ([], False, ["left_out"]),
        ([], True, ["marked"]),
        ([Override("toy/a", "keep", None, "heard it")], False, ["marked"]),
        ([Override("toy/a", "exclude", None, "x")], False, []),
    ],
)
def test_a_quarantined_clip_is_left_out_unless_somebody_decided(corpus, overrides, marked, found):
    corpus = replace(corpus, quarantine={"toy/a": "silent; its README"})
    entries = find_quarantined(corpus, overrides, marked=marked)
    assert [entry.status for entry in entries] == found
    assert {entry.detail for entry in entries} <= {"silent; its README"}
    assert ("toy/a" in {c.clip_id for c in leave_out(corpus, entries).clips}) == (
        found != ["left_out"]
    )


def test_kept_clips_are_listed_with_their_reason():
    kept = find_kept([Override("a", "keep", None, "fine"), Override("b", "exclude", None, "x")])
    assert kept == [Entry("a", "labels", "marked", "kept", "fine")]


def test_an_unknown_clip_is_refused_with_the_nearest(corpus):
    with pytest.raises(CorpusError, match=r"clip 'toy/bb'; did you mean 'toy/b'\?$"):
        relabel(corpus, [Override("toy/bb", "keep", None, "x")])
    with pytest.raises(CorpusError, match=r"unknown clip '#'; mend or remove its line$"):
        relabel(corpus, [Override("#", "keep", None, "x")])


def test_an_unknown_emotion_is_refused_with_the_nearest(corpus):
    with pytest.raises(CorpusError, match="toy/a: unknown emotion 'hapy'; did you mean 'happy'"):
        relabel(corpus, [Override("toy/a", "emotion", "hapy", "x")])
