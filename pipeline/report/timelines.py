"""Timelines: when each person is seen in a clip, and how good the crops are, as lines to draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pipeline.report.pictures import pick_evenly
from pipeline.report.sightings import Cast, Crop, Person

MOST_TRACKS = 12
MOST_POINTS = 600
"""More than these would not be told apart."""

Span = tuple[float, float]


@dataclass(frozen=True)
class Lane:
    """When one track is seen: `spans` of seconds, those `interpolated` apart from the others."""

    track: int
    colour: str
    chosen: bool
    frames: int
    spans: list[Span]
    interpolated: list[Span]


@dataclass(frozen=True)
class Curve:
    """One mark of the crops over time: `runs` of points (seconds, value) without a gap in them.

    `limits` are the thresholds it must keep to, as far as any are set.
    """

    name: str
    unit: str
    low: float
    high: float
    runs: list[list[tuple[float, float]]]
    limits: list[float]


@dataclass(frozen=True)
class Timeline:
    """A clip's time from 0 to `seconds`, `ticks` to label it, and what happens in it."""

    seconds: float
    ticks: list[float]
    lanes: list[Lane]
    curves: list[Curve]


def draw_timeline(
    cast: Cast,
    crops: Sequence[Crop],
    *,
    seconds: float,
    step: float,
    thresholds: Mapping[str, float],
) -> Timeline:
    """Timeline of a clip of `seconds`, whose frames were looked at about every `step` seconds."""
    colours, counts = cast.colour_tracks(), cast.sightings
    lanes = []
    for track in cast.list_tracks()[:MOST_TRACKS]:
        own = [person for person in cast.people if person.track == track]
        chosen = track in cast.chosen
        seen, between = (
            join_spans(_times(own, interpolated=mark), step, seconds) for mark in (False, True)
        )
        lanes.append(Lane(track, colours[track], chosen, counts[track], seen, between))
    return Timeline(seconds, list_ticks(seconds), lanes, _draw_curves(crops, step, thresholds))


def join_spans(times: Sequence[float], step: float, end: float) -> list[Span]:
    """Spans of what is seen at `times`, each for `step`, none beyond `end`.

    Times are seldom quite `step` apart; a frame missed parts two spans.
    """
    spans: list[Span] = []
    for time in times:
        begin = time
        if spans and time - spans[-1][1] < step * 0.6:
            begin = spans.pop()[0]
        spans.append((begin, min(time + step, end)))
    return spans


def list_ticks(seconds: float) -> list[float]:
    """At most ten round times from 0 to `seconds`."""
    least = max(seconds, 1e-3) / 9
    power = 10.0 ** np.floor(np.log10(least))
    step = next(nice * power for nice in (1, 2, 5, 10) if nice * power >= least)
    return [float(tick) for tick in np.arange(0, seconds + step * 1e-6, step)]


def _times(people: Sequence[Person], *, interpolated: bool) -> list[float]:
    return [person.seconds for person in people if person.interpolated == interpolated]


def _draw_curves(
    crops: Sequence[Crop], step: float, thresholds: Mapping[str, float]
) -> list[Curve]:
    if not crops:
        return []
    shown = pick_evenly(crops, MOST_POINTS)
    gap = step * 1.6 * max(1.0, len(crops) / MOST_POINTS)
    sharpness, brightness, yaw = (
        _split_runs(shown, name, gap) for name in ("sharpness", "brightness", "yaw")
    )
    sharpest = max(crop.sharpness for crop in crops)
    dark, bright = (
        _limit(thresholds, name, free)
        for name, free in (("min_brightness", 0.0), ("max_brightness", 1.0))
    )
    turned = _limit(thresholds, "max_yaw", 180.0)
    curves = [
        Curve("sharpness", "", 0.0, sharpest, sharpness, _limit(thresholds, "min_sharpness", 0.0)),
        Curve("brightness", "", 0.0, 1.0, brightness, dark + bright),
        Curve("yaw", "°", -90.0, 90.0, yaw, [-limit for limit in turned] + turned),
    ]
    return [curve for curve in curves if curve.runs]


def _limit(thresholds: Mapping[str, float], name: str, free: float) -> list[float]:
    """Threshold `name`, nothing where it is at `free`, which lets all through."""
    return [thresholds[name]] if thresholds[name] != free else []


def _split_runs(crops: Sequence[Crop], name: str, gap: float) -> list[list[tuple[float, float]]]:
    """Values of mark `name`, where known, parted where they are over `gap` seconds apart."""
    points = [(c.seconds, value) for c in crops if (value := getattr(c, name)) is not None]
    if not points:
        return []
    cuts = [n for n, (a, b) in enumerate(pairwise(points), start=1) if b[0] - a[0] > gap]
    return [points[start:stop] for start, stop in pairwise([0, *cuts, len(points)])]
