"""How numbers are written, on pages and on the terminal."""

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
from jaxtyping import Float64

from pipeline.evaluation.metrics import find_metric
from pipeline.evaluation.records import Estimate

DASH = "–"
"""Stands for a value that is undefined."""

_LONGEST_LABEL = 24


def name_metric(metric: str) -> str:
    """Name of `metric` for people: `CCC valence`, `CCC mean`, `UAR`."""
    target, found = find_metric(metric)
    if target is None:
        return f"{found.title} mean"
    return found.title if target.suffix == "" else f"{found.title} {target.name}"


def is_better_low(metric: str) -> bool:
    """Whether a lower value of `metric` is a better one."""
    return find_metric(metric)[1].lower_is_better


def write_number(value: float | None, digits: int = 3) -> str:
    """`value` with a true minus sign and no minus zero, a dash for None: `0.612`."""
    if value is None:
        return DASH
    return f"{value:z.{digits}f}".replace("-", "−")


def write_difference(value: float | None, digits: int = 3) -> str:
    """`value` with its sign: `+0.041`."""
    if value is None:
        return DASH
    return f"{value:+z.{digits}f}".replace("-", "−")


def write_interval(estimate: Estimate) -> str:
    """Interval of `estimate`, nothing where there is none: `0.55 to 0.67`."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{write_number(estimate.low, 2)} to {write_number(estimate.high, 2)}"


def write_p(p_value: float) -> str:
    """p-value to the digits that matter: `0.012`, `<0.001`."""
    if p_value < 0.001:
        return "<0.001"
    return f"{p_value:.3f}" if p_value < 0.1 else f"{p_value:.2f}"


def write_share(part: int, whole: int) -> str:
    """Percentage, rounded down so that 100 % means all; a dash for nothing of nothing."""
    return f"{100 * part // whole} %" if whole else DASH


def find_least_covered(metrics: Mapping[str, Estimate]) -> Estimate:
    """Estimate with the smallest share of annotated rows covered; any if nothing is annotated."""
    return min(metrics.values(), key=lambda m: m.covered / m.annotated if m.annotated else 2)


def label(text: str) -> str:
    """`text` as plotly shows it literally, shortened."""
    return escape(shorten(text))


def shorten(text: str) -> str:
    """`text`, cut where figures have no room for more."""
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"


def round_list(values: Float64[np.ndarray, "*shape"]) -> list[Any]:
    """`values` as nested lists, to the four decimals that a figure can show."""
    rounded: list[Any] = values.round(4).tolist()
    return rounded
