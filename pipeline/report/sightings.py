"""Sightings: who is seen in a clip and when, as pages draw them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.faces.tracks import INTERPOLATED

TRACK_COLOURS = (
    "#00a2ff",
    "#ff7f0e",
    "#19b37d",
    "#e056b3",
    "#ffd23f",
    "#9b6bff",
    "#3fd4d4",
    "#ff5a5a",
)
"""Colours that stand out on pictures, for tracks in turn."""

OTHER_COLOUR = "#b9c2cd"
"""For the tracks after these."""


@dataclass(frozen=True)
class Person:
    """Someone in a frame: `box` is left, top, right, bottom, `points` are x, y, in its pixels."""

    track: int
    frame: int
    seconds: float
    box: tuple[float, ...]
    points: list[tuple[float, float]]
    interpolated: bool

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the box."""
        left, top, right, bottom = self.box
        return right - left, bottom - top


@dataclass(frozen=True)
class Cast:
    """Everyone seen in a clip, in order of time; `chosen` are the tracks that crops are of."""

    people: list[Person]
    chosen: frozenset[int]

    @property
    def sightings(self) -> Counter[int]:
        """Track → frames that it is in."""
        return Counter(person.track for person in self.people)

    def list_tracks(self) -> list[int]:
        """Tracks, those chosen first, then those seen longest."""
        counts = self.sightings
        return sorted(counts, key=lambda track: (track not in self.chosen, -counts[track], track))

    def colour_tracks(self) -> dict[int, str]:
        """Track → colour; those after the first few are grey."""
        tracks = self.list_tracks()
        fresh = dict(zip(tracks, TRACK_COLOURS, strict=False))
        return {track: fresh.get(track, OTHER_COLOUR) for track in tracks}

    def group_frames(self) -> dict[int, list[Person]]:
        """Frame → who is in it, those chosen last, so that they are drawn on top."""
        frames: dict[int, list[Person]] = {}
        for person in sorted(self.people, key=lambda person: person.track in self.chosen):
            frames.setdefault(person.frame, []).append(person)
        return frames


@dataclass(frozen=True)
class Crop:
    """A face crop and what is known of it; angles in degrees, None where they are unknown."""

    jpeg: bytes
    track: int
    seconds: float
    score: float
    marks: tuple[str, ...]
    sharpness: float
    brightness: float
    yaw: float | None
    size: float


def read_cast(tracks: pa.Table | None, crops: Sequence[Crop]) -> Cast:
    """People in the rows of a clip in data/tracks, None where there is nobody."""
    rows = [] if tracks is None else tracks.to_pylist()
    return Cast([_read_person(row) for row in rows], frozenset(crop.track for crop in crops))


def list_crops(rows: pa.Table | None) -> list[Crop]:
    """Crops in the rows of a clip in data/face, None where there are none."""
    return [] if rows is None else [_read_crop(row) for row in rows.to_pylist()]


def _read_person(row: Mapping[str, Any]) -> Person:
    points = np.reshape(row["landmarks"], (5, 2))
    return Person(
        track=row["track"],
        frame=row["frame"],
        seconds=row["seconds"],
        box=tuple(row["box"]),
        points=[] if np.isnan(points).any() else [tuple(point) for point in points.tolist()],
        interpolated=INTERPOLATED in row["marks"].split(","),
    )


def _read_crop(row: Mapping[str, Any]) -> Crop:
    return Crop(
        jpeg=row["jpeg"],
        track=row["track"],
        seconds=row["seconds"],
        score=row["score"],
        marks=tuple(filter(None, row["marks"].split(","))),
        sharpness=row["sharpness"],
        brightness=row["brightness"],
        yaw=None if np.isnan(row["yaw"]) else row["yaw"],
        size=row["size"],
    )
