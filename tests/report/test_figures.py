from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.evaluation.records import ClassRates
from pipeline.evaluation.table import PREDICTIONS_SCHEMA
from pipeline.report.figures import (
    MOST_POINTS,
    draw_classes,
    draw_confusion,
    draw_losses,
    draw_ratings,
    draw_scores,
    draw_small_curves,
    pair_ratings,
)


def rows(*rows: dict[str, Any]) -> pa.Table:
    shared = {"clip_id": "a", "split": "val", "withheld": "none", "target": "valence"}
    return pa.Table.from_pylist([{**shared, **row} for row in rows], schema=PREDICTIONS_SCHEMA)


def test_confusion_is_coloured_by_the_share_of_the_annotated_class() -> None:
    (heatmap,) = draw_confusion(["sad", "happy"], [[1, 3], [0, 2]]).data
    assert [list(row) for row in heatmap.z] == [[0.25, 0.75], [0.0, 1.0]]


def test_confusion_writes_share_and_count_and_leaves_empty_cells_blank() -> None:
    (heatmap,) = draw_confusion(["sad", "happy"], [[1, 3], [0, 2]]).data
    assert [list(row) for row in heatmap.text] == [
        ["<b>25%</b><br>1", "<b>75%</b><br>3"],
        ["", "<b>100%</b><br>2"],
    ]


MARKED = ["<b>sad</b>", '<a href="x">joy</a>']
"""Names that plotly would draw as markup, or as links."""


def test_markup_in_the_names_of_classes_runs_and_reasons_is_text() -> None:
    rate = ClassRates(support=3, precision=None, recall=0.5, f1=None, reason=MARKED[1])
    history = [{"run": name, "epoch": "1", "train_loss": "1", "uar": "1"} for name in MARKED]
    figures = [
        draw_confusion(MARKED, [[1, 3], [0, 2]]),
        draw_classes(dict.fromkeys(MARKED, rate)),
        draw_losses(history),
        draw_scores(history, ["uar"]),
        draw_small_curves(history, "uar"),
    ]
    for figure in figures:
        drawn = [*_list_texts(figure.to_dict())]
        assert any("&lt;b&gt;sad" in text for text in drawn)
        assert any("&lt;a href=" in text for text in drawn)
        assert not any("<b>sad" in text or "<a " in text for text in drawn)


def _list_texts(part: Any) -> Iterator[str]:
    """All texts in a figure."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        yield from chain.from_iterable(map(_list_texts, part.values()))
    elif isinstance(part, (list, tuple, np.ndarray)):
        yield from chain.from_iterable(map(_list_texts, part))


def test_the_last_class_keeps_its_name_where_it_runs_over_the_edge() -> None:
    layout = draw_confusion(["sad", "contempt of everything"], [[1, 3], [0, 2]]).layout
    assert layout.xaxis.ticklabeloverflow == layout.yaxis.ticklabeloverflow == "allow"


def test_a_class_never_annotated_has_no_shares() -> None:
    (heatmap,) = draw_confusion(["sad", "happy"], [[0, 0], [1, 1]]).data
    assert list(heatmap.z[0]) == [None, None]


def test_many_classes_leave_room_for_shares_alone() -> None:
    counts = np.eye(11, dtype=int).tolist()
    (heatmap,) = draw_confusion([f"class {number}" for number in range(11)], counts).data
    assert heatmap.text[3][3] == "<b>100%</b>"


def test_emotions_that_begin_alike_keep_their_own_rows() -> None:
    names = ["surprised, in a pleasant way", "surprised, in a pleasant manner"]
    figure = draw_confusion(names, [[1, 0], [0, 1]])
    assert tuple(figure.layout.xaxis.tickvals) == (0, 1)
    assert np.shape(figure.data[0].z) == (2, 2)


def test_ratings_are_paired_where_label_and_prediction_are() -> None:
    table = rows(
        {"label": 0.5, "predicted": 0.25},
        {"label": 0.3, "clip_id": "b"},
        {"predicted": 0.1, "clip_id": "c"},
        {"label": 0.7, "predicted": 0.7, "target": "arousal"},
        {"label": 0.7, "predicted": 0.7, "split": "test"},
        {"label": 0.7, "predicted": 0.7, "withheld": "face"},
    )
    labels, predictions = pair_ratings(table, "val", "valence")
    assert (labels.tolist(), predictions.tolist()) == ([0.5], [0.25])


def test_ratings_are_paired_on_frames_where_frames_are_annotated() -> None:
    table = rows(
        {"label": 0.5, "predicted": 0.25},
        {"label": 0.1, "predicted": 0.2, "seconds": 0.4},
    )
    assert pair_ratings(table, "val", "valence")[0].tolist() == [0.1]


def test_few_ratings_are_points() -> None:
    (trace,) = draw_ratings("valence", np.array([0.1, 0.2]), np.array([0.3, -0.4])).data
    assert trace.type == "scatter"
    assert tuple(trace.y) == (0.3, -0.4)


def test_many_ratings_are_a_density_that_holds_them_all() -> None:
    many = np.linspace(-1, 1, MOST_POINTS + 1)
    (trace,) = draw_ratings("arousal", many, -many).data
    assert trace.type == "heatmap"
    assert np.sum(trace.customdata) == len(many)


def test_ratings_beyond_one_widen_the_axes() -> None:
    figure = draw_ratings("valence", np.array([0.0]), np.array([1.7]))
    assert figure.layout.yaxis.range[1] > 1.7
    assert figure.layout.xaxis.range == figure.layout.yaxis.range


def test_a_rating_is_drawn_over_its_own_range() -> None:
    figure = draw_ratings("intensity", np.array([0.5]), np.array([0.25]))
    low, high = figure.layout.xaxis.range
    assert -0.1 < low < 0
    assert 1 < high < 1.1


def test_classes_show_the_rates_that_they_have() -> None:
    angry = ClassRates(precision=0.5, recall=0.25, f1=1 / 3, support=7)
    sad = ClassRates(precision=None, recall=0.0, f1=0.0, support=2, reason="never predicted")
    figure = draw_classes({"angry": angry, "sad": sad})
    assert {trace.name: list(trace.x) for trace in figure.data} == {
        "precision": [0.5, None],
        "recall": [0.25, 0.0],
        "F1": [0.3333, 0.0],
    }
    assert tuple(figure.layout.yaxis.ticktext) == ("angry · 7", "sad · 2<br>never predicted")


def test_classes_of_scores_show_their_area() -> None:
    rates = ClassRates(precision=0.5, recall=0.25, f1=1 / 3, support=7, auc=0.75)
    assert draw_classes({"angry": rates}).data[-1].name == "AUC"


def test_each_run_has_its_own_line_and_the_legend_one_entry() -> None:
    history = [
        {"run": run, "epoch": str(epoch), "train_loss": "1.5", "val_loss": "1.75"}
        for run in ("fold-0", "fold-1", "fold-2")
        for epoch in range(5)
    ]
    figure = draw_losses(history)
    assert [trace.name for trace in figure.data] == ["training"] * 3 + ["validation"] * 3
    assert sum(trace.showlegend for trace in figure.data) == 2


def test_epochs_without_a_metric_are_left_out() -> None:
    history = [
        {"run": "official", "epoch": "0", "uar": ""},
        {"run": "official", "epoch": "1", "uar": "0.25"},
    ]
    (line,) = draw_scores(history, ["uar", "accuracy"]).data
    assert (tuple(line.x), tuple(line.y)) == ((1,), (0.25,))
