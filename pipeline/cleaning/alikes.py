"""Alikes: clips of the same content under two ids, by their bytes or by their prints."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

import pyarrow as pa

from pipeline.cleaning.neighbours import find_neighbours
from pipeline.cleaning.params import CleanParams
from pipeline.cleaning.prints import Kind, Print
from pipeline.errors import StoreError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import NO_MEDIA, Clip
from pipeline.labels.runs import list_runs
from pipeline.labels.splits import sides
from pipeline.limits import MOST_CLIPS
from pipeline.store.objects import list_rows
from pipeline.store.tables import read_records, write_table

BYTES = "bytes"
"""What two clips have in common that are the same stretch of the same file, or of a copy."""

ALIKES_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("other_id", pa.string()),
        ("by", pa.string()),
        ("differing_share", pa.float64()),
    ]
)
"""Columns of `data/clips/alikes.parquet`, sorted by clip; the other one comes before it."""


@dataclass(frozen=True)
class Alike:
    """A clip, one before it that is like it, by what, and the share of its print that differs."""

    clip_id: str
    other_id: str
    by: str
    differing_share: float = 0.0

    def __str__(self) -> str:
        if self.by == BYTES:
            return f"the same bytes and stretch as {self.other_id}"
        return f"{self.by} as of {self.other_id}, but for {self.differing_share:.1%} of the print"


def find_doubles(clips: Iterable[Clip]) -> list[Alike]:
    """Each clip whose content another one before it has, under another id.

    Two people whose crops a corpus ships share their film, and are none.
    """
    first: dict[tuple[object, ...], str] = {}
    doubles = []
    for clip in clips:
        if clip.path == NO_MEDIA:
            continue
        content = (clip.media_digest, clip.start_seconds, clip.end_seconds, clip.crops_digest)
        other = first.setdefault(content, clip.clip_id)
        if other != clip.clip_id:
            doubles.append(Alike(clip.clip_id, other, BYTES))
    return doubles


def find_alikes(
    clips: Sequence[Clip], prints: Mapping[str, Print], params: CleanParams
) -> list[Alike]:
    """Pairs of `clips` whose prints differ no more than `params` allow, but those of one file."""
    most: Mapping[Kind, float] = {"sound": params.alike_sound, "pictures": params.alike_pictures}
    return sorted(
        (
            Alike(clips[second].clip_id, clips[first].clip_id, kind, share)
            for kind in get_args(Kind)
            for first, second, share in _compare(clips, prints, kind, most[kind])
            if clips[first].media_digest != clips[second].media_digest
        ),
        key=lambda alike: (alike.clip_id, alike.differing_share, alike.other_id),
    )


def _compare(
    clips: Sequence[Clip], prints: Mapping[str, Print], kind: Kind, most: float
) -> Iterator[tuple[int, int, float]]:
    """Places of two clips, and the share that differs."""
    places = [
        place
        for place, clip in enumerate(clips)
        if clip.clip_id in prints and prints[clip.clip_id].kind == kind
    ]
    for pair in find_neighbours([prints[clips[place].clip_id] for place in places], most):
        yield places[pair.first], places[pair.second], pair.share


def count_across(alikes: Iterable[Alike], targets: Sequence[ClipLabels]) -> list[str]:
    """Sentence for each two sides that clips alike stand on, of the run where most of them do."""
    pairs = [(alike.clip_id, alike.other_id) for alike in alikes]
    placed = any(target.split is not None or target.fold is not None for target in targets)
    most: dict[tuple[str, str], tuple[int, str]] = {}
    for run in list_runs(targets) if placed else []:
        side_of = sides(targets, run.fold)
        for here, there in ACROSS:
            found = {
                one
                for pair in pairs
                for one, other in (pair, pair[::-1])
                if (side_of.get(one), side_of.get(other)) == (here, there)
            }
            total = sum(side == here for side in side_of.values())
            told = f"{run.name}: {len(found)} of {total} clips in {here} are like clips in {there}"
            if found:
                most[here, there] = max(most.get((here, there), (0, "")), (len(found), told))
    return [most[pair][1] for pair in ACROSS if pair in most]


ACROSS = (("val", "train"), ("test", "train"), ("test", "val"))


def write_alikes(path: Path, alikes: Iterable[Alike]) -> None:
    """Write `alikes` sorted by clip."""
    ordered = sorted(alikes, key=lambda alike: (alike.clip_id, alike.other_id))
    rows = [asdict(alike) for alike in ordered]
    write_table(path, pa.Table.from_pylist(rows, schema=ALIKES_SCHEMA))


def read_alikes(path: Path) -> list[Alike]:
    """Pairs in the table at `path`; raises StoreError as `read_records` does, and for blanks."""
    table = read_records(path, ALIKES_SCHEMA, MOST_CLIPS)
    if any(column.null_count for column in table.columns):
        raise StoreError(f"{path}: expected all of each pair, got blanks; `dvc pull` it anew")
    return [Alike(**row) for row in list_rows(table)]
