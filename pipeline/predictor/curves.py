"""Curves: an answer's values over time, as pictures and pages draw them."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float64

from pipeline.predictor.answering import Answer
from pipeline.targets import TARGETS

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
