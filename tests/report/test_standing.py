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
    silent = make_head(MadeUp(emotions=()), "mlp", 0.5)
    figure = draw_standing([silent, seven[1]], ["uar"])
    assert tuple(figure.data[0].y) == (1,)


def test_withheld_modalities_stand_beside_all_inputs(seven: list[HeadSummary]) -> None:
    figure = draw_withheld(seven[:4], ["ccc_mean"])
    names = [trace.name for trace in figure.data]
    assert names == ["without face", "without audio", "without text", "all inputs"]
