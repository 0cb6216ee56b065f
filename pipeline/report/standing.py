"""Figures that set heads beside each other, one row per head, one panel per metric."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pipeline.evaluation.judgement import SplitEvaluation
from pipeline.report.formats import label, name_metric, write_interval, write_number
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
from pipeline.rows import MODALITIES

_SPLITS = {
    "val": ("validation", 0.0, {"color": ACCENT, "size": 9}),
    "test": ("test", 0.24, {"color": PAPER, "size": 8, "line": {"color": AGAINST, "width": 1.8}}),
}
"""Split → its name, how far below the head's row it stands, its marker."""


def draw_standing(heads: Sequence[HeadSummary], metrics: Sequence[str]) -> go.Figure:
    """Value and interval of each of `metrics` for ranked `heads`; a dotted line at the baseline's.

    Where a metric has no interval, the clusters' own values stand behind it as ticks.
    """
    figure = _start(heads, metrics)
    for column, metric in enumerate(metrics, start=1):
        for split in heads[0].evaluation.splits:
            rows = [head.evaluation.splits[split] for head in heads]
            _add_clusters(figure, rows, metric, column)
            _add_estimates(figure, rows, metric, split=split, column=column)
        _add_baseline(figure, heads, metric, column)
    return figure


def draw_withheld(heads: Sequence[HeadSummary], metrics: Sequence[str]) -> go.Figure:
    """Each of `metrics` on validation with all inputs, and with each modality withheld."""
    figure = _start(heads, metrics)
    splits = [head.evaluation.splits["val"] for head in heads]
    present = {modality for split in splits for modality in split.withheld}
    for column, metric in enumerate(metrics, start=1):
        _add_spans(figure, splits, metric, column)
        for modality in MODALITIES:
            if modality in present:
                values = [split.withheld.get(modality, {}).get(metric) for split in splits]
                marker = {"size": 9, "color": MODALITY_COLOURS[modality]}
                _add_marks(figure, values, column, name=f"without {modality}", marker=marker)
        marker = {"size": 11, "color": INK, "symbol": "diamond"}
        filled = [split.filled[metric] for split in splits]
        _add_marks(figure, filled, column, name="all inputs", marker=marker)
    return figure


def _start(heads: Sequence[HeadSummary], metrics: Sequence[str]) -> go.Figure:
    figure = make_subplots(
        cols=len(metrics),
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[f"<b>{name_metric(metric)}</b>" for metric in metrics],
    )
    figure.update_layout(template=TEMPLATE, height=100 + 36 * len(heads), margin_t=62)
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


def _add_estimates(
    figure: go.Figure, rows: Sequence[SplitEvaluation], metric: str, *, split: str, column: int
) -> None:
    """Add a dot with its interval for each row where `metric` is defined."""
    name, below, marker = _SPLITS[split]
    found = [(y, row.metrics[metric]) for y, row in enumerate(rows)]
    defined = [(y, estimate, estimate.value) for y, estimate in found if estimate.value is not None]
    highs = [value if e.high is None else e.high for _, e, value in defined]
    lows = [value if e.low is None else e.low for _, e, value in defined]
    values = [value for _, _, value in defined]
    trace = go.Scatter(
        x=[round(value, 4) for value in values],
        y=[y + below for y, _, _ in defined],
        error_x={
            "array": [round(high - value, 4) for high, value in zip(highs, values, strict=True)],
            "arrayminus": [round(value - low, 4) for low, value in zip(lows, values, strict=True)],
            "color": ACCENT if split == "val" else AGAINST,
            "thickness": 1.4,
            "width": 0,
        },
        customdata=[write_interval(estimate) for _, estimate, _ in defined],
        hovertemplate=f"{name} %{{x:.3f}}<br>%{{customdata}}<extra></extra>",
        **_style(name, marker, column),
    )
    figure.add_trace(trace, row=1, col=column)


def _add_clusters(
    figure: go.Figure, rows: Sequence[SplitEvaluation], metric: str, column: int
) -> None:
    """Add a tick for each cluster's own value, where those are given."""
    points = [
        (round(value, 4), y, cluster)
        for y, row in enumerate(rows)
        for cluster, value in row.cluster_values.get(metric, {}).items()
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
                column,
            ),
        )
        figure.add_trace(trace, row=1, col=column)


def _add_baseline(
    figure: go.Figure, heads: Sequence[HeadSummary], metric: str, column: int
) -> None:
    baseline = find_baseline(heads)
    value = None if baseline is None else baseline.evaluation.splits["val"].metrics[metric].value
    if value is not None:
        line = {"color": SOFT, "width": 1, "dash": "dot"}
        figure.add_vline(x=round(value, 4), line=line, layer="below", row=1, col=column)


def _add_spans(
    figure: go.Figure, splits: Sequence[SplitEvaluation], metric: str, column: int
) -> None:
    """Add a line from the lowest to the highest value of each row."""
    for y, split in enumerate(splits):
        found = [split.filled[metric], *(values[metric] for values in split.withheld.values())]
        values = [value for value in found if value is not None]
        if values:
            span = {"x0": min(values), "x1": max(values), "y0": y, "y1": y}
            line = {"color": LINE, "width": 3}
            figure.add_shape(type="line", line=line, layer="below", row=1, col=column, **span)


def _add_marks(
    figure: go.Figure,
    values: Sequence[float | None],
    column: int,
    *,
    name: str,
    marker: Mapping[str, Any],
) -> None:
    trace = go.Scatter(
        x=[None if value is None else round(value, 4) for value in values],
        y=list(range(len(values))),
        customdata=[write_number(value) for value in values],
        hovertemplate=f"{name} %{{customdata}}<extra></extra>",
        **_style(name, marker, column),
    )
    figure.add_trace(trace, row=1, col=column)


def _style(name: str, marker: Mapping[str, Any], column: int) -> dict[str, Any]:
    """Markers with one entry in the legend for all panels."""
    return {
        "name": name,
        "legendgroup": name,
        "showlegend": column == 1,
        "mode": "markers",
        "marker": dict(marker),
    }
