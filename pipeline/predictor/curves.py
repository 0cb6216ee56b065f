"""Curves and spans: an answer over time, as pictures, pages and annotations have it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from jaxtyping import Float64

from pipeline.predictor.answering import Answer
from pipeline.predictor.timing import NOBODY, Timing
from pipeline.targets import TARGETS


@dataclass(frozen=True)
class Span:
    """What holds from `start` to `end`, in seconds, as `text`."""

    start: float
    end: float
    text: str


Curves = Mapping[str, Float64[np.ndarray, " times"]]
"""Name → a value for each time, NaN where there is none."""


def list_shares(answer: Answer, emotions: Sequence[str]) -> Curves:
    """What runs from 0 to 1: the classes of the first target that has some, and presences."""
    found: dict[str, Float64[np.ndarray, " times"]] = {}
    classes = [t for t in answer.series if not TARGETS[t].behaviour.number][:1]
    for target, values in answer.series.items():
        wide = values.astype(np.float64)
        if target in classes:
            found |= {emotion: wide[:, place] for place, emotion in enumerate(emotions)}
        elif TARGETS[target].kind == "presence":
            found[target] = wide
    return found


def list_ratings(answer: Answer) -> Curves:
    """Ratings by their names."""
    return {
        target: values.astype(np.float64)
        for target, values in answer.series.items()
        if TARGETS[target].kind == "rating"
    }


def list_spans(timing: Timing, texts: Sequence[str | None]) -> list[Span]:
    """Spans over which the text of each time is the same; none where it is None.

    A time stands for all up to the middle to its neighbours, the first and the last for the
    beginning and the end of the clip.
    """
    seconds = timing.seconds
    end = max(timing.length, float(seconds[-1]))
    edges = [0.0, *((seconds[1:] + seconds[:-1]) / 2).tolist(), end]
    spans = []
    for text, run in groupby(range(len(texts)), key=lambda place: texts[place]):
        places = list(run)
        if text is not None:
            spans.append(Span(edges[places[0]], edges[places[-1] + 1], text))
    return spans


def name_people(answer: Answer) -> list[str | None]:
    """Who is seen at each time, `person 0`; None where nobody is."""
    people = answer.people.tolist()
    return [None if track == NOBODY else name_person(track) for track in people]


def name_person(track: int) -> str:
    """What somebody is called whose face has the track of this number.

    >>> name_person(2)
    'person 2'
    """
    return f"person {track}"


def name_greatest(answer: Answer, emotions: Sequence[str]) -> dict[str, list[str | None]]:
    """Target of classes → the greatest at each time; None where there is none."""
    return {
        target: [None if np.isnan(row).any() else emotions[int(row.argmax())] for row in values]
        for target, values in answer.series.items()
        if TARGETS[target].kind in ("class", "votes")
    }
