from pathlib import Path

import pytest

from pipeline.report.head_page import write_head_page
from pipeline.report.index_page import write_index_page
from pipeline.report.summary import HeadSummary
from tests.report.made_up import MadeUp, Page, make_overview, state_seen


@pytest.fixture
def attention(seven: list[HeadSummary]) -> HeadSummary:
    return state_seen(seven[2], "audio", "msp_podcast", "Demo")


def test_only_corpora_that_the_head_is_judged_on_count(attention: HeadSummary) -> None:
    assert attention.seen == {"audio": ["Demo"]}


def test_a_set_that_states_nothing_has_seen_nothing(seven: list[HeadSummary]) -> None:
    assert seven[2].seen == {}
    assert state_seen(seven[2], "audio", "iemocap").seen == {}


def test_the_page_of_a_head_says_what_was_seen(
    attention: HeadSummary, made: MadeUp, tmp_path: Path
) -> None:
    write_head_page(tmp_path / "index.html", attention, made.evaluate)
    page = Page(tmp_path / "index.html")
    assert "audio logmel has seen Demo" in page.text
    assert "trained on the corpus that it is judged on (Demo)" in page.text


def test_the_page_of_all_heads_marks_those_alone(
    attention: HeadSummary, seven: list[HeadSummary], made: MadeUp, tmp_path: Path
) -> None:
    write_index_page(tmp_path / "index.html", make_overview(made, [attention, seven[5]]))
    page = Page(tmp_path / "index.html")
    assert "has seen Demo" in page.row("attention")[2]
    assert "has seen" not in page.row("mlp-audio")[2]
