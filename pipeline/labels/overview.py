"""An overview of labels, to look at before anything is trained: who and what is in each part."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from pathlib import Path
from statistics import median_low

import pyarrow as pa

from pipeline.errors import StoreError
from pipeline.labels.classes import count_classes
from pipeline.labels.clip_labels import FRAMES_SCHEMA, ClipLabels, read_targets
from pipeline.labels.clips import CLEAN_SCHEMA, LABELS_SCHEMA, Clip, read_clips
from pipeline.labels.emotions import read_names
from pipeline.labels.parts import ALL, NOWHERE, Counts, Parts
from pipeline.labels.ratings import Agreement, Rated, describe_ratings, measure_agreement
from pipeline.labels.runs import find_overlaps
from pipeline.labels.splits import SIDES
from pipeline.store.ledger import Entry, read_ledger
from pipeline.store.tables import read_table

MOST_PARTS = 12
"""Of more parts than these, the least, the median and the most of a fold are told."""

ENDS = 10
"""Longest clips that are told of, and shortest."""


@dataclass(frozen=True)
class Length:
    """How long a clip is, and where it stands."""

    clip_id: str
    part: str
    seconds: float


@dataclass(frozen=True)
class Lengths:
    """Of the clips whose length is known: how many, their seconds, and the ENDS of either end."""

    count: int
    total_seconds: float
    longest: Sequence[Length]
    shortest: Sequence[Length]


@dataclass(frozen=True)
class Overview:
    """What labels hold.

    `corpora` are their names, `parts` those of parts in order. `counts` is what is counted
    (`clips`, those `usable` by what `clean` has seen, `subjects`, `groups`) → its number by part;
    `classes` is target (`emotion`, `emotion of frames`, …) → class → how many have it; `ratings` is
    target → its numbers by part, and ALL. `agreement` is None without votes, `lengths` where none
    is known. `overlaps` are sentences on what stands on two sides, `entries` the ledgers of
    `labels` and of `clean`.
    """

    corpora: Sequence[str]
    parts: Sequence[str]
    counts: Mapping[str, Counts]
    classes: Mapping[str, Mapping[str, Counts]]
    ratings: Mapping[str, Mapping[str, Rated]]
    agreement: Agreement | None
    lengths: Lengths | None
    overlaps: Sequence[str]
    entries: Sequence[Entry]

    @property
    def crowded(self) -> bool:
        """Whether there are too many parts to tell of each."""
        return len(self.parts) > MOST_PARTS

    def condense(self, counts: Counts) -> dict[str, int]:
        """`counts` of each part and ALL; of too many folds the least, the median and the most."""
        if not self.crowded:
            return {part: counts[part] for part in (*self.parts, ALL)}
        folds = [counts[part] for part in self.parts if part != NOWHERE]
        ends = {"least": min(folds), "median": median_low(folds), "most": max(folds)}
        rest = {NOWHERE: counts[NOWHERE]} if NOWHERE in self.parts else {}
        return {**{f"{end} of a fold": n for end, n in ends.items()}, **rest, ALL: counts[ALL]}


def read_overview(folder: Path, told: Path, cleaned: Path | None) -> Overview:
    """Overview of what stage `labels` wrote in the folders `folder` and `told`.

    And of what `clean` wrote in the folder `cleaned`, if it is given. Raises StoreError where a
    table is absent, damaged or of other clips.
    """
    clips = read_clips(folder / "clips.parquet", LABELS_SCHEMA)
    targets = _read_targets(told / "targets.parquet", clips)
    parts = Parts(targets)
    frames = _read_frames(told / "frames.parquet", parts)
    kept = clips if cleaned is None else read_clips(cleaned / "clips.parquet", CLEAN_SCHEMA)
    usable = {} if cleaned is None else {"usable": parts.count(clip.clip_id for clip in kept)}
    ledgers = [folder] if cleaned is None else [folder, cleaned]
    return Overview(
        corpora=sorted({clip.corpus for clip in clips}),
        parts=parts.names,
        counts={
            "clips": parts.count(parts.of),
            **usable,
            "subjects": parts.count_different(clips, "subject"),
            "groups": parts.count_different(clips, "group"),
        },
        classes=count_classes(targets, frames, parts, read_names(told / "names.json").emotion),
        ratings=dict(describe_ratings(targets, frames, parts)),
        agreement=measure_agreement(targets),
        lengths=_measure_lengths(kept, parts),
        overlaps=find_overlaps(clips, targets),
        entries=[e for ledger in ledgers for e in read_ledger(ledger / "ledger.parquet")],
    )


def _read_targets(path: Path, clips: Sequence[Clip]) -> list[ClipLabels]:
    """Labels at `path`; raises StoreError where they are not those of `clips`."""
    targets = read_targets(path)
    if [target.clip_id for target in targets] != [clip.clip_id for clip in clips]:
        raise StoreError(
            f"{path}: expected the labels of the clips in data/labels, got those of others; run "
            f"`dvc repro labels`"
        )
    if strange := {target.split for target in targets} - {None, *SIDES}:
        raise StoreError(
            f"{path}: expected splits {', '.join(SIDES)}, got {min(map(str, strange))!r}; run "
            f"`dvc repro labels`"
        )
    return targets


def _read_frames(path: Path, parts: Parts) -> pa.Table:
    """Targets of frames at `path`, and the number of each row's part in the column `part`."""
    frames = read_table(path, FRAMES_SCHEMA)
    numbers = pa.array(parts.number(frames["clip_id"]))
    return frames.drop_columns(["clip_id", "frame", "seconds"]).append_column("part", numbers)


def _measure_lengths(clips: Iterable[Clip], parts: Parts) -> Lengths | None:
    known = [
        Length(clip.clip_id, parts.of[clip.clip_id], seconds)
        for clip in clips
        if clip.clip_id in parts.of and (seconds := _find_seconds(clip)) is not None
    ]
    if not known:
        return None
    return Lengths(
        count=len(known),
        total_seconds=sum(length.seconds for length in known),
        longest=nsmallest(ENDS, known, key=lambda length: (-length.seconds, length.clip_id)),
        shortest=nsmallest(ENDS, known, key=lambda length: (length.seconds, length.clip_id)),
    )


def _find_seconds(clip: Clip) -> float | None:
    """How long a clip is: what its media say, else its stretch."""
    if clip.duration_seconds is not None or clip.start_seconds is None:
        return clip.duration_seconds
    return (clip.end_seconds or 0.0) - clip.start_seconds
