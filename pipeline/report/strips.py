"""Strips: a handful of crops of each clip, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.report.face_summaries import ClipFaces
from pipeline.report.pictures import embed_crop, name_clip, pick_evenly
from pipeline.report.sightings import Crop, list_crops
from pipeline.store.reader import MediaStore


@dataclass(frozen=True)
class Shown:
    """A crop and its picture."""

    crop: Crop
    picture: str


@dataclass(frozen=True)
class Strip:
    """A clip in a line: what it gave, and a handful of its crops."""

    clip: ClipFaces
    crops: list[Shown]


def draw_strips(
    faces: MediaStore, clips: Sequence[ClipFaces], crops: int, pixels: int
) -> list[Strip]:
    """Each of `clips`, of the store of crops, with at most so many crops, at `pixels`."""
    pictures = {}
    for clip_id in sorted((clip.clip_id for clip in clips), key=faces.place_of):
        with name_clip(faces, clip_id):
            pictures[clip_id] = show_crops(list_crops(faces[clip_id]), crops, pixels)
    return [Strip(clip, pictures[clip.clip_id]) for clip in clips]


def show_crops(crops: Sequence[Crop], most: int, pixels: int) -> list[Shown]:
    """At most so many of `crops`, evenly spread, at `pixels`."""
    return [Shown(crop, embed_crop(crop.jpeg, pixels)) for crop in pick_evenly(crops, most)]
