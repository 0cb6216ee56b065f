from pipeline.report.standing import draw_standing, draw_withheld
from pipeline.report.summary import HeadSummary
from tests.report.made_up import MadeUp, make_head


def test_each_head_has_a_dot_on_each_opened_split(seven: list[HeadSummary]) -> None:
    figure = draw_standing(seven, ["uar"])
    assert {trace.name: len(trace.x) for trace in figure.data} == {"validation": 7, "test": 7}


def test_bars_reach_to_the_ends_of_the_interval(seven: list[HeadSummary]) -> None:
    found = seven[0].evaluation.splits["val"].metrics["uar"]
    trace = draw_standing(seven, ["uar"]).data[0]
    assert abs(trace.x[0] + trace.error_x.array[0] - found.high) < 2e-4
    assert abs(trace.x[0] - trace.error_x.arrayminus[0] - found.low) < 2e-4


def test_a_dotted_line_stands_at_the_linear_head(seven: list[HeadSummary]) -> None:
    (line,) = draw_standing(seven[::-1], ["uar"]).layout.shapes
    assert line.x0 == round(seven[0].evaluation.splits["val"].metrics["uar"].value, 4)


def test_few_clusters_stand_as_ticks_behind_the_dot() -> None:
    made = MadeUp(speakers=7, folds=7, test=False)
    figure = draw_standing([make_head(made, "mlp", 0.5)], ["accuracy"])
    assert [(trace.name, len(trace.x)) for trace in figure.data] == [
        ("each subject", 7),
        ("validation", 1),
    ]


def test_an_undefined_metric_has_no_dot(seven: list[HeadSummary]) -> None:
    silent = make_head(MadeUp(unlabelled=("emotion",)), "mlp", 0.5)
    figure = draw_standing([silent, seven[1]], ["uar"])
    assert tuple(figure.data[0].y) == (1,)


def test_withheld_modalities_stand_beside_all_inputs(seven: list[HeadSummary]) -> None:
    figure = draw_withheld(seven[:4], ["ccc_mean"])
    names = [trace.name for trace in figure.data]
    assert names == ["without face", "without audio", "without text", "all inputs"]


def test_many_metrics_stand_in_rows_of_panels(seven: list[HeadSummary]) -> None:
    few = draw_standing(seven, ["ccc_mean", "uar"])
    many = draw_standing(seven, ["ccc_mean", "uar", "accuracy", "ccc_valence", "ccc_arousal"])
    assert {trace.yaxis for trace in many.data} == {"y", "y2", "y3", "y4", "y5"}
    assert many.layout.height > 1.5 * few.layout.height
    assert sum(trace.showlegend for trace in many.data) == 2


def test_a_panel_says_where_lower_is_better(seven: list[HeadSummary]) -> None:
    titles = draw_standing(seven, ["rmse_valence", "uar"]).layout.annotations
    assert [title.text for title in titles] == ["<b>RMSE valence</b> lower is better", "<b>UAR</b>"]


def test_a_head_without_the_target_has_no_dot(seven: list[HeadSummary]) -> None:
    words = make_head(MadeUp(targets=("emotion",)), "words", 0.5)
    figure = draw_standing([words, seven[1]], ["ccc_mean"])
    assert tuple(figure.data[0].y) == (1,)
