"""Faces of a corpus summed up: what each clip gave, those to look at first, and all counted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

import numpy as np

from pipeline.errors import StoreError
from pipeline.faces.tables import FACE_SCHEMA
from pipeline.faces.tracks import INTERPOLATED
from pipeline.limits import MOST_ROWS
from pipeline.sections import Section
from pipeline.store.ledger import Entry, read_ledger
from pipeline.store.parts import Facts
from pipeline.store.reader import MediaStore, open_media
from pipeline.store.records import read_record

_URGENCY = {"left_out": 0, "marked": 1, "ok": 2, "absent": 3}


@dataclass(frozen=True)
class ClipFaces:
    """What one clip gave: `crops` of the person chosen, `interpolated` of them not detected.

    `frames` were looked at, and `people` seen in them: None where the store does not say.
    `sharpness` is the crops' median, None without crops; `entry` is the remark in the ledger.
    """

    clip_id: str
    status: str
    entry: Entry | None
    crops: int
    interpolated: int
    sharpness: float | None
    frames: int | None
    people: int | None

    @property
    def share(self) -> float | None:
        """Share of the frames that have a crop: 0 of a clip left out, None where it is unknown."""
        if self.status == "left_out":
            return 0.0
        return self.crops / self.frames if self.frames else None


class FaceCounts(Section):
    """Faces of all clips with video, counted; None where there is nothing to count.

    `median_share` is that of a clip's frames with a crop, `people_per_clip` a mean, and
    `interpolated_share` that of crops.
    """

    clips: int
    with_faces: int
    median_share: float | None
    people_per_clip: float | None
    interpolated_share: float | None


def summarise_clips(data: Path) -> list[ClipFaces]:
    """Each clip of the store `data`/face, in the order of ids.

    Raises StoreError where the store is absent or damaged.
    """
    store = open_media(data / "face", FACE_SCHEMA)
    entries = {entry.clip_id: entry for entry in read_ledger(store.path / "ledger.parquet")}
    facts = read_facts(store)
    found = {
        clip_id: summarise_clip(store, clip_id, entries.get(clip_id), facts.get(clip_id, {}))
        for clip_id in sorted(store.index.clip_ids, key=store.place_of)
    }
    return [found[clip_id] for clip_id in store.index.clip_ids]


def summarise_clip(store: MediaStore, clip_id: str, entry: Entry | None, facts: Facts) -> ClipFaces:
    """What `clip_id` gave, of its rows in the store of crops and of its `facts`."""
    rows = store[clip_id]
    frames, people = facts.get("frames"), facts.get("people")
    marks = [] if rows is None else rows["marks"].to_pylist()
    return ClipFaces(
        clip_id=clip_id,
        status=store.index.statuses[store.index.positions[clip_id]],
        entry=entry,
        crops=len(marks),
        interpolated=sum(INTERPOLATED in text.split(",") for text in marks),
        sharpness=None if rows is None else float(np.median(rows["sharpness"].to_numpy())),
        frames=None if frames is None else int(frames),
        people=None if people is None else int(people),
    )


def read_facts(store: MediaStore) -> dict[str, Facts]:
    """clip_id → what was found out about the clip, of those that have crops.

    Raises StoreError for a count or a size that is none.
    """
    facts = {clip_id: record.facts for clip_id, record in store.list_records().items()}
    for clip_id, found in facts.items():
        for name, least in (("frames", 0), ("people", 0), ("height", 1)):
            value = found.get(name)
            if value is not None and (isinstance(value, str) or not least <= value < MOST_ROWS):
                raise StoreError(
                    f"{store.path}: {clip_id}: expected a number of {name}, got {value!r}; "
                    f"`dvc pull` the store anew"
                )
    return facts


def rank_clips(clips: Iterable[ClipFaces]) -> list[ClipFaces]:
    """`clips`, those to look at first: left out, marked, few crops, blurred crops."""

    def worst(clip: ClipFaces) -> tuple[int, float, float]:
        share = 1.0 if clip.share is None else clip.share
        return _URGENCY[clip.status], share, clip.sharpness or 0.0

    return sorted(clips, key=worst)


def count_faces(clips: Sequence[ClipFaces]) -> FaceCounts:
    """`clips` counted, those without video left out."""
    filmed = [clip for clip in clips if clip.status != "absent"]
    shares = [clip.share for clip in filmed if clip.share is not None]
    people = [clip.people for clip in filmed if clip.people is not None]
    crops = sum(clip.crops for clip in filmed)
    interpolated = sum(clip.interpolated for clip in filmed)
    return FaceCounts(
        clips=len(filmed),
        with_faces=sum(clip.crops > 0 for clip in filmed),
        median_share=median(shares) if shares else None,
        people_per_clip=mean(people) if people else None,
        interpolated_share=interpolated / crops if crops else None,
    )


def read_counts(path: Path) -> FaceCounts:
    """Counts at `path`; raises StoreError where they are absent or something else."""
    return read_record(path, FaceCounts, "counts of faces", "run `dvc repro` or `git checkout`")
