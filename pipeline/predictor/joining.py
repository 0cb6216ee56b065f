"""Joining: tracks of a film that are one person, who was lost and is found again."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Float64

from pipeline.faces.boxes import measure_overlap
from pipeline.faces.tracks import SAME_PERSON
from pipeline.media.jpeg import decode_jpeg

SAME_COLOURS = 0.8
"""Crops whose colours correlate so are of one shot: those of one person and place do by 0.95 and
more, of two people by 0.4 and less, in the clips that this was tried on."""

BINS = [16, 16]
"""Of hue and of saturation."""


@dataclass
class Met:
    """Someone met in a film: the number of the first of its `tracks`, and from when to when.

    It is seen for so many `seconds`, those of all tracks; `box` and `colours` are its last.
    """

    number: int
    begin: float
    end: float
    box: Float64[np.ndarray, "4"]
    colours: Float32[np.ndarray, "hues saturations"]
    tracks: list[int] = field(default_factory=list)
    seconds: float = 0.0


def join_tracks(crops: pa.Table) -> list[Met]:
    """People of a film, by its rows in `data/face` of everyone, in the order that they come.

    A track that begins where somebody was seen last, among the same colours, is that person's:
    a detector loses faces for a while, and cuts go back and forth between people. Else it is
    somebody new: nothing here knows a face.
    """
    people: list[Met] = []
    for track, first, last in _list_tracks(crops):
        before = [one for one in people if one.end < first.begin]
        person = next((one for one in reversed(before) if _is_same(one, first)), None)
        if person is None:
            people.append(person := first)
        person.tracks.append(track)
        person.seconds += last.end - first.begin
        person.end, person.box, person.colours = last.end, last.box, last.colours
    return people


def _list_tracks(crops: pa.Table) -> Iterator[tuple[int, Met, Met]]:
    """Each track, as it begins and as it ends."""
    tracks = crops["track"].to_numpy()
    for track in np.unique(tracks).tolist():  # they are numbered as they begin
        places = np.flatnonzero(tracks == track)
        yield track, _see(crops, int(places[0])), _see(crops, int(places[-1]))


def _see(crops: pa.Table, place: int) -> Met:
    """Who is in one crop."""
    row = {name: crops[name][place].as_py() for name in ("track", "seconds", "box", "jpeg")}
    tints = cv2.cvtColor(decode_jpeg(row["jpeg"]), cv2.COLOR_RGB2HSV)
    colours = cv2.calcHist([tints], [0, 1], None, BINS, [0, 180, 0, 256])
    return Met(row["track"], row["seconds"], row["seconds"], np.array(row["box"]), colours)


def _is_same(one: Met, other: Met) -> bool:
    overlap = float(measure_overlap(one.box[np.newaxis], other.box[np.newaxis]).item())
    alike = cv2.compareHist(one.colours, other.colours, cv2.HISTCMP_CORREL)
    return overlap >= SAME_PERSON and alike >= SAME_COLOURS
