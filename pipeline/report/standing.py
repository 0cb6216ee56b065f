"""Figures that set heads beside each other, one row per head, one panel per metric."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pipeline.evaluation.records import Estimate, SplitEvaluation
from pipeline.modalities import MODALITIES
from pipeline.report.formats import is_better_low, label, name_metric, write_interval, write_number
from pipeline.report.summary import HeadSummary, find_baseline
from pipeline.report.theme import (
    ACCENT,
    AGAINST,
    FAINT,
    INK,
    LINE,
    MODALITY_COLOURS,
    PAPER,
    SOFT,
    TEMPLATE,
)

_SPLITS = {
    "val": ("validation", 0.0, {"color": ACCENT, "size": 9}),
    "test": ("test", 0.24, {"color": PAPER, "size": 8, "line": {"color": AGAINST, "width": 1.8}}),
}
"""Split → its name, how far below the head's row it stands, its marker."""


_MOST_COLUMNS = 4
_GAP, _EDGES = 70, 70
"""Pixels between rows of panels, and about them."""


@dataclass(frozen=True)
class _Panel:
    """Where one metric is drawn, rows and columns counted from 1."""

    metric: str
    row: int
    column: int


def draw_standing(heads: Sequence[HeadSummary], metrics: Sequence[str]) -> go.Figure:
    """Value and interval of each of `metrics` for ranked `heads`; a dotted line at the baseline's.

    Where a metric has no interval, the clusters' own values stand behind it as ticks.
    """
    figure = _start(heads, metrics)
    for panel in _place(metrics):
        for split in heads[0].evaluation.splits:
            rows = [head.evaluation.splits[split] for head in heads]
            _add_clusters(figure, rows, panel)
            _add_estimates(figure, rows, split, panel)
        _add_baseline(figure, heads, panel)
    return figure


def draw_withheld(heads: Sequence[HeadSummary], metrics: Sequence[str]) -> go.Figure:
    """Each of `metrics` on validation with all inputs, and with each modality withheld."""
    figure = _start(heads, metrics)
    splits = [head.evaluation.splits["val"] for head in heads]
    present = {modality for split in splits for modality in split.withheld}
    for panel in _place(metrics):
        _add_spans(figure, splits, panel)
        for modality in MODALITIES:
            if modality in present:
                values = [split.withheld.get(modality, {}).get(panel.metric) for split in splits]
                marker = {"size": 9, "color": MODALITY_COLOURS[modality]}
                _add_marks(figure, values, panel, name=f"without {modality}", marker=marker)
        marker = {"size": 11, "color": INK, "symbol": "diamond"}
        filled = [split.filled.get(panel.metric) for split in splits]
        _add_marks(figure, filled, panel, name="all inputs", marker=marker)
    return figure


