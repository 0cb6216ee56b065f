"""Drawing: one clip's answers as pictures, for slides and papers."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

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

ABOVE, BELOW, BETWEEN, EDGE = 0.5, 0.5, 0.35, 0.2
"""Inches above the axes, with the title; below them, with the seconds; between two; at the side."""

NUMBERS, TITLE, HANDLE, SCALE_INCHES = 0.5, 0.25, 0.3, 0.3
"""Inches of numbers beside an axis, its title, the line of a legend, and a scale of shades."""

SMALL = 8
"""Points of the letters of ticks and legends."""

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
            _entitle(figure, f"{title} · {name}")
            save = partial(figure.savefig, format="png", dpi=DOTS)
            write_whole(folder / f"{name}.{kind}.png", save)


@contextmanager
def _take_any_names() -> Iterator[None]:
    """Within this, names are drawn as they stand: with dollars, and letters that no font has."""
    with rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        yield


def _start(
    height: float, rows: int = 1, *, left: float, right: float, below: float = BELOW
) -> tuple[Figure, Sequence[Axes]]:
    """A figure with `rows` axes of `height` below each other, and margins around; all in inches.

    Margins are told: to find them, matplotlib draws a figure once more.
    """
    whole = ABOVE + rows * height + (rows - 1) * BETWEEN + below
    figure = Figure(figsize=(INCHES, whole))
    figure.subplots_adjust(
        left=left / INCHES,
        right=1 - right / INCHES,
        top=1 - ABOVE / whole,
        bottom=below / whole,
        hspace=BETWEEN / height,
    )
    axes = np.atleast_1d(figure.subplots(rows, 1, sharex=True))
    for one in axes:
        one.spines[["top", "right", "left", "bottom"]].set_visible(False)
        one.tick_params(colors=SOFT, labelsize=SMALL, length=0)
    return figure, list(axes)


def _entitle(figure: Figure, title: str) -> None:
    top = 1 - 0.1 / figure.get_figheight()
    figure.suptitle(title, x=0.01, y=top, ha="left", va="top", fontsize=11, color=INK)


def _measure(names: Iterable[str]) -> float:
    """Inches that the longest of `names` takes as a label, with some air."""
    font = FontProperties(size=SMALL)
    widths = (text_to_path.get_text_width_height_descent(n, font, ismath=False)[0] for n in names)
    return max(widths, default=0.0) / 72 + 0.15


def _draw_timeline(seconds: Times, shares: ByPerson, ratings: ByPerson) -> Figure:
    groups = []
    for who, own in ratings.items():
        low = min((TARGETS[target].low for target in own), default=0.0)
        groups += [(who, shares[who], 0.0), (who, own, low)]
    groups = [group for group in groups if group[1]]
    height = 2.2 if len(shares) == 1 else 1.4
    right = _measure(shorten(name) for _, group, _ in groups for name in group) + HANDLE
    figure, axes = _start(height, len(groups), left=NUMBERS, right=right)
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
        fontsize=SMALL,
        labelcolor=SOFT,
        handlelength=1.4,
    )


def _label_time(axis: Axes, seconds: Times) -> None:
    last = float(seconds[-1])
    axis.set_xlim(0, last or 1)
    axis.set_xlabel("seconds", fontsize=9, color=SOFT)


def _draw_distribution(shares: ByPerson) -> Figure:
    height = 0.3 * max(map(len, shares.values()))
    left = _measure(shorten(name) for own in shares.values() for name in own)
    figure, axes = _start(height, len(shares), left=left, right=EDGE)
    for axis, (who, own) in zip(axes, shares.items(), strict=True):
        _draw_bars(axis, own)
        _name(axis, who)
    axes[-1].legend(loc="lower right", frameon=False, fontsize=SMALL, labelcolor=SOFT)
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
    height = 0.28 * max(map(len, shares.values()))
    left = _measure(shorten(name) for own in shares.values() for name in own)
    figure, axes = _start(height, len(shares), left=left, right=NUMBERS + SCALE_INCHES)
    for axis, (who, own) in zip(axes, shares.items(), strict=True):
        drawn = _draw_shades(axis, seconds, own)
        _name(axis, who)
    axes[-1].set_xlabel("seconds", fontsize=9, color=SOFT)
    top, bottom = axes[0].get_position().y1, axes[-1].get_position().y0
    place = 1 - NUMBERS / INCHES - SCALE_INCHES / INCHES * 0.8, bottom
    beside = figure.add_axes((*place, SCALE_INCHES / INCHES * 0.6, top - bottom))
    bar = figure.colorbar(drawn, cax=beside)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=SOFT, labelsize=SMALL, length=0)
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
    classes = [shorten(name) for name in names]
    rows = [f"{name} · {total:g}" for name, total in zip(classes, totals[:, 0], strict=True)]
    height = (0.55 if roomy else 0.35) * len(names)
    below = BELOW if roomy else BELOW + _measure(classes)
    figure, (axis,) = _start(height, left=_measure(rows) + TITLE, right=EDGE, below=below)
    axis.pcolormesh(shares, cmap=SHADES, vmin=0, vmax=1, edgecolors=LINE, linewidth=0.5)
    for row, column in np.argwhere(counts):
        share, number = shares[row, column], counts[row, column]
        told = f"{share:.0%}\n{number:g}" if roomy else f"{100 * share:.0f}"
        colour = "white" if share > DARK else INK
        where = column + 0.5, row + 0.5
        axis.text(*where, told, ha="center", va="center", fontsize=SMALL, color=colour)
    places = np.arange(len(names)) + 0.5
    axis.invert_yaxis()
    axis.set_xticks(places, classes, rotation=0 if roomy else 90)
    axis.set_yticks(places, rows)
    axis.set_xlabel("answered", fontsize=9, color=SOFT)
    axis.set_ylabel("annotated · number", fontsize=9, color=SOFT)
    _entitle(figure, title)
    with _take_any_names():
        write_whole(path, partial(figure.savefig, format="png", dpi=DOTS))
