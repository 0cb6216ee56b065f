from io import StringIO

import pytest
from rich.console import Console

from pipeline.cli.heads import list_comparisons, tabulate_heads
from pipeline.report.overview import compare_opened
from pipeline.report.summary import HeadSummary
from tests.report.made_up import (
    MadeUp,
    make_head,
    make_seven,
    normalise_by_subject,
    state_seen,
)


@pytest.fixture(scope="module")
def seven() -> list[HeadSummary]:
    return make_seven(MadeUp())


def show(heads: list[HeadSummary]) -> list[str]:
    """What a console that is no terminal prints of `heads`."""
    file = StringIO()
    Console(file=file, width=132).print(tabulate_heads(heads))
    return file.getvalue().splitlines()


def test_the_printed_table_has_the_best_head_first(seven: list[HeadSummary]) -> None:
    lines = [line for line in show(seven) if "." in line]
    assert lines[0].split()[:2] == ["attention", "(best)"]
    assert len(lines) == 7


def test_the_printed_table_is_plain_without_a_terminal(seven: list[HeadSummary]) -> None:
    lines = show(seven)
    assert "\x1b" not in "".join(lines)
    line = next(line for line in lines if line.lstrip().startswith("linear (to beat)"))
    value = seven[0].evaluation.splits["test"].metrics["uar"].value
    assert f"{value:.3f}" in line


def test_undefined_values_are_dashes_and_test_is_shown_only_when_opened() -> None:
    made = MadeUp(unlabelled=("emotion",), test=False)
    lines = show([make_head(made, "mlp-face", 0.5)])
    row = next(line for line in lines if "mlp-face" in line)
    assert row.split()[-2:] == ["–", "–"]
    assert "test" not in "".join(lines)


def test_who_has_seen_the_corpus_is_marked(seven: list[HeadSummary]) -> None:
    attention = state_seen(seven[2], "audio", "msp_podcast", "Demo")
    lines = show([attention, seven[5]])
    (marked,) = [line for line in lines if "has seen the corpus" in line]
    assert "attention (best, has seen the corpus)" in marked


def test_who_knows_subjects_stands_last_whatever_it_reaches(seven: list[HeadSummary]) -> None:
    lines = show([normalise_by_subject(make_head(MadeUp(), "knowing", 0.9)), seven[4]])
    rows = [line for line in lines if "." in line]
    assert rows[0].split()[:2] == ["mlp-face", "(best)"]
    assert "knowing (normalised by subject, not ranked)" in rows[1]


def test_heads_side_by_side_are_tested_among_the_ranked_alone(seven: list[HeadSummary]) -> None:
    heads = [normalise_by_subject(make_head(MadeUp(), "knowing", 0.9)), seven[4], seven[5]]
    file, params = StringIO(), MadeUp().evaluate
    for shown in list_comparisons(heads, compare_opened(heads, params)[:1]):
        Console(file=file, width=132).print(shown)
    lines = file.getvalue().splitlines()
    rows = [line.split()[0] for line in lines if " to " in line]
    assert rows[-1] == "knowing"
    assert len([line for line in lines if "knowing" in line]) == 1
    assert [line for line in lines if "mlp-face − mlp-audio" in line]
