"""Drawing: one clip's answers as pictures, for slides and papers."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from pipeline.files import write_whole
from pipeline.predictor.answering import Answer
from pipeline.predictor.curves import Curves, list_ratings, list_shares
from pipeline.report.formats import shorten
from pipeline.report.theme import ACCENT, INK, LINE, PALETTE, SCALE, SOFT
from pipeline.targets import TARGETS

Times = Float64[np.ndarray, " times"]

ByPerson = Mapping[str, Curves]

INCHES = 9.0
"""Width of a picture, which at DOTS has 1,350 of them: a slide's."""

DOTS = 150

ROOMY = 9
"""Classes; cells of more have room for shares alone, in percent."""

DARK = 0.55
"""Share above which a cell is too dark for ink."""

SHADES = LinearSegmentedColormap.from_list("shares", list(SCALE)).with_extremes(bad=LINE)
"""From paper to dark; a gap is grey."""


def draw_clip(
    people: Mapping[str, Answer], emotions: Sequence[str], title: str, folder: Path, name: str
) -> None:
    """Write `<name>.timeline.png` to `folder`, and of classes a distribution and a heatmap, too.

    The timeline has a curve for each class and each rating; the distribution is how large a share
    of the time each class is the greatest, and how great it is on average; the heatmap has a row
    for each class, the darker the greater. Gaps are times at which nothing was there to go by.
    Each of the `people` (name → answer) has them below those of the one before.
    """
    seconds = next(iter(people.values())).timing.seconds
    shares = {who: list_shares(answer, emotions) for who, answer in people.items()}
    ratings = {who: list_ratings(answer) for who, answer in people.items()}
    with _take_any_names():
        pictures = {"timeline": _draw_timeline(seconds, shares, ratings)}
        if any(shares.values()):
            pictures["distribution"] = _draw_distribution(shares)
            pictures["heatmap"] = _draw_heatmap(seconds, shares)
        for kind, figure in pictures.items():
            figure.suptitle(f"{title} · {name}", x=0.01, ha="left", fontsize=11, color=INK)
            save = partial(figure.savefig, format="png", dpi=DOTS)
            write_whole(folder / f"{name}.{kind}.png", save)


@contextmanager
def _take_any_names() -> Iterator[None]:
    """Within this, names are drawn as they stand: with dollars, and letters that no font has."""
    with rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        yield


def _start(height: float, rows: int = 1) -> tuple[Figure, Sequence[Axes]]:
    """A figure of so many inches, and its axes below each other."""
    figure = Figure(figsize=(INCHES, height), layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, 1, sharex=True))
    for one in axes:
        one.spines[["top", "right", "left", "bottom"]].set_visible(False)
        one.tick_params(colors=SOFT, labelsize=8, length=0)
    return figure, list(axes)


def _draw_timeline(seconds: Times, shares: ByPerson, ratings: ByPerson) -> Figure:
    groups = []
    for who, own in ratings.items():
        low = min((TARGETS[target].low for target in own), default=0.0)
        groups += [(who, shares[who], 0.0), (who, own, low)]
    groups = [group for group in groups if group[1]]
    figure, axes = _start(0.6 + (2.4 if len(shares) == 1 else 1.7) * len(groups), len(groups))
    named = ""
    for axis, (who, group, low) in zip(axes, groups, strict=True):
        _draw_curves(axis, seconds, group)
        axis.set_ylim(low, 1)
        if who != named:
            _name(axis, who)
        named = who
    _label_time(axes[-1], seconds)
    return figure


def _name(axis: Axes, who: str) -> None:
    axis.set_title(who, loc="left", fontsize=9, color=INK)


