import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import CorpusError
from pipeline.labels.corpora.affwild2 import Stretch, read, read_ratings, read_stretches
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.params import Affwild2Params
from pipeline.targets import UNITS
from tests.miniatures import AU, AU_HEADER, EXPR, EXPR_HEADER, VA, make_affwild2


def read_files(root: Path, **options: Any) -> Corpus:
    return read(Affwild2Params(kind="affwild2", root=str(root), depends_on=str(root), **options))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_affwild2(tmp_path)
    return tmp_path


def rows(corpus: Corpus, name: str) -> list[tuple[Any, ...]]:
    columns = ("frame", "seconds", "emotion", "valence", "arousal")
    held = [row for row in corpus.frames.to_pylist() if row["clip_id"] == f"affwild2/{name}"]
    return [tuple(row[column] for column in columns) for row in held]


def test_line_n_is_frame_n_at_the_time_that_the_file_says(root):
    assert rows(read_files(root), "two_left") == [
        (0, 0.0, "happy", 0.5, -0.25),
        (2, 0.5, "other", None, None),
        (3, 1.25, None, 1.0, 1.0),
    ]


def test_two_people_share_a_video_and_a_group_but_no_labels(root):
    clips = {clip.clip_id: clip for clip in read_files(root).clips}
    left, whole = clips["affwild2/two_left"], clips["affwild2/two"]
    assert left.path == whole.path
    assert (left.group, whole.group, left.subject) == ("two", "two", "two_left")


@pytest.mark.parametrize(
    ("tracks", "side", "frames"),
    [(["va", "expr"], "train", 3), (["expr", "va"], "val", 3), (["va"], "train", 2)],
)
def test_the_first_challenge_decides_on_the_side(root, tracks, side, frames):
    corpus = read_files(root, tracks=tracks)
    sides = {target.clip_id: target.split for target in corpus.targets}
    assert sides["affwild2/two_left"] == side
    assert len(rows(corpus, "two_left")) == frames


def test_action_units_are_there_or_not_frame_by_frame(root):
    frames = read_files(root, tracks=["au"]).frames.to_pylist()
    assert [(row["clip_id"], row["frame"]) for row in frames] == [("affwild2/one", 0)]
    assert [frames[0][f"au{unit}"] for unit in UNITS] == [1.0, 0.0] * 6
    assert frames[0]["valence"] is None


def test_a_unit_that_is_no_label_leaves_the_others(root):
    path = root / "Annotations" / AU / "Train_Set" / "one.txt"
    path.write_text(f"{AU_HEADER}\n1,-1,2,{'0,' * 8}1\n")
    corpus = read_files(root, tracks=["au"])
    (row,) = corpus.frames.to_pylist()
    assert [row[f"au{unit}"] for unit in UNITS[:4]] == [1.0, None, None, 0.0]
    assert [e.detail for e in corpus.entries if e.reason == "off_scale"] == [
        "au: 1 frames with numbers off their scale"
    ]


def test_crops_are_those_of_the_fuller_release(root):
    clips = {clip.clip_id: clip for clip in read_files(root).clips}
    assert clips["affwild2/two_left"].crops.endswith("cropped_aligned/two_left")
    assert clips["affwild2/two"].crops is None


def test_crops_that_lie_a_folder_deeper_are_found_and_those_that_lack_are_told(root):
    (root / "cropped_aligned").rename(root / "unpacked")
    (root / "cropped_aligned").mkdir()
    (root / "unpacked").rename(root / "cropped_aligned" / "cropped_aligned")
    corpus = read_files(root)
    clips = {clip.clip_id: clip for clip in corpus.clips}
    assert clips["affwild2/one"].crops.endswith("cropped_aligned/cropped_aligned/one")
    assert [e.clip_id for e in corpus.entries if e.reason == "no_crops"] == ["affwild2/two"]


@pytest.mark.parametrize("second", ["texts", "videos"])
def test_two_releases_below_one_root_are_refused(root, second):
    name = {"texts": f"{VA}/Train_Set/one.txt", "videos": "one.mp4"}[second]
    path = root / "older" / name
    path.parent.mkdir(parents=True)
    path.write_text("valence,arousal\n0.9,0.9\n")
    with pytest.raises(CorpusError, match="is of the same video; keep one release of the two"):
        read_files(root)


def test_a_text_without_a_video_is_told(root):
    left = [e for e in read_files(root).entries if e.status == "left_out"]
    assert [(e.clip_id, e.reason) for e in left] == [("affwild2/gone", "no_file")]


def ask_for_memory(video: Path) -> None:
    """Have the header of an MP4 file of one chunk list eighty million samples."""
    data = bytearray(video.read_bytes())
    for box, place, number in (
        (b"stts", 4, 8 * 10**7),
        (b"stsc", 8, 8 * 10**7),
        (b"stsz", 0, 1),
        (b"stsz", 4, 8 * 10**7),
    ):
        struct.pack_into(">I", data, data.index(box) + 8 + place, number)
    video.write_bytes(data)


