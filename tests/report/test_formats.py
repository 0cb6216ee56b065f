import pytest

from pipeline.evaluation.records import Estimate
from pipeline.report.formats import (
    find_least_covered,
    is_better_low,
    label,
    name_metric,
    write_difference,
    write_interval,
    write_number,
    write_p,
    write_share,
)


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        ("uar", "UAR"),
        ("ccc_mean", "CCC mean"),
        ("ccc_valence", "CCC valence"),
        ("acc2_non0_sentiment", "Acc-2 without 0 sentiment"),
        ("accuracy_votes", "accuracy votes"),
    ],
)
def test_a_metric_is_named_with_its_target(metric: str, name: str) -> None:
    assert name_metric(metric) == name


def test_of_errors_the_lower_is_better() -> None:
    assert is_better_low("rmse_arousal")
    assert not is_better_low("ccc_mean")


def estimate(covered: int, annotated: int) -> Estimate:
    return Estimate(
        value=0.5,
        low=-0.126,
        high=0.25,
        reason=None,
        interval_reason=None,
        covered=covered,
        annotated=annotated,
    )


@pytest.mark.parametrize(
    ("value", "text"), [(0.6125, "0.613"), (-0.25, "−0.250"), (-0.0001, "0.000"), (None, "–")]
)
def test_a_number_has_a_true_minus_and_no_minus_zero(value: float | None, text: str) -> None:
    assert write_number(value) == text


def test_a_difference_carries_its_sign() -> None:
    assert [write_difference(value) for value in (0.041, -0.2, None)] == ["+0.041", "−0.200", "–"]


def test_an_interval_is_written_with_words_because_of_minus_signs() -> None:
    assert write_interval(estimate(1, 1)) == "−0.13 to 0.25"


def test_no_interval_is_written_as_nothing() -> None:
    assert write_interval(estimate(1, 1).model_copy(update={"low": None})) == ""


def test_small_p_values_have_more_digits() -> None:
    written = [write_p(value) for value in (0.0004, 0.0423, 0.42, 1.0)]
    assert written == ["<0.001", "0.042", "0.42", "1.00"]


def test_only_all_is_a_hundred_per_cent() -> None:
    assert [write_share(1999, 2000), write_share(7, 7), write_share(0, 0)] == ["99 %", "100 %", "–"]


def test_the_least_covered_metric_ignores_what_is_not_annotated() -> None:
    metrics = {"uar": estimate(5, 7), "accuracy": estimate(7, 7), "ccc_mean": estimate(0, 0)}
    assert find_least_covered(metrics) == metrics["uar"]


def test_a_label_is_shown_literally_and_cut() -> None:
    assert label("<b>&") == "&lt;b&gt;&amp;"
    assert label("x" * 31) == "x" * 23 + "…"
