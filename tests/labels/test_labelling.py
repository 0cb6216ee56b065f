from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import CorpusError, StoreError
from pipeline.labels.checks import check_corpus
from pipeline.labels.clip_labels import FRAMES_SCHEMA, ClipLabels, read_targets, read_trained
from pipeline.labels.clips import LABELS_SCHEMA, Clip, read_clips
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.params import TableParams
from pipeline.labels.dialogues import read_turns
from pipeline.labels.emotions import Names, read_names
from pipeline.labels.inside import check_inside
from pipeline.labels.labelling import label_corpora, write_labels
from pipeline.labels.params import SplitParams
from pipeline.labels.reading import read_corpus
from pipeline.labels.splits import sides
from pipeline.store.ledger import read_ledger
from pipeline.store.tables import read_table, write_table

FOLDS = SplitParams(protocol="folds", folds=3)


def label_one(params, splits, overrides):
    return label_corpora(
        {"own": read_corpus(params, "own")},
        {"own": params},
        splits,
        overrides,
        overrides.with_name("splits.csv"),
    )


@pytest.fixture
def label(tmp_path):
    """Labels a table of five speakers, two clips each, with the lines given as overrides."""

    def label_table(lines="", splits=FOLDS):
        rows = [f"s{n}/{k}.wav,s{n},{('sad', 'happy')[k]}" for n in range(5) for k in (0, 1)]
        (tmp_path / "clips.csv").write_text("path,subject,emotion\n" + "\n".join(rows))
        (tmp_path / "s0").mkdir(exist_ok=True)
        (tmp_path / "s0" / "0.wav").touch()
        overrides = tmp_path / "overrides.csv"
        overrides.write_text("clip_id,action,value,reason\n" + lines)
        params = TableParams(kind="table", root=str(tmp_path), depends_on=str(tmp_path))
        return label_one(params, splits, overrides)

    return label_table


def make_corpus(**changes) -> Corpus:
    corpus = Corpus(
        clips=[Clip(clip_id=name, corpus="toy", path=name) for name in "abc"],
        targets=[ClipLabels(clip_id=name, labels={"emotion": "sad"}) for name in "abc"],
        names=Names(emotion=["sad"], words={"s": "sad"}),
    )
    return replace(corpus, **changes)


def make_frames(**changes) -> pa.Table:
    row = {"clip_id": "b", "frame": 7, "seconds": 0.25, "valence": 0.5, "arousal": None}
    return pa.Table.from_pylist([{**row, **changes}], schema=FRAMES_SCHEMA)


def test_a_table_becomes_placed_clips(label):
    labelled = label()
    assert len(labelled.clips) == len(labelled.targets) == 10
    assert set(sides(labelled.targets, 0).values()) == {"train", "val", "test"}
    assert (labelled.ledger, labelled.kept) == ([], [])


def test_what_was_taken_for_granted_is_kept_to_be_told(label, tmp_path):
    label()
    table = tmp_path / "clips.csv"
    table.write_text(table.read_text() + "\nnew.wav,s9,SAD\n")
    params = TableParams(kind="table", root=str(tmp_path), depends_on=str(tmp_path))
    (remark,) = label_one(params, FOLDS, tmp_path / "overrides.csv").remarks
    assert "the label 'SAD' (1) is taken as 'sad'" in remark


def test_overrides_exclude_relabel_and_keep(label):
    labelled = label(
        "table/s1/0,exclude,,silent\ntable/s1/1,emotion,sad,cries\ntable/s2/0,keep,,dark\n"
    )
    assert "table/s1/0" not in {clip.clip_id for clip in labelled.clips}
    assert {t.clip_id: t.labels for t in labelled.targets}["table/s1/1"]["emotion"] == "sad"
    assert [(entry.clip_id, entry.reason) for entry in labelled.ledger] == [
        ("table/s1/1", "relabelled"),
        ("table/s1/0", "excluded"),
    ]
    assert [entry.clip_id for entry in labelled.kept] == ["table/s2/0"]


def test_excluding_a_clip_moves_no_other_clip(label):
    before = {target.clip_id: target.fold for target in label().targets}
    after = label("table/s1/0,exclude,,silent\n").targets
    assert all(before[target.clip_id] == target.fold for target in after)


