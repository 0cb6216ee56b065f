"""Tables: answers as rows that people, spreadsheets and pandas read."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from jaxtyping import Float32
from scipy.ndimage import uniform_filter1d

from pipeline.predictor.answering import Answer, Values
from pipeline.predictor.timing import NOBODY
from pipeline.targets import TARGETS

OTHERS = frozenset(
    {
        *("seconds", "frame", "person", "modalities", "media", "path", "remarks"),
        *("dominant_emotion", "confidence", *TARGETS),
    }
)
"""Columns that are no class."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet would compute (OWASP, CSV injection)."""


def tabulate_series(answer: Answer, emotions: Sequence[str]) -> pa.Table:
    """One row for each time of `answer`; blank where nothing was there to go by.

    Of several people in a film, each has rows at the times that it is `shown` at.

    `seconds` and `frame` say when, and `person` who, by the number of the track; the columns of
    `list_columns` follow, and `modalities`, those that were there, joined by `+`.
    """
    timing, people = answer.timing, answer.people
    count = len(timing.seconds)
    columns = {
        "seconds": pa.array(np.round(timing.seconds, 6)),
        "frame": pa.nulls(count, pa.int64()) if timing.frames is None else pa.array(timing.frames),
        "person": pa.array(people, mask=people == NOBODY),
        **dict(list_columns(answer.series, emotions)),
        "modalities": pa.array(["+".join(present) for present in answer.present], pa.string()),
    }
    table = pa.table(columns)
    return table if answer.shown is None else table.filter(pa.array(answer.shown))


def tabulate_people(answers: Sequence[Answer], emotions: Sequence[str]) -> pa.Table:
    """Rows of `tabulate_series` of all people of a film, by time and person."""
    table = pa.concat_tables([tabulate_series(answer, emotions) for answer in answers])
    return table.sort_by([("seconds", "ascending"), ("person", "ascending")])


def tabulate_wholes(
    clips: Sequence[Mapping[str, Any]], said: Sequence[Values | None], emotions: Sequence[str]
) -> pa.Table:
    """One row for each clip: what is known of it, then what is `said` of it as a whole.

    `clips` have the same keys each. Where nothing is said of any, the table has no such columns.
    """
    known = {name: pa.array([clip[name] for clip in clips]) for name in clips[0]}
    first: Values = next((values for values in said if values is not None), {})
    blank = {target: np.full_like(value, np.nan) for target, value in first.items()}
    rows: list[Values] = [blank if values is None else values for values in said]
    stacked = {target: np.stack([row[target] for row in rows]) for target in blank}
    return pa.table(known | dict(list_columns(stacked, emotions)))


def list_columns(values: Values, emotions: Sequence[str]) -> Iterator[tuple[str, pa.Array]]:
    """Columns of the values of a target at each time, or of each clip; blank for NaN.

    A target of classes has a column for each of `emotions`, called after it, and for the votes or
    scores beside it, or where one is called as another column is, `votes.happy`; then
    `dominant_emotion`, the greatest, and `confidence`, how great it is. Any other target has a
    column of its own name.
    """
    plain = True
    for target, found in values.items():
        if TARGETS[target].behaviour.number:
            yield target, _blank(found)
            continue
        prefix = "" if plain and OTHERS.isdisjoint(emotions) else f"{target}."
        for place, emotion in enumerate(emotions):
            yield f"{prefix}{emotion}", _blank(found[:, place])
        if plain:
            yield from _name_greatest(found, emotions)
        plain = False


def _name_greatest(
    found: Float32[np.ndarray, "rows classes"], emotions: Sequence[str]
) -> Iterator[tuple[str, pa.Array]]:
    unknown = np.isnan(found).any(axis=1)
    places = np.where(unknown, 0, np.nan_to_num(found).argmax(axis=1))
    yield "dominant_emotion", pa.array(np.array(emotions)[places], pa.string(), mask=unknown)
    yield "confidence", _blank(np.where(unknown, np.nan, found.max(axis=1)))


def _blank(numbers: Float32[np.ndarray, " rows"]) -> pa.Array:
    """Numbers to six digits after the point; nothing for NaN."""
    wide = np.round(numbers.astype(np.float64), 6)
    return pa.array(wide, mask=np.isnan(wide))


def smooth_series(
    series: Values, rows: int, *, causal: bool
) -> dict[str, Float32[np.ndarray, "..."]]:
    """`series`, each value the mean of those there are of so many `rows` around it; gaps stay.

    When `causal`, of the rows up to it.
    """
    return {target: _smooth(values, rows, causal=causal) for target, values in series.items()}


def _smooth(
    values: Float32[np.ndarray, "times *classes"], rows: int, *, causal: bool
) -> Float32[np.ndarray, "times *classes"]:
    known = ~np.isnan(values)
    rows = min(rows, 2 * len(values) + 1)  # as many reach from either end to the other
    origin = (rows - 1) // 2 if causal else 0
    total, count = (
        uniform_filter1d(numbers, rows, axis=0, mode="constant", origin=origin)
        for numbers in (np.where(known, values, 0.0).astype(np.float64), known.astype(np.float64))
    )
    means = total / np.where(known, count, 1.0)
    return np.where(known, means, np.nan).astype(np.float32)


def pack_csv(table: pa.Table) -> pa.Buffer:
    """`table` as CSV, in which no spreadsheet computes a text: media are called by strangers."""
    texts = [
        pa.array([text and quieten(text) for text in column.to_pylist()], pa.string())
        if pa.types.is_string(column.type)
        else column
        for column in table.columns
    ]
    sink = pa.BufferOutputStream()
    pa.csv.write_csv(pa.table(texts, [quieten(name) for name in table.column_names]), sink)
    return sink.getvalue()


def quieten(text: str) -> str:
    """`text` of people, so that no spreadsheet computes it.

    >>> quieten("laughs"), quieten("=1+1")
    ('laughs', "'=1+1")
    """
    return f"'{text}" if text.startswith(FORMULA) else text