def _place(metrics: Sequence[str]) -> list[_Panel]:
    columns = _count_columns(metrics)
    return [
        _Panel(metric, number // columns + 1, number % columns + 1)
        for number, metric in enumerate(metrics)
    ]


def _count_columns(metrics: Sequence[str]) -> int:
    """Columns of as few rows as hold all panels, those as even as can be."""
    return -(-len(metrics) // -(-len(metrics) // _MOST_COLUMNS))


def _start(heads: Sequence[HeadSummary], metrics: Sequence[str]) -> go.Figure:
    columns = _count_columns(metrics)
    rows = -(-len(metrics) // columns)
    height = 100 + rows * 36 * len(heads) + (rows - 1) * _GAP
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_yaxes=True,
        horizontal_spacing=0.03,
        vertical_spacing=_GAP / (height - _EDGES) if rows > 1 else None,
        subplot_titles=[_title(metric) for metric in metrics],
    )
    figure.update_layout(template=TEMPLATE, height=height, margin_t=62)
    figure.update_layout(legend={"y": 1, "yref": "container", "yanchor": "top"})
    figure.update_annotations(font={"size": 12, "color": INK})
    figure.update_yaxes(
        tickvals=list(range(len(heads))),
        ticktext=[label(head.name) for head in heads],
        range=[len(heads) - 0.4, -0.6],
        tickfont={"size": 12, "color": INK},
    )
    figure.update_xaxes(nticks=6)
    return figure


def _title(metric: str) -> str:
    """Name of `metric`, and which way is better where that is the left."""
    return f"<b>{name_metric(metric)}</b>" + (" lower is better" if is_better_low(metric) else "")


@dataclass(frozen=True)
class _Dot:
    """An estimate of the head in a row, and how far its interval reaches to the left and right."""

    row: int
    value: float
    left: float
    right: float
    told: str

    @classmethod
    def of(cls, row: int, estimate: Estimate) -> "_Dot | None":
        """None of one that is undefined."""
        value, ends = estimate.value, (estimate.low, estimate.high)
        if value is None:
            return None
        low, high = (value if end is None else end for end in ends)
        told = write_interval(estimate) or f"no interval: {escape(str(estimate.interval_reason))}"
        return cls(row, round(value, 4), round(value - low, 4), round(high - value, 4), told)


def _add_estimates(
    figure: go.Figure, rows: Sequence[SplitEvaluation], split: str, panel: _Panel
) -> None:
    """Add a dot with its interval for each row where the panel's metric is defined."""
    name, below, marker = _SPLITS[split]
    found = [(y, row.metrics.get(panel.metric)) for y, row in enumerate(rows)]
    dots = [dot for y, estimate in found if estimate and (dot := _Dot.of(y, estimate))]
    trace = go.Scatter(
        x=[dot.value for dot in dots],
        y=[dot.row + below for dot in dots],
        error_x={
            "array": [dot.right for dot in dots],
            "arrayminus": [dot.left for dot in dots],
            "color": ACCENT if split == "val" else AGAINST,
            "thickness": 1.4,
            "width": 0,
        },
        customdata=[dot.told for dot in dots],
        hovertemplate=f"{name} %{{x:.3f}}<br>%{{customdata}}<extra></extra>",
        **_style(name, marker, panel),
    )
    figure.add_trace(trace, row=panel.row, col=panel.column)


def _add_clusters(figure: go.Figure, rows: Sequence[SplitEvaluation], panel: _Panel) -> None:
    """Add a tick for each cluster's own value, where those are given."""
    points = [
        (round(value, 4), y, cluster)
        for y, row in enumerate(rows)
        for cluster, value in row.cluster_values.get(panel.metric, {}).items()
        if value is not None
    ]
    if points:
        values, places, clusters = zip(*points, strict=True)
        trace = go.Scatter(
            x=values,
            y=places,
            customdata=[label(cluster) for cluster in clusters],
            hovertemplate="%{customdata} %{x:.3f}<extra></extra>",
            **_style(
                f"each {rows[0].cluster_unit}",
                {"symbol": "line-ns", "size": 9, "line": {"color": FAINT, "width": 1.2}},
                panel,
            ),
        )
        figure.add_trace(trace, row=panel.row, col=panel.column)


def _add_baseline(figure: go.Figure, heads: Sequence[HeadSummary], panel: _Panel) -> None:
    baseline = find_baseline(heads)
    found = (
        None if baseline is None else baseline.evaluation.splits["val"].metrics.get(panel.metric)
    )
    if found is not None and found.value is not None:
        line = {"color": SOFT, "width": 1, "dash": "dot"}
        place = {"row": panel.row, "col": panel.column}
        figure.add_vline(x=round(found.value, 4), line=line, layer="below", **place)


def _add_spans(figure: go.Figure, splits: Sequence[SplitEvaluation], panel: _Panel) -> None:
    """Add a line from the lowest to the highest value of each row."""
    for y, split in enumerate(splits):
        every = [split.filled, *(split.withheld.get(modality, {}) for modality in MODALITIES)]
        found = [values.get(panel.metric) for values in every]
        values = [value for value in found if value is not None]
        if values:
            span = {"x0": min(values), "x1": max(values), "y0": y, "y1": y}
            line = {"color": LINE, "width": 3}
            place = {"row": panel.row, "col": panel.column}
            figure.add_shape(type="line", line=line, layer="below", **place, **span)


def _add_marks(
    figure: go.Figure,
    values: Sequence[float | None],
    panel: _Panel,
    *,
    name: str,
    marker: Mapping[str, Any],
) -> None:
    trace = go.Scatter(
        x=[None if value is None else round(value, 4) for value in values],
        y=list(range(len(values))),
        customdata=[write_number(value) for value in values],
        hovertemplate=f"{name} %{{customdata}}<extra></extra>",
        **_style(name, marker, panel),
    )
    figure.add_trace(trace, row=panel.row, col=panel.column)


def _style(name: str, marker: Mapping[str, Any], panel: _Panel) -> dict[str, Any]:
    """Markers with one entry in the legend for all panels."""
    return {
        "name": name,
        "legendgroup": name,
        "showlegend": (panel.row, panel.column) == (1, 1),
        "mode": "markers",
        "marker": dict(marker),
    }
