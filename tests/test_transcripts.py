from pathlib import Path

import pytest

from pipeline.clips import Clip
from pipeline.ledger import read_ledger
from pipeline.store.parquet import PARTS
from pipeline.store.reader import open_media
from pipeline.transcripts import PROVENANCE, pack_transcripts
from tests.makers import list_parts

WORDS = {"a": "I knew it. ", "b": None, "c": "  ", "d": "Não!"}


def pack(folder: Path, words=WORDS, seconds=2.5):
    clips = [
        Clip(clip_id=name, corpus="toy", path=name, transcript=text, duration_seconds=seconds)
        for name, text in words.items()
    ]
    pack_transcripts(clips, folder / "text", folder / "work")
    return open_media(folder / "text")


def made(folder: Path):
    return list_parts(folder / "work")


def test_words_stand_for_the_whole_clip(tmp_path):
    assert pack(tmp_path)["a"].to_pylist() == [
        {"clip_id": "a", "start_seconds": 0.0, "end_seconds": 2.5, "text": "I knew it."}
    ]


def test_letters_of_every_language_come_back(tmp_path):
    assert pack(tmp_path)["d"]["text"].to_pylist() == ["Não!"]


def test_clips_without_words_are_absent_and_in_the_ledger(tmp_path):
    store = pack(tmp_path)
    assert [store.has_rows(name) for name in "abcd"] == [True, False, False, True]
    entries = read_ledger(tmp_path / "text" / "ledger.parquet")
    assert [(e.clip_id, e.status, e.reason) for e in entries] == [
        ("b", "absent", "no_text"),
        ("c", "absent", "no_text"),
    ]


def test_a_corpus_without_a_word_is_a_valid_store(tmp_path):
    store = pack(tmp_path, {"a": None, "b": ""})
    assert (len(store), store.has_rows("a")) == (2, False)


def test_a_second_run_packs_nothing(tmp_path):
    pack(tmp_path)
    before = made(tmp_path)
    pack(tmp_path)
    assert made(tmp_path) == before


@pytest.mark.parametrize("changed", [{"a": "I knew."}, {"e": "Me too."}])
def test_a_clip_changed_or_added_costs_only_itself(tmp_path, changed):
    pack(tmp_path)
    before = made(tmp_path)
    store = pack(tmp_path, {**WORDS, **changed})
    (new,) = made(tmp_path).keys() - before.keys()
    assert made(tmp_path)[new] == changed.keys()
    for name, text in changed.items():
        assert store[name]["text"].to_pylist() == [text]


def test_another_duration_is_another_stretch(tmp_path):
    pack(tmp_path)
    assert pack(tmp_path, seconds=3.5)["a"]["end_seconds"].to_pylist() == [3.5]


def test_text_changes_only_with_the_version(tmp_path):
    store = pack(tmp_path)
    assert PROVENANCE.settings["version"] == 1
    assert [PARTS.digest_content(store[name]) for name in "ad"] == [
        "9a8d1e40292290f40d08ce52d579e843",
        "54d1b68c279b723180c08f19f1e4a48f",
    ]
