from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.labels.clips import Clip
from pipeline.store.ledger import read_ledger
from pipeline.store.parquet import PARTS
from pipeline.store.reader import open_media
from pipeline.words.texts import PROVENANCE, TEXT_SCHEMA, gather_contexts
from pipeline.words.transcripts import pack_transcripts
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


TALK = (("Ann", "Well?"), ("Bob", "Well."), ("Ann", None), (None, "Yes "), ("Bob", "No!"))


def make_talk(turns=TALK, dialogue="d"):
    """Clips `d0`, `d1`, … of a dialogue, in another order than they were said in."""
    clips = [
        Clip(
            clip_id=f"{dialogue}{turn}",
            corpus="toy",
            path="",
            subject=subject,
            dialogue=dialogue,
            turn=turn,
            transcript=text,
            duration_seconds=2.5,
        )
        for turn, (subject, text) in enumerate(turns)
    ]
    return clips[::-1]


def pack_talk(folder: Path, clips, context_turns=2):
    pack_transcripts(clips, folder / "text", folder / "work", context_turns=context_turns)
    return open_media(folder / "text")


def list_keys(store):
    return dict(zip(store.index.clip_ids, store.index.keys, strict=True))


def test_context_is_the_turns_before_with_who_spoke():
    contexts = gather_contexts(make_talk(), 2)
    assert contexts["d0"] == ()
    assert contexts["d2"] == ("Ann: Well?", "Bob: Well.")
    assert contexts["d4"] == ("Bob: Well.", "Yes")


def test_context_never_holds_the_same_or_a_later_turn():
    (late,) = (replace(clip, clip_id="e", turn=1) for clip in make_talk() if clip.turn == 4)
    contexts = gather_contexts([*make_talk(), late], 9)
    assert contexts["d1"] == contexts["e"] == ("Ann: Well?",)
    assert contexts["d2"] == ("Ann: Well?", "Bob: No!", "Bob: Well.")


def test_context_stays_within_its_dialogue_and_corpus():
    other = [replace(clip, clip_id=f"o{clip.turn}", corpus="other") for clip in make_talk()]
    contexts = gather_contexts([*make_talk(), *make_talk(dialogue="e"), *other], 1)
    assert contexts["e0"] == contexts["o0"] == ()


def test_clips_outside_a_dialogue_have_no_context():
    clips = [replace(clip, turn=None) for clip in make_talk()]
    assert set(gather_contexts(clips, 3).values()) == {()}


def test_context_lies_beside_the_text_only_where_it_is_asked_for(tmp_path):
    assert pack_talk(tmp_path, make_talk())["d1"]["context"].to_pylist() == [["Ann: Well?"]]
    assert pack_talk(tmp_path, make_talk(), 0)["d1"].column_names == TEXT_SCHEMA.names


def test_a_changed_turn_costs_the_turns_that_it_stands_before(tmp_path):
    before = list_keys(pack_talk(tmp_path, make_talk()))
    after = list_keys(pack_talk(tmp_path, make_talk((("Ann", "Oh?"), *TALK[1:]))))
    assert {name for name, key in after.items() if before[name] != key} == {"d0", "d1", "d2", "d3"}


def test_context_changes_only_with_the_version(tmp_path):
    store = pack_talk(tmp_path, make_talk())
    assert PARTS.digest_content(store["d4"]) == "8c2840b17a646f49663e482f9d447223"
