"""Figures of one head; each is a plotly figure with its height set and its width left free."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import cycle
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
from jaxtyping import Float64
from plotly.subplots import make_subplots

from pipeline.evaluation.confusions import divide
from pipeline.evaluation.pairing import pair_targets, select_rows
from pipeline.evaluation.records import ClassRates
from pipeline.evaluation.table import NOTHING
from pipeline.report.formats import label, name_metric, round_list
from pipeline.report.theme import ACCENT, AGAINST, FAINT, INK, PALETTE, SCALE, SOFT, TEMPLATE
from pipeline.targets import TARGETS

MOST_POINTS = 5_000
"""Above this many points a scatter is drawn as the density of a grid."""

MOST_CLASSES = 9
"""Above this many classes the cells of a confusion matrix have room for shares alone."""

_CELLS = 40

_RATES: dict[str, tuple[str, dict[str, Any]]] = {
    "precision": ("precision", {"color": SOFT, "size": 9, "symbol": "triangle-right-open"}),
    "recall": ("recall", {"color": SOFT, "size": 9, "symbol": "triangle-up-open"}),
    "f1": ("F1", {"color": ACCENT, "size": 10}),
    "auc": ("AUC", {"color": AGAINST, "size": 9, "symbol": "diamond"}),
}
"""Rate of a class → its name, and its marker."""

History = Sequence[Mapping[str, str]]


def draw_confusion(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> go.Figure:
    """Confusion matrix: colour and first line are the share of the annotated class, then counts."""
    table = np.array(counts, dtype=np.float64).reshape(len(classes), len(classes))
    names, places = [label(name) for name in classes], list(range(len(classes)))
    rows = [f"{name} · {sum(row):g}" for name, row in zip(names, table, strict=True)]
    figure = _start(height=max(360, 110 + 30 * len(classes)))
    figure.add_trace(_draw_cells(names, table))
    ticks = {"tickvals": places, "showgrid": False, "ticklabeloverflow": "allow"}
    figure.update_xaxes(title_text="predicted", ticktext=names, **ticks)
    figure.update_yaxes(title_text="annotated · number", ticktext=rows, **ticks)
    figure.update_yaxes(autorange="reversed")
    return figure


def draw_classes(rates: Mapping[str, ClassRates]) -> go.Figure:
    """Precision, recall and F1 of each class, one row each; of scores the area under the curve."""
    figure = _start(height=max(360, 110 + 30 * len(rates)))
    for rate, (name, marker) in _RATES.items():
        values = [getattr(found, rate) for found in rates.values()]
        if any(value is not None for value in values):
            trace = go.Scatter(
                x=[None if value is None else round(value, 4) for value in values],
                y=list(range(len(values))),
                name=name,
                mode="markers",
                marker=marker,
                hovertemplate=f"{name} %{{x:.3f}}<extra></extra>",
            )
            figure.add_trace(trace)
    names = [
        f"{label(name)} · {found.support}" + (f"<br>{escape(found.reason)}" if found.reason else "")
        for name, found in rates.items()
    ]
    rows = {"tickvals": list(range(len(names))), "ticktext": names}
    figure.update_yaxes(title_text="class · number", range=[len(names) - 0.5, -0.5], **rows)
    figure.update_xaxes(range=[-0.03, 1.03], dtick=0.25, tickformat=".2f")
    return figure


def draw_layers(layers: Sequence[int], shares: Float64[np.ndarray, "runs layers"]) -> go.Figure:
    """Mean share of each of `layers` over the runs, and each run's own; dotted, equal shares."""
    figure = _start(height=260)
    places = list(range(len(layers)))
    means = round_list(shares.mean(axis=0))
    bars = {"color": ACCENT, "opacity": 0.45}
    figure.add_bar(x=places, y=means, marker=bars, hovertemplate="mean %{y:.3f}<extra></extra>")
    dots = {"color": INK, "size": 4, "opacity": 0.6}
    for own in round_list(shares):
        hover = {"hovertemplate": "one run %{y:.3f}<extra></extra>"}
        figure.add_scatter(x=places, y=own, mode="markers", marker=dots, **hover)
    figure.add_hline(y=1 / len(layers), line={"color": FAINT, "width": 1, "dash": "dot"})
    figure.update_layout(showlegend=False, bargap=0.3)
    shown = slice(None, None, -(-len(layers) // 13))  # as many numbers as there is room for
    ticks = {"tickvals": places[shown], "ticktext": [str(layer) for layer in layers[shown]]}
    figure.update_xaxes(title_text="layer", range=[-0.6, len(layers) - 0.4], **ticks)
    figure.update_yaxes(title_text="share", rangemode="tozero", nticks=5)
    return figure


def pair_ratings(
    predictions: pa.Table, split: str, target: str
) -> tuple[Float64[np.ndarray, " rows"], Float64[np.ndarray, " rows"]]:
    """Labels and predictions of `target` where both are, on frames if any frame is annotated."""
    own = select_rows(predictions, split=split, withheld=NOTHING, target=target)
    pairs = pair_targets(own, [target], (), "clip")[target].pairs
    both = pairs.take(pairs.covered)
    return both.labels, both.predictions


def draw_ratings(
    target: str,
    labels: Float64[np.ndarray, " rows"],
    predictions: Float64[np.ndarray, " rows"],
) -> go.Figure:
    """Label against prediction, row by row, with the identity; a density where rows are many."""
    every = [TARGETS[target].low, TARGETS[target].high, *labels, *predictions]
    low, high = float(min(every)), float(max(every))
    draw = _draw_density if len(labels) > MOST_POINTS else _draw_points
    figure = _start(height=360)
    figure.add_trace(draw(labels, predictions, (low, high)))
    room = 0.02 * (high - low)
    ends = low - room, high + room
    identity = {"color": SOFT, "width": 1, "dash": "dot"}
    figure.add_shape(type="line", x0=ends[0], y0=ends[0], x1=ends[1], y1=ends[1], line=identity)
    step = 0.5 if high - low > 1 else 0.25
    ticks = {"range": list(ends), "dtick": step, "tickformat": ".2~f"}
    figure.update_xaxes(title_text=f"annotated {target}", **ticks)
    figure.update_yaxes(title_text=f"predicted {target}", **ticks)
    return figure


def draw_losses(history: History) -> go.Figure:
    """Training and validation loss by epoch, one line per run."""
    figure = _start(height=300)
    _add_runs(figure, history, "train_loss", name="training", colour=FAINT)
    _add_runs(figure, history, "val_loss", name="validation", colour=ACCENT)
    figure.update_xaxes(title_text="epoch")
    figure.update_yaxes(title_text="loss", rangemode="tozero")
    return figure


def draw_scores(history: History, metrics: Iterable[str]) -> go.Figure:
    """Each of `metrics` on validation by epoch, one line per run."""
    figure = _start(height=300)
    for metric, colour in zip(metrics, cycle(PALETTE), strict=False):
        _add_runs(figure, history, metric, name=name_metric(metric), colour=colour)
    figure.update_xaxes(title_text="epoch")
    figure.update_yaxes(title_text="metrics on validation")
    return figure


def draw_small_curves(history: History, metric: str) -> go.Figure:
    """Losses above, `metric` on validation below, one line per run."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.12)
    figure.update_layout(template=TEMPLATE, height=230, showlegend=False, margin_t=6)
    _add_runs(figure, history, "train_loss", name="training", colour=FAINT)
    _add_runs(figure, history, "val_loss", name="validation", colour=ACCENT)
    start = len(figure.data)
    _add_runs(figure, history, metric, name=name_metric(metric), colour=PALETTE[0])
    for trace in figure.data[start:]:
        trace.update(xaxis="x2", yaxis="y2")
    figure.update_yaxes(title_text="loss", rangemode="tozero", nticks=4, row=1)
    figure.update_yaxes(title_text=name_metric(metric), nticks=4, row=2)
    return figure


def _start(height: int) -> go.Figure:
    return go.Figure(layout={"template": TEMPLATE, "height": height})


def _draw_cells(names: Sequence[str], counts: Float64[np.ndarray, "classes classes"]) -> go.Heatmap:
    shares = divide(counts, np.broadcast_to(counts.sum(axis=1, keepdims=True), counts.shape))
    return go.Heatmap(
        z=[[None if np.isnan(share) else round(share, 4) for share in row] for row in shares],
        text=_write_cells(shares, counts),
        texttemplate="%{text}",
        textfont={"size": 11},
        hovertext=[
            [f"{row} predicted as {name}: {count:g}" for name, count in zip(names, n, strict=True)]
            for row, n in zip(names, counts, strict=True)
        ],
        hoverinfo="text",
        colorscale=SCALE,
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=1,
        ygap=1,
    )


def _write_cells(
    shares: Float64[np.ndarray, "classes classes"], counts: Float64[np.ndarray, "classes classes"]
) -> list[list[str]]:
    """Share and count of each cell; nothing in cells without rows."""
    roomy = len(counts) <= MOST_CLASSES
    return [
        [
            "" if not count else f"<b>{share:.0%}</b>" + (f"<br>{count:g}" if roomy else "")
            for share, count in zip(*row, strict=True)
        ]
        for row in zip(shares, counts, strict=True)
    ]


def _draw_points(
    labels: Float64[np.ndarray, " rows"],
    predictions: Float64[np.ndarray, " rows"],
    ends: tuple[float, float],
) -> go.Scatter:
    return go.Scatter(
        x=round_list(labels),
        y=round_list(predictions),
        mode="markers",
        marker={"size": 5, "color": ACCENT, "opacity": 0.4},
        hovertemplate="annotated %{x:.2f}<br>predicted %{y:.2f}<extra></extra>",
    )


def _draw_density(
    labels: Float64[np.ndarray, " rows"],
    predictions: Float64[np.ndarray, " rows"],
    ends: tuple[float, float],
) -> go.Heatmap:
    """Number of rows in each cell of a grid; colour by its root, which keeps thin tails visible."""
    edges = np.linspace(*ends, _CELLS + 1)
    counts, _, _ = np.histogram2d(labels, predictions, bins=[edges, edges])
    middles = round_list((edges[1:] + edges[:-1]) / 2)
    return go.Heatmap(
        x=middles,
        y=middles,
        z=[[value or None for value in row] for row in round_list(np.sqrt(counts.T))],
        zmin=0,
        hoverongaps=False,
        customdata=counts.T.astype(int).tolist(),
        colorscale=SCALE,
        showscale=False,
        hovertemplate="annotated %{x:.2f}<br>predicted %{y:.2f}<br>%{customdata} rows"
        "<extra></extra>",
    )


def _add_runs(figure: go.Figure, history: History, column: str, *, name: str, colour: str) -> None:
    """Add `column` by epoch, one line per run, one entry in the legend."""
    for number, (run, points) in enumerate(_split_runs(history, column).items()):
        epochs, values = zip(*points, strict=True)
        trace = go.Scatter(
            x=epochs,
            y=values,
            name=name,
            legendgroup=column,
            showlegend=number == 0,
            mode="lines" if len(epochs) > 1 else "markers",
            line={"color": colour, "width": 1.3},
            opacity=0.75,
            hovertemplate=f"{label(name)}, {label(run)}<br>epoch %{{x}}: %{{y:.3f}}<extra></extra>",
        )
        figure.add_trace(trace)


def _split_runs(history: History, column: str) -> dict[str, list[tuple[int, float]]]:
    """Run → (epoch, value) of the epochs that have `column`."""
    runs: dict[str, list[tuple[int, float]]] = {}
    for row in history:
        if row.get(column):
            value = round(float(row[column]), 4)
            runs.setdefault(row["run"], []).append((int(row["epoch"]), value))
    return runs
