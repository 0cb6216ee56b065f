"""Classes counted: how many clips, or frames, of each part have each."""

from collections import Counter
from collections.abc import Iterator, Sequence

import pyarrow as pa

from pipeline.labels.clip_labels import ClipLabels, Label
from pipeline.labels.parts import ALL, Counts, Parts
from pipeline.targets import TARGETS

Tally = Counter[tuple[str, str]]
"""(class, part) → how many."""


def count_classes(
    targets: Sequence[ClipLabels], frames: pa.Table, parts: Parts, names: Sequence[str]
) -> dict[str, dict[str, Counts]]:
    """Target → each of `names` → how many have it; targets that name no class are left out.

    `frames` has the number of each row's part in the column `part`.
    """
    tallies = {**_tally_clips(targets, parts), **dict(_tally_frames(frames, parts))}
    counted = {
        target: {
            name: parts.sum({part: tally[name, part] for part in parts.names}) for name in names
        }
        for target, tally in tallies.items()
    }
    return {t: found for t, found in counted.items() if any(row[ALL] for row in found.values())}


def list_held(label: Label, *, votes: bool) -> list[str]:
    """Classes that a label gives a clip: of scores those above 0, of votes the first, if it is one.

    >>> list_held((("happy", 0.5), ("sad", 0.0), ("angry", 0.5)), votes=False)
    ['happy', 'angry']
    >>> list_held((("happy", 3.0), ("sad", 1.0)), votes=True)
    ['happy']
    """
    if isinstance(label, str):
        return [label]
    if not isinstance(label, tuple):
        return []
    least = max((number for _, number in label), default=0) if votes else 0
    held = [name for name, number in label if number > 0 and number >= least]
    return held if not votes or len(held) == 1 else []


def _tally_clips(targets: Sequence[ClipLabels], parts: Parts) -> dict[str, Tally]:
    """Target → what clips have of it."""
    tallies: dict[str, Tally] = {name: Counter() for name in TARGETS}
    for target in targets:
        part = parts.of[target.clip_id]
        for name, label in target.labels.items():
            held = list_held(label, votes=TARGETS[name].kind == "votes")
            for word in held:
                tallies[name][word, part] += 1
    return tallies


def _tally_frames(frames: pa.Table, parts: Parts) -> Iterator[tuple[str, Tally]]:
    """What frames have of each target that they are labelled with."""
    for name, target in TARGETS.items():
        if target.framed and target.kind == "class":
            given = (
                frames.select([name, "part"])
                .filter(frames[name].is_valid())
                .group_by([name, "part"])
            )
            counted = given.aggregate([([], "count_all")]).to_pylist()
            found = {(row[name], parts.names[row["part"]]): row["count_all"] for row in counted}
            yield f"{name} of frames", Counter(found)
