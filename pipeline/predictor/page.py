"""The page of one medium: it plays, and its curves go along."""

import os
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from jaxtyping import Float64

from pipeline.heads.recipes import Recipe, tell_revision
from pipeline.modalities import MODALITIES, order_modalities
from pipeline.predictor.answering import Answer
from pipeline.predictor.boxes import FacePath
from pipeline.predictor.curves import (
    Curves,
    Span,
    list_ratings,
    list_shares,
    list_spans,
    name_people,
)
from pipeline.predictor.gathering import name_kind
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


@dataclass(frozen=True)
class Shown:
    """One person of a page, or all that it has: the name, a picture, and what is said of them.

    `portrait` is an address of the picture, empty without one; `lanes` say what was there.
    """

    who: str
    portrait: str
    colour: str
    whole: Mapping[str, str]
    shares: Plot
    ratings: Plot
    lanes: list[Lane]


@dataclass(frozen=True)
class Points:
    """The answers of a page, at `seconds`: shares and ratings by their names."""

    seconds: Float64[np.ndarray, " points"]
    shares: Curves
    ratings: Curves


def write_medium_page(
    path: Path, people: Sequence[Told], recipe: Recipe, wholes: Sequence[Mapping[str, str]]
) -> None:
    """Write the page of what a head tells of one medium; it plays the file where that lies now.

    `people` are those in it, where each is answered for; `wholes` are what is said of each all in
    all, by target. Raises ValueError where nothing is.
    """
    clip, answers = people[0].clip, [told.answer for told in people if told.answer]
    if len(answers) != len(people):
        raise ValueError(f"{clip.clip_id}: expected an answer, got none")
    timing = answers[0].timing
    length = clip.duration_seconds or float(timing.seconds[-1])
    points = [_choose_points(answer, recipe.emotions) for answer in answers]
    there = {modality for answer in answers for row in answer.present for modality in row}
    content = {
        "medium": people[0].name,
        "recipe": recipe,
        "revision": tell_revision(recipe),
        "kind": name_kind(clip),
        "source": quote(os.path.relpath(os.path.abspath(clip.path), path.parent.absolute())),
        "length": length,
        "times": len(timing.seconds),
        "present": order_modalities(there),
        "remarks": [*people[0].remarks, *people[0].unlike],
        "words": people[0].words,
        "people": [
            _show(told, whole, PALETTE[place % len(PALETTE)], own, length)
            for place, (told, whole, own) in enumerate(zip(people, wholes, points, strict=True))
        ],
        "lanes": [lane for lane in _list_shared_lanes(people, length) if lane.spans],
        "ticks": list_ticks(length),
        "answers": {
            "seconds": points[0].seconds.round(3).tolist(),
            "length": length,
            "people": [_number(told, own) for told, own in zip(people, points, strict=True)],
            "plane": _find_plane(list(points[0].ratings)),
            "words": [asdict(word) for word in people[0].words],
        },
    }
    write_page(path, "predicted.html.j2", content)


def _choose_points(answer: Answer, emotions: Sequence[str]) -> Points:
    seconds = answer.timing.seconds
    chosen = np.linspace(0, len(seconds) - 1, min(len(seconds), MOST_POINTS)).astype(np.int64)
    shares, ratings = (
        {name: values[chosen] for name, values in curves.items()}
        for curves in (list_shares(answer, emotions), list_ratings(answer))
    )
    return Points(seconds[chosen], shares, ratings)


def _show(
    told: Told, whole: Mapping[str, str], colour: str, points: Points, length: float
) -> Shown:
    along, ratings = points.seconds / length, points.ratings
    return Shown(
        who=told.who,
        portrait=_embed(told.portrait) if told.portrait else "",
        colour=colour,
        whole=whole,
        shares=_plot("classes", along, points.shares, UNIT, 170),
        ratings=_plot("ratings", along, ratings, _span(ratings), 120),
        lanes=[lane for lane in _list_lanes(told, length) if lane.spans],
    )


def _embed(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"


def _number(told: Told, points: Points) -> dict[str, Any]:
    """What the script of a page knows of a person: values and the box of its face at each time."""
    boxes = np.full((len(points.seconds), 4), np.nan)
    if told.faces is not None:
        boxes = FacePath.of(told.faces).follow(points.seconds)
    return {
        "shares": [_list_numbers(values) for values in points.shares.values()],
        "ratings": [_list_numbers(values) for values in points.ratings.values()],
        "boxes": [None if np.isnan(box).any() else box.round().tolist() for box in boxes],
    }


def _find_plane(names: Sequence[str]) -> list[int] | None:
    """Places of valence and arousal among ratings of these names; None without both."""
    both = ("valence", "arousal")
    return [names.index(name) for name in both] if set(both) <= set(names) else None


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


def _list_lanes(told: Told, length: float) -> Iterator[Lane]:
    """When each modality was there, and which faces were seen, where one person stands for all."""
    if told.answer is None:
        return
    for modality in MODALITIES:
        there = [modality if modality in present else None for present in told.answer.present]
        spans = list_spans(told.answer.timing, there)
        yield _lay(modality, MODALITY_COLOURS[modality], spans, length)
    if not told.who:
        people = list_spans(told.answer.timing, name_people(told.answer))
        for place, person in enumerate(sorted({span.text for span in people})):
            own = [span for span in people if span.text == person]
            yield _lay(person, PALETTE[place % len(PALETTE)], own, length)


def _list_shared_lanes(people: Sequence[Told], length: float) -> Iterator[Lane]:
    """When each person was seen, of those that are answered for, and what was said."""
    for place, told in enumerate(people):
        if told.who and told.answer:
            spans = list_spans(told.answer.timing, name_people(told.answer))
            yield _lay(told.who, PALETTE[place % len(PALETTE)], spans, length)
    yield _lay("words", MODALITY_COLOURS["text"], people[0].words, length)


def _lay(name: str, colour: str, spans: Sequence[Span], length: float) -> Lane:
    scale = WIDE / length
    return Lane(name, colour, [(s.start * scale, s.end * scale, s.text) for s in spans])


def _list_numbers(values: Float64[np.ndarray, " points"]) -> list[float | None]:
    """Numbers for JSON, which has no NaN."""
    return [None if np.isnan(value) else round(float(value), 4) for value in values]