def test_a_header_that_asks_for_gigabytes_is_the_video_s_own(root):
    ask_for_memory(root / "videos" / "batch1" / "one.mp4")
    corpus = read_files(root)
    assert ("affwild2/one", "unreadable") in {(e.clip_id, e.reason) for e in corpus.entries}
    assert {clip.clip_id for clip in corpus.clips} == {"affwild2/two", "affwild2/two_left"}


def test_labels_beyond_the_video_and_off_scale_are_told_and_are_none(root):
    path = root / "Annotations" / VA / "Validation_Set" / "one.txt"
    path.write_text("valence,arousal\n0.1,0.2\n0.1,1.5\n0.3,0.3\n")
    corpus = read_files(root)
    assert rows(corpus, "one") == [(0, 0.0, None, 0.1, 0.2)]
    told = {
        entry.reason: entry.detail for entry in corpus.entries if entry.clip_id == "affwild2/one"
    }
    assert told == {
        "more_labels": "va: 3 labels for 2 frames; the last ones go",
        "off_scale": "va: 1 frames with numbers off their scale",
    }


def test_transcripts_cut_a_video_without_gaps(root):
    (root / "words").mkdir()
    (root / "words" / "two.txt").write_text("[0.10s - 0.30s] Hello.\n[0.50s - 2.00s] You.\n")
    corpus = read_files(root, transcripts=str(root / "words"))
    clips = [clip for clip in corpus.clips if clip.subject == "two_left"]
    assert [(c.start_seconds, c.end_seconds, c.transcript) for c in clips] == [
        (0.0, 0.3, "Hello."),
        (0.3, 2.0, "You."),
    ]
    first, second = (rows(corpus, clip.clip_id.removeprefix("affwild2/")) for clip in clips)
    assert first == [(0, 0.0, "happy", 0.5, -0.25)]
    assert [row[:3] for row in second] == [(0, 0.2, "other"), (1, 0.95, None)]


def test_ten_stretches_stay_in_order(root):
    (root / "words").mkdir()
    lines = [f"[{n / 10}s - {(n + 1) / 10}s] {n}" for n in range(12)]
    (root / "words" / "two.txt").write_text("\n".join(lines))
    said = [
        clip.transcript
        for clip in read_files(root, transcripts=str(root / "words")).clips
        if clip.subject == "two"
    ]
    assert said == [str(n) for n in range(12)]


def test_stretches_by_the_thousand_take_no_table_each(root):
    (root / "words").mkdir()
    lines = [f"[0s - {n}s]" for n in range(1, 10_000)]
    (root / "words" / "two.txt").write_text("\n".join(lines))
    begun = time.process_time()
    corpus = read_files(root, transcripts=str(root / "words"))
    assert len([clip for clip in corpus.clips if clip.subject == "two"]) == len(lines)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize("text", ["hello", "[0.0s - 1.0s] a\n[0.2s - 0.9s] b"])
def test_a_line_of_another_form_is_refused(tmp_path, text):
    (tmp_path / "v.txt").write_text(text)
    with pytest.raises(CorpusError, match=r"v.txt: line [12]: expected `\[start"):
        read_stretches(str(tmp_path), "v")


def test_a_line_of_many_digits_is_refused_at_once(tmp_path):
    (tmp_path / "v.txt").write_text(f"[{'1' * 50_000} - {'1' * 50_000}")
    with pytest.raises(CorpusError, match=r"v.txt: line 1: expected `\[start"):
        read_stretches(str(tmp_path), "v")


def test_an_empty_transcript_leaves_the_video_whole(tmp_path):
    (tmp_path / "v.txt").write_text("\n")
    assert read_stretches(str(tmp_path), "v_left") == [Stretch(0.0, np.inf)]


def test_the_header_is_one_line_and_no_frame(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(f"{EXPR_HEADER}\r\n3\r\n-1\r\n")
    assert read_ratings(path, "expr").tolist() == [[3.0], [-1.0]]
    path.write_text("valence,arousal\n")
    assert read_ratings(path, "va").shape == (0, 2)


@pytest.mark.parametrize("text", ["0.1,0.2\n", "valence,arousal\n0.1\n", "valence,arousal\nx,y\n"])
def test_an_annotation_of_another_form_is_refused(tmp_path, text):
    path = tmp_path / "a.txt"
    path.write_text(text)
    with pytest.raises(CorpusError, match=r"a.txt: expected"):
        read_ratings(path, "va")


def test_the_challenges_former_name_is_known(root):
    folder = root / "Annotations" / EXPR
    folder.rename(folder.with_name("EXPR_Classification_Challenge"))
    assert rows(read_files(root), "two_left")[0][2] == "happy"
