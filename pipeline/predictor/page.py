"""The page of one medium: it plays, and its curves go along."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from jaxtyping import Float64, Int64

from pipeline.heads.recipes import Recipe, tell_revision
from pipeline.labels.clips import NO_MEDIA, Clip
from pipeline.media.opening import PICTURES
from pipeline.modalities import MODALITIES
from pipeline.predictor.answering import Answer
from pipeline.predictor.curves import Span, list_ratings, list_shares, list_spans, name_people
from pipeline.predictor.predictor import Told
from pipeline.report.formats import shorten
from pipeline.report.pages import write_page
from pipeline.report.theme import MODALITY_COLOURS, PALETTE
from pipeline.report.timelines import list_ticks
from pipeline.targets import TARGETS

MOST_POINTS = 4_000
"""Answers of a page; of more, so many evenly spread: a screen has no more columns."""

WIDE, HIGH = 1000.0, 100.0
"""Size of a plot in its own units."""

UNIT = (0.0, 1.0)
"""What shares run over."""

Run = list[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """A curve: its name, its colour, and `runs` of points without a gap, in a plot's units."""

    name: str
    colour: str
    runs: list[Run]


@dataclass(frozen=True)
class Plot:
    """Curves over the same `span` of values, `high` pixels high."""

    title: str
    lines: list[Line]
    span: tuple[float, float]
    high: int


@dataclass(frozen=True)
class Lane:
    """When something is there: spans from begin to end, in a plot's units, each with a title."""

    name: str
    colour: str
    spans: list[tuple[float, float, str]]


def write_medium_page(path: Path, told: Told, recipe: Recipe, whole: Mapping[str, str]) -> None:
    """Write the page of what a head tells of one medium; it plays the file where that lies now.

    `whole` is what is said of it all in all, by target.
    """
    answer, clip = told.answer, told.clip
    if answer is None:
        raise ValueError(f"{clip.clip_id}: expected an answer, got none")
    chosen = _choose(len(answer.timing.seconds))
    length = clip.duration_seconds or float(answer.timing.seconds[-1])
    seconds = answer.timing.seconds[chosen]
    shares, ratings = (
        {name: values[chosen] for name, values in curves.items()}
        for curves in (list_shares(answer, recipe.emotions), list_ratings(answer))
    )
    drawn = {
        "shares": _plot("classes", seconds / length, shares, UNIT, 170),
        "ratings": _plot("ratings", seconds / length, ratings, _span(ratings), 120),
    }
    content = {
        "medium": told.name,
        "recipe": recipe,
        "revision": tell_revision(recipe),
        "kind": _name_kind(clip),
        "source": quote(os.path.relpath(os.path.abspath(clip.path), path.parent.absolute())),
        "length": length,
        "times": len(answer.timing.seconds),
        "present": [m for m in MODALITIES if any(m in there for there in answer.present)],
        "remarks": [*told.remarks, *told.unlike],
        "words": told.words,
        "whole": whole,
        **drawn,
        "lanes": [lane for lane in _list_lanes(answer, told, length) if lane.spans],
        "ticks": list_ticks(length),
        "answers": {
            "seconds": seconds.round(3).tolist(),
            "length": length,
            "shares": [_list_numbers(values) for values in shares.values()],
            "ratings": [_list_numbers(values) for values in ratings.values()],
            "plane": _find_plane(list(ratings)),
            "words": [asdict(word) for word in told.words],
        },
    }
    write_page(path, "predicted.html.j2", content)


def _find_plane(names: Sequence[str]) -> list[int] | None:
    """Places of valence and arousal among ratings of these names; None without both."""
    both = ("valence", "arousal")
    return [names.index(name) for name in both] if set(both) <= set(names) else None


def _choose(count: int) -> Int64[np.ndarray, " points"]:
    return np.linspace(0, count - 1, min(count, MOST_POINTS)).astype(np.int64)


def _span(ratings: Mapping[str, Any]) -> tuple[float, float]:
    """Least and greatest number of any of `ratings`."""
    bounds = [bound for name in ratings for bound in (TARGETS[name].low, TARGETS[name].high)]
    return min(bounds, default=0.0), max(bounds, default=1.0)


def _plot(
    title: str,
    along: Float64[np.ndarray, " points"],
    curves: Mapping[str, Float64[np.ndarray, " points"]],
    span: tuple[float, float],
    high: int,
) -> Plot:
    """Curves whose points lie so far `along` the whole time, from 0 to 1, and within `span`."""
    lowest, highest = span
    lines = [
        Line(
            shorten(name),
            PALETTE[place % len(PALETTE)],
            list(_part(along * WIDE, (highest - values) / (highest - lowest) * HIGH)),
        )
        for place, (name, values) in enumerate(curves.items())
    ]
    return Plot(title, lines, span, high)


def _part(
    across: Float64[np.ndarray, " points"], down: Float64[np.ndarray, " points"]
) -> Iterator[Run]:
    """Points in runs, a new one after each gap."""
    places = range(len(across))
    for known, run in groupby(places, key=lambda place: not np.isnan(down[place])):
        if known:
            yield [(float(across[place]), float(down[place])) for place in run]


def _list_lanes(answer: Answer, told: Told, length: float) -> Iterator[Lane]:
    """When each modality was there, who was seen, and what was said."""
    for modality in MODALITIES:
        there = [modality if modality in present else None for present in answer.present]
        spans = list_spans(answer.timing, there)
        yield _lay(modality, MODALITY_COLOURS[modality], spans, length)
    people = list_spans(answer.timing, name_people(answer))
    for place, person in enumerate(sorted({span.text for span in people})):
        own = [span for span in people if span.text == person]
        yield _lay(person, PALETTE[place % len(PALETTE)], own, length)
    yield _lay("words", MODALITY_COLOURS["text"], told.words, length)


def _lay(name: str, colour: str, spans: Sequence[Span], length: float) -> Lane:
    scale = WIDE / length
    return Lane(name, colour, [(s.start * scale, s.end * scale, s.text) for s in spans])


def _list_numbers(values: Float64[np.ndarray, " points"]) -> list[float | None]:
    """Numbers for JSON, which has no NaN."""
    return [None if np.isnan(value) else round(float(value), 4) for value in values]


def _name_kind(clip: Clip) -> str:
    """How a page shows a medium."""
    if clip.path == NO_MEDIA:
        return "text"
    if Path(clip.path).suffix.lower() in PICTURES:
        return "picture"
    return "sound" if clip.fps is None else "film"