def _draw_curves(axis: Axes, seconds: Times, curves: Curves) -> None:
    """A curve for each name; a point by itself where its neighbours are gaps."""
    for place, (name, values) in enumerate(curves.items()):
        style = ("-", "--", ":")[place // len(PALETTE) % 3]
        known = ~np.isnan(values)
        beside = np.pad(known, 1)
        alone = known & ~beside[:-2] & ~beside[2:]
        colour = PALETTE[place % len(PALETTE)]
        axis.plot(seconds, values, style, color=colour, linewidth=1.5, label=shorten(name))
        axis.plot(seconds[alone], values[alone], "o", color=colour, markersize=3)
    axis.grid(axis="y", color=LINE, linewidth=0.8)
    axis.legend(
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        frameon=False,
        fontsize=8,
        labelcolor=SOFT,
        handlelength=1.4,
    )


def _label_time(axis: Axes, seconds: Times) -> None:
    last = float(seconds[-1])
    axis.set_xlim(0, last or 1)
    axis.set_xlabel("seconds", fontsize=9, color=SOFT)


def _draw_distribution(shares: ByPerson) -> Figure:
    classes = max(map(len, shares.values()))
    figure, axes = _start(0.9 + (0.3 * classes + 0.3) * len(shares) - 0.3, len(shares))
    for axis, (who, own) in zip(axes, shares.items(), strict=True):
        _draw_bars(axis, own)
        _name(axis, who)
    axes[-1].legend(loc="lower right", frameon=False, fontsize=8, labelcolor=SOFT)
    return figure


def _draw_bars(axis: Axes, shares: Curves) -> None:
    """How large a share of the time each class is in front, and its mean."""
    table = np.stack(list(shares.values()))
    known = ~np.isnan(table).any(axis=0)
    greatest = np.bincount(table[:, known].argmax(axis=0), minlength=len(table))
    places = np.arange(len(table))
    count = max(1, int(known.sum()))
    axis.barh(
        places,
        greatest / count,
        height=0.6,
        color=ACCENT,
        alpha=0.45,
        label="share of the time in front",
    )
    means = table[:, known].mean(axis=1) if known.any() else np.full(len(table), np.nan)
    axis.plot(means, places, "o", color=INK, markersize=4, label="mean")
    axis.set_yticks(places, [shorten(name) for name in shares])
    axis.set_xlim(0, 1)
    axis.invert_yaxis()
    axis.grid(axis="x", color=LINE, linewidth=0.8)
    axis.set_axisbelow(True)


def _draw_heatmap(seconds: Times, shares: ByPerson) -> Figure:
    classes = max(map(len, shares.values()))
    figure, axes = _start(0.9 + (0.28 * classes + 0.3) * len(shares) - 0.3, len(shares))
    for axis, (who, own) in zip(axes, shares.items(), strict=True):
        drawn = _draw_shades(axis, seconds, own)
        _name(axis, who)
    axes[-1].set_xlabel("seconds", fontsize=9, color=SOFT)
    bar = figure.colorbar(drawn, ax=list(axes), pad=0.01)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=SOFT, labelsize=8, length=0)
    return figure


def _draw_shades(axis: Axes, seconds: Times, shares: Curves) -> QuadMesh:
    """A row for each class, the darker the greater."""
    table = np.stack(list(shares.values()))
    step = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 1.0
    edges = np.append(seconds, seconds[-1] + step) - step / 2
    rows = np.arange(len(table) + 1) - 0.5
    axis.set_yticks(np.arange(len(table)), [shorten(name) for name in shares])
    axis.invert_yaxis()
    return axis.pcolormesh(edges, rows, np.ma.masked_invalid(table), cmap=SHADES, vmin=0, vmax=1)


def draw_confusion(
    path: Path, names: Sequence[str], counts: Float64[np.ndarray, "classes classes"], title: str
) -> None:
    """Write a confusion matrix as a picture: a row for each class annotated, with its number.

    Colour and first line are the share of the row that was taken for each class, then how many,
    where there is room for it.
    """
    roomy = len(names) <= ROOMY
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.where(totals > 0, totals, 1)
    figure, (axis,) = _start(1.4 + (0.55 if roomy else 0.35) * len(names))
    axis.pcolormesh(shares, cmap=SHADES, vmin=0, vmax=1, edgecolors=LINE, linewidth=0.5)
    for row, column in np.argwhere(counts):
        share, number = shares[row, column], counts[row, column]
        told = f"{share:.0%}\n{number:g}" if roomy else f"{100 * share:.0f}"
        colour = "white" if share > DARK else INK
        where = column + 0.5, row + 0.5
        axis.text(*where, told, ha="center", va="center", fontsize=8, color=colour)
    places = np.arange(len(names)) + 0.5
    axis.invert_yaxis()
    axis.set_xticks(places, [shorten(name) for name in names], rotation=0 if roomy else 90)
    rows = [f"{shorten(name)} · {total:g}" for name, total in zip(names, totals[:, 0], strict=True)]
    axis.set_yticks(places, rows)
    axis.set_xlabel("answered", fontsize=9, color=SOFT)
    axis.set_ylabel("annotated · number", fontsize=9, color=SOFT)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=INK)
    with _take_any_names():
        write_whole(path, partial(figure.savefig, format="png", dpi=DOTS))
