from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.report.head_page import write_head_page
from pipeline.report.index_page import write_index_page
from pipeline.report.summary import HeadSummary
from tests.report.made_up import MadeUp, Page, make_head, make_overview


def set_metrics(
    head: HeadSummary, val: dict[str, float | None], test: dict[str, float | None]
) -> HeadSummary:
    """`head` with these values of metrics, and all others alike on both splits."""
    splits = dict(head.evaluation.splits)
    same = dict.fromkeys(splits["val"].metrics, 0.5)
    for split, values in (("val", val), ("test", test)):
        metrics = {
            metric: splits[split].metrics[metric].model_copy(update={"value": value})
            for metric, value in {**same, **values}.items()
        }
        splits[split] = splits[split].model_copy(update={"metrics": metrics})
    return replace(head, evaluation=head.evaluation.model_copy(update={"splits": splits}))


@pytest.fixture
def dropped(seven: list[HeadSummary]) -> HeadSummary:
    val = {"uar": 0.75, "ccc_mean": 0.875, "accuracy": 0.625}
    return set_metrics(seven[1], val, {"uar": 0.575, "ccc_mean": 0.625})


def test_ten_points_from_validation_to_test_are_a_drop_the_widest_first(
    dropped: HeadSummary,
) -> None:
    assert list(dropped.drops.items()) == [
        ("ccc_mean", (0.875, 0.625)),
        ("uar", (0.75, 0.575)),
        ("accuracy", (0.625, 0.5)),
    ]


@pytest.mark.parametrize(
    ("val", "test", "drops"),
    [
        (0.6, 0.5, ["uar"]),  # 0.09999… in binary
        (0.599, 0.5, []),
        (0.5, 0.9, []),
        (None, 0.1, []),
        (0.9, None, []),
    ],
)
def test_less_than_ten_points_and_undefined_values_are_none(
    seven: list[HeadSummary], val: float | None, test: float | None, drops: list[str]
) -> None:
    assert list(set_metrics(seven[1], {"uar": val}, {"uar": test}).drops) == drops


def test_an_error_that_is_larger_on_validation_is_no_drop(seven: list[HeadSummary]) -> None:
    assert set_metrics(seven[1], {"mae_valence": 0.9}, {"mae_valence": 0.1}).drops == {}


def test_a_test_that_is_not_opened_warns_of_nothing() -> None:
    assert make_head(MadeUp(test=False), "mlp", 0.5).drops == {}


def test_the_page_of_a_head_tells_its_drops(
    dropped: HeadSummary, seven: list[HeadSummary], made: MadeUp, tmp_path: Path
) -> None:
    write_head_page(tmp_path / "index.html", dropped, made.evaluate)
    told = "CCC mean 0.875 against 0.625, UAR 0.750 against 0.575, accuracy 0.625 against 0.500"
    assert told in Page(tmp_path / "index.html").text
    write_head_page(tmp_path / "other.html", set_metrics(seven[1], {}, {}), made.evaluate)
    assert "ten points" not in Page(tmp_path / "other.html").text


def test_the_page_of_all_heads_names_those_that_drop(
    dropped: HeadSummary, seven: list[HeadSummary], made: MadeUp, tmp_path: Path
) -> None:
    even = set_metrics(seven[5], {}, {})
    write_index_page(tmp_path / "index.html", make_overview(made, [dropped, even]))
    page = Page(tmp_path / "index.html")
    assert "In 1 of 2 heads validation stands ten points or more above test" in page.text
    assert "where most: mlp (CCC mean 0.875 against 0.625)" in page.text
    write_index_page(tmp_path / "index.html", make_overview(made, [even]))
    assert "ten points" not in Page(tmp_path / "index.html").text
