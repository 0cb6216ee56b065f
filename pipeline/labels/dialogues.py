"""Dialogues: which clips are turns of one conversation, and who speaks in each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipeline.errors import StoreError
from pipeline.labels.clips import Clip
from pipeline.store.tables import read_by_clip, write_table

DIALOGUES_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("dialogue", pa.int64()),
        ("turn", pa.int64()),
        ("speaker", pa.int64()),
    ]
)
"""Columns of `data/targets/dialogues.parquet`: the clips that are a turn of a dialogue."""


@dataclass(frozen=True)
class Turn:
    """A clip's place in a conversation: its `dialogue`, by a number, and its `turn` in it.

    `speaker` is a number within the dialogue; None where nobody is named.
    """

    dialogue: int
    turn: int
    speaker: int | None


def number_turns(clips: Iterable[Clip]) -> dict[str, Turn]:
    """clip_id → its turn, of those of `clips` that have a dialogue and a place in it.

    Dialogues of two corpora are never the same. Dialogues, and the speakers of each, are numbered
    as they come.
    """
    dialogues: dict[tuple[str, str], int] = {}
    speakers: dict[int, dict[str, int]] = defaultdict(dict)
    turns = {}
    for clip in clips:
        if clip.dialogue is None or clip.turn is None:
            continue
        dialogue = dialogues.setdefault((clip.corpus, clip.dialogue), len(dialogues))
        known, speaker = speakers[dialogue], None
        if clip.subject is not None:
            speaker = known.setdefault(clip.subject, len(known))
        turns[clip.clip_id] = Turn(dialogue, clip.turn, speaker)
    return turns


def write_turns(path: Path, turns: Mapping[str, Turn]) -> None:
    """Write `turns`, clip by clip, in the order given."""
    rows = [{"clip_id": clip_id, **vars(turn)} for clip_id, turn in turns.items()]
    write_table(path, pa.Table.from_pylist(rows, schema=DIALOGUES_SCHEMA))


def read_turns(path: Path) -> dict[str, Turn]:
    """Turns of the table at `path`, in its order.

    Raises StoreError as `read_by_clip` does, and for a clip without a dialogue or a turn.
    """
    table = read_by_clip(path, DIALOGUES_SCHEMA)
    if any(table[name].null_count for name in ("dialogue", "turn")):
        raise StoreError(
            f"{path}: expected each clip's dialogue and turn, got blanks; run `dvc repro labels`"
        )
    return {row.pop("clip_id"): Turn(**row) for row in table.to_pylist()}
