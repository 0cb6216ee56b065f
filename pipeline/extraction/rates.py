"""Rows averaged to a lower rate, so that many layers or a fast encoder stay small."""

import numpy as np

from pipeline.rows import Rows


def average_rows(rows: Rows, rate_hz: float) -> Rows:
    """`rows` averaged over steps of `1 / rate_hz` seconds, counted from the clip's start.

    A row belongs to the step that its middle lies in. A step averages its valid rows, or all of
    them, marked as not valid, where none is; it stands for the stretch from the first to the last.
    Steps without rows give none.

    >>> starts = np.array([0.0, 0.25, 0.5, 0.75])
    >>> values = np.array([[1.0], [3.0], [5.0], [9.0]], np.float32)
    >>> heard = np.array([True, True, False, True])
    >>> average_rows(Rows(values, starts, starts + 0.25, heard), rate_hz=2.0).embedding
    array([[2.],
           [9.]], dtype=float32)
    """
    steps = np.floor((rows.start_seconds + rows.end_seconds) / 2 * rate_hz).astype(np.int64)
    first = np.flatnonzero(np.diff(steps, prepend=-1))
    if not len(rows):
        return rows
    valid = np.logical_or.reduceat(rows.valid, first)
    number = np.repeat(np.arange(len(first)), np.diff([*first, len(rows)]))
    weights = np.where(valid[number], rows.valid, True).astype(np.float32)
    shaped = weights.reshape(-1, *(1 for _ in rows.embedding.shape[1:]))
    counts = np.add.reduceat(shaped, first)
    return Rows(
        (np.add.reduceat(rows.embedding * shaped, first) / counts).astype(rows.embedding.dtype),
        rows.start_seconds[first],
        np.maximum.reduceat(rows.end_seconds, first),
        valid,
    )