def test_what_is_written_is_read_back(label, tmp_path):
    labelled = label("table/s1/0,exclude,,silent\ntable/s2/0,keep,,dark\n")
    folder = tmp_path / "labels"
    write_labels(labelled, folder, folder)
    assert read_clips(folder / "clips.parquet", LABELS_SCHEMA) == labelled.clips
    subjects = {clip.clip_id: clip.subject for clip in labelled.clips}
    expected = [replace(own, subject=subjects[own.clip_id]) for own in labelled.targets]
    assert read_targets(folder / "targets.parquet") == expected
    assert read_trained(folder / "trained.parquet") == {clip.clip_id for clip in labelled.clips}
    assert read_table(folder / "frames.parquet", FRAMES_SCHEMA).num_rows == 0
    assert read_turns(folder / "dialogues.parquet") == {}
    assert read_names(folder / "names.json") == labelled.names
    assert read_ledger(folder / "ledger.parquet") == labelled.ledger
    assert read_ledger(folder / "kept.parquet") == labelled.kept


@pytest.mark.parametrize(
    ("name", "read"),
    [("clips", lambda path: read_clips(path, LABELS_SCHEMA)), ("targets", read_targets)],
)
def test_a_clip_that_is_there_twice_is_refused(label, tmp_path, name, read):
    """Each would be decoded, and counted."""
    write_labels(label(), tmp_path, tmp_path)
    path = tmp_path / f"{name}.parquet"
    table = pq.read_table(path)
    write_table(path, pa.concat_tables([table, table.slice(0, 1)]))
    with pytest.raises(StoreError, match="expected a row for each clip, got one again"):
        read(path)


def test_the_same_corpus_gives_the_same_bytes(label, tmp_path):
    for name in ("one", "two"):
        write_labels(label(), tmp_path / name, tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


@pytest.mark.parametrize("way", ["named", "climbing", "file", "folder"])
def test_files_outside_of_the_root_are_clips_only_where_that_is_asked_for(tmp_path, way):
    root, secret = tmp_path / "corpus", tmp_path / "corpus of others" / "a.wav"
    root.mkdir()
    secret.parent.mkdir()
    secret.touch()
    path = {"named": str(secret), "climbing": f"../{secret.parent.name}/a.wav"}.get(way, "b/a.wav")
    if way == "file":
        (root / "b").mkdir()
        (root / "b" / "a.wav").symlink_to(secret)
    elif way == "folder":
        (root / "b").symlink_to(secret.parent)
    rows = f"a,{path},s,sad\nb,b.wav,t,sad\nc,c.wav,u,sad\n"
    (root / "clips.csv").write_text(f"clip_id,path,subject,emotion\n{rows}")
    overrides = tmp_path / "overrides.csv"
    overrides.write_text("clip_id,action,value,reason\n")
    params = TableParams(kind="table", root=str(root), depends_on=str(root))
    with pytest.raises(CorpusError, match=r"expected (a file|files) below .*`follow: true`"):
        label_one(params, FOLDS, overrides)
    followed = params.model_copy(update={"follow": True})
    clips = label_one(followed, FOLDS, overrides).clips
    assert [clip.clip_id for clip in clips] == ["a", "b", "c"]


def test_links_among_crops_lead_nowhere_else_and_paths_hold_no_zero(tmp_path):
    params = TableParams(kind="table", root=str(tmp_path / "c"), depends_on=str(tmp_path / "c"))
    crops = tmp_path / "c" / "crops"
    crops.mkdir(parents=True)
    clip = Clip(clip_id="a", corpus="toy", path=str(tmp_path / "c" / "a.mp4"), crops=str(crops))
    check_inside([clip], {"own": params})
    (crops / "1.png").symlink_to("/etc/hostname")
    with pytest.raises(CorpusError, match=r"got .*crops/1\.png; set"):
        check_inside([clip], {"own": params})
    check_inside([clip], {"own": params.model_copy(update={"follow": True})})
    with pytest.raises(CorpusError, match="expected a path, got"):
        check_inside([replace(clip, path="a\0b")], {"own": params})


def test_a_sound_corpus_passes_every_check():
    check_corpus(make_corpus(frames=make_frames()), "toy")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clips": [], "targets": []}, "toy: expected clips, got none"),
        ({"clips": [make_corpus().clips[k] for k in (0, 1, 1)]}, "toy: b: two clips of this id"),
        ({"clips": make_corpus().clips[::-1]}, "toy: b comes after c; sort"),
        ({"targets": make_corpus().targets[:2]}, "toy: 3 clips, but 2 targets"),
        ({"targets": make_corpus().targets[::-1]}, "toy: a: got the target of c"),
        ({"names": Names(emotion=["sad", "sad"], words={})}, "each emotion named once"),
        ({"names": Names(emotion=["sad"], words={"x": "saad"})}, "toy: names: unknown emotion"),
        ({"names": Names(emotion=["glad"], words={})}, "toy: a: unknown emotion 'sad'; known: gl"),
        ({"frames": make_frames().drop_columns("frame")}, "toy: frames: expected clip_id: string"),
        ({"frames": make_frames(clip_id="z")}, "toy: frames: z: no such clip"),
        (
            {"frames": make_frames(arousal=-5.0)},
            "toy: b: frames: arousal: expected -1 to 1, got -5",
        ),
        ({"frames": make_frames(valence=float("nan"))}, "toy: b: frames: valence: .*got nan"),
        ({"frames": make_frames(emotion="mad")}, "toy: frames: unknown emotion 'mad'"),
    ],
)
def test_a_broken_corpus_is_refused(changes, message):
    with pytest.raises(CorpusError, match=message):
        check_corpus(make_corpus(**changes), "toy")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", 0, 0.0), ("b", 0, 0.0), ("a", 1, 0.5)], "a: frames: row 3: .*after those of b"),
        ([("b", 0, 0.0), ("a", 0, 0.0)], "a: frames: row 2: expected rows sorted by clip"),
        ([("a", 0, 0.0), ("a", 0, 0.5)], "a: frames: row 2: frame 0 is there twice; keep one"),
        ([("a", 3, 0.5), ("a", 2, 0.0)], "a: frames: row 2: frame 2 comes after a later one"),
        ([("a", 0, 0.0), ("b", -1, 0.0)], "b: frames: row 2: expected a frame from 0 on, got -1"),
        ([("a", 0, -0.5)], "a: frames: row 1: expected seconds from 0 on, got -0.5"),
        ([("a", 0, float("nan"))], "a: frames: row 1: expected seconds from 0 on, got nan"),
        ([("a", 0, 0.5), ("a", 1, 0.5)], "a: frames: row 2: .*rise .*got 0.5 after 0.5"),
        ([("a", 0, 0.5), ("a", 1, None)], "frames: row 2: expected a seconds, got none"),
        ([(None, 0, 0.5)], "frames: row 1: expected a clip_id, got none"),
    ],
)
def test_frames_out_of_order_are_refused_by_clip_and_row(rows, message):
    found = [dict(zip(("clip_id", "frame", "seconds"), row, strict=True)) for row in rows]
    frames = pa.Table.from_pylist(found, schema=FRAMES_SCHEMA)
    with pytest.raises(CorpusError, match=f"toy: {message}"):
        check_corpus(make_corpus(frames=frames), "toy")


