from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.errors import CorpusError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.params import RavdessParams
from pipeline.labels.corpora.ravdess import FIELD_SIZES, PROTOCOLS, parse_name, read

performances = st.tuples(*[st.integers(1, size) for size in FIELD_SIZES]).filter(
    lambda codes: codes[2] != 1 or codes[3] == 1
)


def name_file(codes: tuple[int, ...]) -> str:
    return "-".join(f"{code:02}" for code in codes)


def make_files(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def read_files(root: Path, **options: Any) -> Corpus:
    return read(RavdessParams(kind="ravdess", root=str(root), depends_on=str(root), **options))


def ids(corpus: Corpus) -> list[str]:
    return [clip.clip_id for clip in corpus.clips]


@given(performances)
def test_every_name_the_corpus_can_have_is_read_back(codes):
    assert parse_name(Path("Actor", name_file(codes) + ".wav")) == codes


@given(performances, st.integers(0, 6), st.integers(0, 99))
def test_a_code_out_of_range_is_refused_by_file_and_field(codes, field, code):
    assume(not 1 <= code <= FIELD_SIZES[field])
    wrong = name_file((*codes[:field], code, *codes[field + 1 :]))
    with pytest.raises(CorpusError, match=rf"{wrong}.wav: expected \w+ 01 to .., got {code:02}"):
        parse_name(Path(wrong + ".wav"))


@given(st.text(st.characters(categories=["L", "N"], include_characters="-"), min_size=1))
def test_a_name_of_other_form_is_refused(stem):
    with pytest.raises(CorpusError, match="seven two-digit fields"):
        parse_name(Path(stem + "x.wav"))


def test_digits_of_other_scripts_are_no_fields():
    with pytest.raises(CorpusError, match="seven two-digit fields"):
        parse_name(Path("٠٣-٠١-٠١-٠١-٠١-٠١-٠١.wav"))


def test_neutral_has_no_strong_intensity():
    with pytest.raises(CorpusError, match=r"03-01-01-02-01-01-05\.wav: expected intensity 01"):
        parse_name(Path("03-01-01-02-01-01-05.wav"))


def test_a_clip_carries_actor_sentence_emotion_and_intensity(tmp_path):
    root = make_files(tmp_path, "Actor_12/01-01-03-02-02-01-12.mp4")
    corpus = read_files(root)
    (clip,) = corpus.clips
    assert clip.clip_id == "ravdess/01-01-03-02-02-01-12"
    assert clip.path == (root / "Actor_12/01-01-03-02-02-01-12.mp4").as_posix()
    assert (clip.subject, clip.group, clip.sex) == ("actor_12", "actor_12", "female")
    assert clip.transcript == "Dogs are sitting by the door"
    expected = ClipLabels(
        clip_id=clip.clip_id, fold=2, labels={"emotion": "happy", "intensity": 1.0}
    )
    assert corpus.targets == [expected]


def test_actors_of_odd_numbers_are_men(tmp_path):
    root = make_files(tmp_path, *(f"01-01-03-02-02-01-{actor}.mp4" for actor in ("01", "02", "23")))
    assert [clip.sex for clip in read_files(root).clips] == ["male", "female", "male"]


def test_the_same_performance_in_other_modalities_is_no_second_clip(tmp_path):
    names = [f"{modality}-01-05-01-01-02-08.mp4" for modality in ("01", "02")]
    root = make_files(tmp_path, *names, "Actor_08/03-01-05-01-01-02-08.wav")
    assert ids(read_files(root)) == ["ravdess/01-01-05-01-01-02-08"]
    assert ids(read_files(root, modality="audio")) == ["ravdess/03-01-05-01-01-02-08"]
    assert ids(read_files(root, modality="video")) == ["ravdess/02-01-05-01-01-02-08"]


def test_song_is_read_where_asked_for(tmp_path):
    root = make_files(tmp_path, "03-01-02-01-01-01-03.wav", "03-02-02-01-01-01-03.flac")
    song = ["ravdess/03-02-02-01-01-01-03"]
    assert ids(read_files(root, modality="audio", channel="song")) == song
    assert len(ids(read_files(root, modality="audio", channel="both"))) == 2


def test_a_copy_of_a_performance_is_refused(tmp_path):
    root = make_files(tmp_path, "a/03-01-02-01-01-01-03.wav", "b/03-01-02-01-01-01-03.wav")
    with pytest.raises(CorpusError, match=r"b/03.*wav: the same performance as .*a/03.*; keep one"):
        read_files(root, modality="audio")


def test_other_files_and_hidden_ones_are_passed_over(tmp_path):
    root = make_files(tmp_path, "notes.csv", "._03-x.wav", "03-01-02-01-01-01-03.WAV")
    assert len(ids(read_files(root, modality="audio"))) == 1


def test_a_folder_of_another_modality_says_what_it_holds(tmp_path):
    root = make_files(tmp_path, "03-01-02-01-01-01-03.wav", "03-01-02-01-01-01-05.wav")
    with pytest.raises(CorpusError, match=r"modality audiovisual.*found audio speech 2; mend"):
        read_files(root)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_places_all_actors(protocol):
    assert sorted(PROTOCOLS[protocol]) == list(range(1, 25))
    assert all((split is None) != (fold is None) for split, fold in PROTOCOLS[protocol].values())


def test_protocols_have_the_published_sizes():
    luna = Counter(fold for _, fold in PROTOCOLS["luna_jimenez"].values())
    assert luna == {0: 5, 1: 5, 2: 5, 3: 5, 4: 4}
    assert Counter(split for split, _ in PROTOCOLS["katerynach"].values()) == {
        "train": 16,
        "val": 4,
        "test": 4,
    }
    assert [PROTOCOLS["three_actors"][actor][1] for actor in (1, 3, 4, 24)] == [0, 0, 1, 7]


def test_the_real_corpus_has_its_published_counts(real_data):
    corpus = read_files(real_data("ravdess_speech"), modality="audio", protocol="three_actors")
    assert len(corpus.clips) == 12 * 60
    counts = Counter(target.labels.get("emotion") for target in corpus.targets)
    assert counts.pop("neutral") == 12 * 4
    assert set(counts.values()) == {12 * 8}
    assert Counter(target.fold for target in corpus.targets) == dict.fromkeys(range(4), 180)
