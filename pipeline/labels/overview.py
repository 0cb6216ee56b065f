"""An overview of labels, to look at before anything is trained: who and what is in each part.

A part is a side of the split, or a fold; clips in none are a part of their own.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.labels.clip_labels import FRAMES_SCHEMA, ClipLabels, list_classes, read_targets
from pipeline.labels.clips import LABELS_SCHEMA, Clip, read_clips
from pipeline.labels.emotions import read_names
from pipeline.labels.splits import SIDES
from pipeline.store.ledger import Entry, read_ledger
from pipeline.store.tables import read_table
from pipeline.targets import TARGETS

NOWHERE = "none"
"""Part of clips that take part in nothing."""

ALL = "all"
"""All parts together."""

BINS = 10
"""Of a histogram, over the scale of its target."""


@dataclass(frozen=True)
class Rated:
    """A rating over all clips, or frames: how many, their ends and mean, and BINS counts."""

    count: int
    least: float
    greatest: float
    mean: float
    histogram: tuple[int, ...]


@dataclass(frozen=True)
class Overview:
    """What labels hold.

    `parts` are their names in order; `clips`, `subjects` and `groups` count by part and ALL,
    `classes` by class and part and ALL, of what is labelled by clip, `framed` by class, of frames.
    `ratings` is target → its numbers; `agreement` the mean share of votes that the first class of a
    clip got, None without votes. `entries` are the ledger.
    """

    parts: Sequence[str]
    clips: Mapping[str, int]
    subjects: Mapping[str, int]
    groups: Mapping[str, int]
    classes: Mapping[str, Mapping[str, int]]
    framed: Mapping[str, int]
    ratings: Mapping[str, Rated]
    agreement: float | None
    entries: Sequence[Entry]


def read_overview(folder: Path, told: Path) -> Overview:
    """Overview of what stage `labels` wrote in the folders `folder` and `told`.

    Raises StoreError where a table is absent or damaged.
    """
    clips = read_clips(folder / "clips.parquet", LABELS_SCHEMA)
    targets = read_targets(told / "targets.parquet")
    frames = read_table(told / "frames.parquet", FRAMES_SCHEMA)
    part_of = {target.clip_id: name_part(target) for target in targets}
    names = read_names(told / "names.json").emotion
    counts = Counter(
        (word, part_of[target.clip_id])
        for target in targets
        for word in list_classes(target.labels.get("emotion", 0.0))
    )
    parts = _order_parts(part_of.values())
    return Overview(
        parts=parts,
        clips={**_count(part_of.values(), parts), ALL: len(part_of)},
        subjects=_count_different(clips, part_of, parts, "subject"),
        groups=_count_different(clips, part_of, parts, "group"),
        classes={
            name: {
                **{part: counts[name, part] for part in parts},
                ALL: sum(counts[name, part] for part in parts),
            }
            for name in names
        },
        framed=_count(frames["emotion"].drop_null().to_pylist(), names),
        ratings=dict(_rate(targets, frames)),
        agreement=_measure_agreement(targets),
        entries=read_ledger(folder / "ledger.parquet"),
    )


def name_part(target: ClipLabels) -> str:
    """Side or fold of a clip.

    >>> name_part(ClipLabels(clip_id="a", split="val")), name_part(ClipLabels(clip_id="a", fold=0))
    ('val', 'fold-0')
    """
    if target.fold is not None:
        return f"fold-{target.fold}"
    return target.split or NOWHERE


def _order_parts(parts: Iterable[str]) -> list[str]:
    """Sides in their usual order, folds by their number, what is in none last."""
    usual = [*SIDES, NOWHERE]

    def rank(part: str) -> tuple[int, int]:
        if part in usual:
            return (0 if part != NOWHERE else 2), usual.index(part)
        return 1, int(part.removeprefix("fold-"))

    return sorted(set(parts), key=rank)


def _count(found: Iterable[str], names: Iterable[str]) -> dict[str, int]:
    counts = Counter(found)
    return {name: counts[name] for name in names}


def _count_different(
    clips: Iterable[Clip], part_of: Mapping[str, str], parts: Sequence[str], unit: str
) -> dict[str, int]:
    """Part, and ALL, → how many different subjects, or groups, its clips are of."""
    found: dict[str, set[tuple[str, str]]] = {part: set() for part in (*parts, ALL)}
    for clip in clips:
        if (name := getattr(clip, unit)) is not None:
            for part in (part_of[clip.clip_id], ALL):
                found[part].add((clip.corpus, name))
    return {part: len(names) for part, names in found.items()}


def _rate(targets: Sequence[ClipLabels], frames: pa.Table) -> Iterator[tuple[str, Rated]]:
    """Each rating that any clip or frame has."""
    for name, target in TARGETS.items():
        if not target.behaviour.number:
            continue
        given = [float(t.labels[name]) for t in targets if name in t.labels]  # type: ignore[arg-type]
        framed = frames[name].drop_null().to_numpy() if target.framed else np.empty(0)
        numbers = np.concatenate([given, framed])
        if len(numbers):
            counts, _ = np.histogram(numbers, BINS, (target.low, target.high))
            ends = float(numbers.min()), float(numbers.max())
            yield name, Rated(len(numbers), *ends, float(numbers.mean()), tuple(counts.tolist()))


def _measure_agreement(targets: Iterable[ClipLabels]) -> float | None:
    votes = [target.labels["votes"] for target in targets if "votes" in target.labels]
    shares = [
        max(numbers) / sum(numbers)
        for label in votes
        if isinstance(label, tuple) and (numbers := [count for _, count in label])
    ]
    return float(np.mean(shares)) if shares else None
