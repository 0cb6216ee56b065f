import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import CorpusError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.iemocap import read
from pipeline.labels.corpora.params import IemocapParams
from tests.miniatures import make_iemocap

FIRST = "iemocap/Ses01F_impro01"


def read_files(root: Path, **options: Any) -> Corpus:
    return read(IemocapParams(kind="iemocap", root=str(root), depends_on=str(root), **options))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_iemocap(tmp_path)
    return tmp_path


def label(corpus: Corpus, clip_id: str) -> ClipLabels:
    return next(target for target in corpus.targets if target.clip_id == clip_id)


def test_who_speaks_is_the_last_letter_not_who_wore_markers(root):
    clips = {clip.clip_id: clip for clip in read_files(root).clips}
    assert (clips[f"{FIRST}_M000"].subject, clips[f"{FIRST}_M000"].sex) == ("01M", "male")
    assert (clips[f"{FIRST}_F000"].subject, clips[f"{FIRST}_F000"].sex) == ("01F", "female")


def test_turns_are_numbered_by_when_they_begin(root):
    turns = {clip.clip_id: clip.turn for clip in read_files(root).clips}
    assert (turns[f"{FIRST}_F000"], turns[f"{FIRST}_M000"]) == (0, 1)


@pytest.mark.parametrize(
    ("classes", "excited"), [("four", "happy"), ("six", "excited"), ("all", "excited")]
)
def test_excitement_is_happiness_among_four_classes_alone(root, classes, excited):
    corpus = read_files(root, classes=classes)
    assert label(corpus, f"{FIRST}_M000").labels["emotion"] == excited


def test_ratings_are_on_our_scale_and_those_off_theirs_are_none(root):
    corpus = read_files(root)
    assert label(corpus, f"{FIRST}_M000").labels["valence"] == 0.75
    found = label(corpus, f"{FIRST}_F000").labels
    assert (found["valence"], found["arousal"], "dominance" in found) == (0.0, -1.0, False)
    (entry,) = (e for e in corpus.entries if e.clip_id == f"{FIRST}_F000")
    assert (entry.status, entry.reason, entry.detail[:13]) == (
        "marked",
        "off_scale",
        "dominance 5.5",
    )


def test_votes_are_those_of_others_and_each_word_of_a_rater_counts(root):
    four = dict(label(read_files(root), f"{FIRST}_F000").labels["votes"])
    assert four == {"neutral": 1, "happy": 2, "sad": 0, "angry": 0}
    six = dict(label(read_files(root, classes="six"), f"{FIRST}_F000").labels["votes"])
    assert (six["happy"], six["excited"]) == (1, 1)


def test_a_turn_that_raters_did_not_agree_on_has_ratings_alone(root):
    found = label(read_files(root), "iemocap/Ses02F_impro01_F001").labels
    assert "emotion" not in found
    assert found["valence"] == -0.5


def test_a_turn_without_a_file_is_told(root):
    gone = f"{FIRST}_F001"
    corpus = read_files(root)
    assert gone not in {clip.clip_id for clip in corpus.clips}
    assert ("no_file", gone) in {(entry.reason, entry.clip_id) for entry in corpus.entries}


def test_a_file_that_no_dialogue_names_is_told(root):
    strange = Path("Session1", "sentences", "wav", "Ses01F_impro01", "Ses01F_impro01_F099.wav")
    (root / strange).touch()
    entries = read_files(root, style="improvised").entries
    assert [e.clip_id for e in entries if e.reason == "no_label"] == [str(strange)]


def test_films_are_those_of_dialogues_in_stretches(root):
    clip = read_files(root, modality="audiovisual").clips[0]
    assert clip.path.endswith("Session1/dialog/avi/DivX/Ses01F_impro01.avi")
    assert (clip.start_seconds, clip.end_seconds) == (1.5, 3.25)


def test_words_are_taken_from_lines_of_turns_alone(root):
    assert [clip.transcript for clip in read_files(root).clips[:2]] == ["Excuse me.", None]


@pytest.mark.parametrize(
    ("protocol", "places", "groups"),
    [
        ("sessions", {(None, fold): 3 for fold in range(1, 5)} | {(None, 0): 2}, 5),
        ("conversations", {("train", None): 11, ("test", None): 3}, 5),
        (
            "speakers",
            {(None, fold): 2 - fold % 2 for fold in range(2, 10)} | {(None, 0): 1, (None, 1): 1},
            10,
        ),
    ],
)
def test_sessions_or_speakers_are_left_out_in_turn(root, protocol, places, groups):
    corpus = read_files(root, protocol=protocol)
    assert Counter((target.split, target.fold) for target in corpus.targets) == places
    assert len({clip.group for clip in corpus.clips}) == groups


@pytest.mark.parametrize(
    ("was", "other"),
    [
        ("exc", "glee"),
        ("4.5000", "4.50.00"),
        ("4.5000, ", ", "),
        ("[7.5", "[7.5.0"),
        ("4.5000", "."),
    ],
)
def test_a_turn_of_another_form_is_refused(root, was, other):
    path = root / "Session1" / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt"
    path.write_text(path.read_text().replace(was, other))
    with pytest.raises(CorpusError, match=r"Ses01F_impro01.txt: expected .*M000"):
        read_files(root)


def test_a_style_that_is_not_there_is_refused(root):
    assert len(read_files(root, style="improvised").clips) == 14
    with pytest.raises(CorpusError, match="no turn that is scripted"):
        read_files(root, style="scripted")


@pytest.mark.parametrize("folder", ["EmoEvaluation", "transcriptions"])
def test_a_pipe_in_the_place_of_a_text_is_refused(root, folder):
    path = root / "Session2" / "dialog" / folder / "Ses02F_impro01.txt"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CorpusError, match=r"Ses02F_impro01.txt: not a readable file .*; restore"):
        read_files(root)
