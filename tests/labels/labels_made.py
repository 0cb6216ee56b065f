"""Labels made up for overviews, written as stages `labels` and `clean` write them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.labels.clip_labels import FRAMES_SCHEMA, ClipLabels
from pipeline.labels.clips import CLEAN_SCHEMA, Clip, write_clips
from pipeline.labels.emotions import Names
from pipeline.labels.labelling import Labelled, write_labels
from pipeline.labels.overview import Overview, read_overview
from pipeline.store.ledger import Entry, write_ledger


def make_overview(
    folder: Path,
    labels: Sequence[Mapping[str, Any]],
    places: Sequence[Mapping[str, Any]] = (),
    *,
    frames: Sequence[Mapping[str, Any]] = (),
    ledger: Sequence[Entry] = (),
    corpus: str = "toy",
    names: Sequence[str] = ("happy", "sad"),
    seconds: Mapping[str, float] | None = None,
    losses: Sequence[Entry] = (),
) -> Overview:
    """Overview of clips `toy/0`, `toy/1`, … of two subjects by turns.

    `labels` and `places` (split or fold) go clip by clip. With `seconds`, clip id → duration of
    what is usable, and with `losses` in its ledger, `clean` has seen them.
    """
    clips = [
        Clip(clip_id=f"toy/{n}", corpus=corpus, path=f"{n}.mp4", subject="ab"[n % 2], group=f"{n}")
        for n in range(len(labels))
    ]
    where = [*places, *[{}] * len(labels)][: len(labels)]
    labelled = Labelled(
        clips=clips,
        targets=[
            ClipLabels(clip_id=clip.clip_id, labels=found, **place)
            for clip, found, place in zip(clips, labels, where, strict=True)
        ],
        frames=pa.Table.from_pylist(list(frames), schema=FRAMES_SCHEMA),
        names=Names(emotion=list(names), words={}),
        ledger=list(ledger),
        kept=[],
    )
    write_labels(labelled, folder / "labels", folder / "targets")
    if seconds is not None:
        usable = [clip for clip in clips if clip.clip_id in seconds]
        clean(folder / "clips", usable, seconds, losses)
    cleaned = folder / "clips" if seconds is not None else None
    return read_overview(folder / "labels", folder / "targets", cleaned)


def clean(
    folder: Path, clips: Sequence[Clip], seconds: Mapping[str, float], losses: Sequence[Entry]
) -> None:
    measured = [replace(clip, duration_seconds=seconds[clip.clip_id]) for clip in clips]
    write_clips(folder / "clips.parquet", measured, CLEAN_SCHEMA)
    write_ledger(folder / "ledger.parquet", losses)
