from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.errors import StoreError
from pipeline.labels.clips import Clip
from pipeline.labels.dialogues import (
    DIALOGUES_SCHEMA,
    Turn,
    number_turns,
    read_turns,
    write_turns,
)
from pipeline.store.tables import write_table

TALK = Clip(clip_id="a", corpus="one", path="", dialogue="d", turn=3, subject="Ann")


def test_dialogues_of_two_corpora_are_not_the_same() -> None:
    other = replace(TALK, clip_id="b", corpus="two")
    assert [turn.dialogue for turn in number_turns([TALK, other]).values()] == [0, 1]


def test_speakers_are_numbered_within_a_dialogue() -> None:
    clips = [
        replace(TALK, clip_id=str(number), dialogue=dialogue, subject=subject)
        for number, (dialogue, subject) in enumerate(
            [("d", "Ann"), ("d", "Bob"), ("e", "Bob"), ("d", None), ("d", "Bob")]
        )
    ]
    assert [turn.speaker for turn in number_turns(clips).values()] == [0, 1, 0, None, 1]


@pytest.mark.parametrize("blank", ["dialogue", "turn"])
def test_a_clip_of_no_place_in_a_dialogue_is_no_turn(blank: str) -> None:
    assert number_turns([replace(TALK, **{blank: None})]) == {}


def test_turns_are_read_as_they_were_written(tmp_path: Path) -> None:
    turns = {"b": Turn(1, 7, None), "a": Turn(0, 3, 2)}
    write_turns(tmp_path / "dialogues.parquet", turns)
    assert read_turns(tmp_path / "dialogues.parquet") == turns


def test_a_turn_of_no_dialogue_is_refused(tmp_path: Path) -> None:
    row = {"clip_id": "a", "turn": 3}
    write_table(tmp_path / "t.parquet", pa.Table.from_pylist([row], schema=DIALOGUES_SCHEMA))
    with pytest.raises(StoreError, match="expected each clip's dialogue and turn, got blanks"):
        read_turns(tmp_path / "t.parquet")