@given(st.lists(st.sampled_from("abc")))
def test_only_frames_in_order_pass(ids):
    found = [{"clip_id": name, "frame": n, "seconds": n / 7} for n, name in enumerate(ids)]
    corpus = make_corpus(frames=pa.Table.from_pylist(found, schema=FRAMES_SCHEMA))
    if ids == sorted(ids):
        check_corpus(corpus, "toy")
        return
    with pytest.raises(CorpusError, match="sorted by clip"):
        check_corpus(corpus, "toy")


def rename_clip(clip_id: str) -> Corpus:
    clips = [Clip(clip_id=clip_id, corpus="toy", path="a.mp4")]
    return make_corpus(
        clips=clips, targets=[ClipLabels(clip_id=clip_id, labels={"emotion": "sad"})]
    )


def test_a_clip_that_is_called_like_a_view_is_refused():
    told = r"toy: a.mp4: expected a clip id that .*, got 'a#view12'; rename the file"
    with pytest.raises(CorpusError, match=told):
        check_corpus(rename_clip("a#view12"), "toy")


@pytest.mark.parametrize("clip_id", ["a#1", "a#view", "a#view1/b"])
def test_other_signs_in_a_clip_id_are_kept(clip_id):
    check_corpus(rename_clip(clip_id), "toy")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"valence": -5.0}, "b: valence: expected -1 to 1, got -5.0"),
        ({"intensity": -0.5}, "b: intensity: expected 0 to 1"),
        ({"emotion": "mad"}, "b: unknown emotion 'mad'; did you mean 'sad'"),
        (
            {"emotions": (("sad", 0.5), ("mad", 0.5))},
            "b: unknown emotion 'mad'; did you mean 'sad'",
        ),
        ({"emotions": (("sad", -0.5),)}, r"b: emotions: expected numbers from 0 on, got {.*-0.5}"),
        ({"votes": (("sad", 0.0),)}, "b: votes: expected a vote, got none"),
    ],
)
def test_a_broken_label_is_refused_by_its_clip(labels, message):
    check_second(labels=labels, message=message)


def test_an_unknown_split_is_refused_by_its_clip():
    check_second(split="dev", message="b: unknown split 'dev'")


def check_second(message, **changes):
    targets = make_corpus().targets
    targets[1] = replace(targets[1], **changes)
    with pytest.raises(CorpusError, match=message):
        check_corpus(make_corpus(targets=targets), "toy")
