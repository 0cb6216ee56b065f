from pathlib import Path
from typing import Any

import pytest

from pipeline.labels.overview import MOST_PARTS, Overview
from pipeline.report.labels_page import tabulate_classes, write_labels_page
from pipeline.report.ledger_groups import LISTED
from pipeline.store.ledger import Entry
from tests.labels.labels_made import make_overview
from tests.report.made_up import Page, find_outside

SIDED = [{"split": "train"}, {"split": "train"}, {"split": "val"}, {"split": "test"}]
LABELS: list[dict[str, Any]] = [
    {"emotion": "sad", "valence": -0.5, "votes": (("happy", 1.0), ("sad", 3.0))},
    {"emotion": "happy", "valence": 0.5, "votes": (("happy", 1.0), ("sad", 1.0))},
    {"emotion": "sad", "valence": -0.25},
    {"emotion": "sad"},
    {},
]


def write(path: Path, overview: Overview) -> Page:
    write_labels_page(path, overview)
    return Page(path)


@pytest.fixture
def page(tmp_path: Path) -> Page:
    overview = make_overview(
        tmp_path,
        LABELS,
        SIDED,
        ledger=[Entry("toy/9", "labels", "marked", "no_file", "named, and not there")],
        seconds={"toy/0": 1.5, "toy/1": 7.25, "toy/2": 2.0, "toy/4": 3.0},
        losses=[Entry("toy/3", "clean", "left_out", "too_short", "0.2 s")],
    )
    return write(tmp_path / "labels.html", overview)


def test_clips_and_subjects_are_told_by_side(page: Page) -> None:
    assert page.rows[0] == ["", "train", "val", "test", "none", "all"]
    assert page.row("clips") == ["clips", "2", "1", "1", "1", "5"]
    assert page.row("clips usable") == ["clips usable once cleaned", "2", "1", "0", "1", "4"]
    assert page.row("subjects") == ["subjects", "2", "1", "1", "1", "2"]


def test_classes_are_told_with_their_share_of_each_side(page: Page) -> None:
    assert page.row("sad")[:5] == ["sad", "1 50 %", "1 100 %", "1 100 %", "0"]
    assert page.row("sad")[5].startswith("3 75 %")  # what follows the table is read with its end


def test_ratings_are_drawn_over_their_scale_and_told_by_side(page: Page) -> None:
    assert "Valence · 3 −0.500 to 0.500, mean −0.083" in page.text
    assert "−1.00 to −0.80: 0" in page.text
    assert page.html.count("<rect") == 10 * (1 + 2 + 1)  # all, two sides, and agreement
    row = next(row for row in page.rows if row[0] == "train" and len(row) == 6)
    assert row[2:] == ["2", "−0.500", "0.000", "0.500"]


def test_agreement_is_told_where_votes_are(page: Page, tmp_path: Path) -> None:
    assert "1 of 2 clips with votes have several first classes" in page.text
    assert "voters agree 62 %" in page.text
    other = write(tmp_path / "other.html", make_overview(tmp_path / "other", [{}]))
    assert "Agreement" not in other.text


def test_what_is_on_two_sides_is_told(page: Page, tmp_path: Path) -> None:
    assert "official: 1 of 1 subjects in val (1 of 1 clips) are also in train" in page.text
    apart = make_overview(tmp_path / "apart", LABELS[:2], [SIDED[0], SIDED[2]])
    assert "Nothing: no subject" in write(tmp_path / "apart.html", apart).text


def test_what_labels_and_clean_left_out_is_listed_under_its_reason(page: Page) -> None:
    assert "clean left out too short 1 toy/3 0.2 s" in page.text
    assert "labels marked no file 1 toy/9" in page.text
    assert len(page.find("details")) == 2


def test_a_long_ledger_is_cut_and_says_so(tmp_path: Path) -> None:
    entries = [Entry(f"{n:05d}", "labels", "left_out", "no_file", "") for n in range(LISTED + 17)]
    page = write(tmp_path / "labels.html", make_overview(tmp_path, [{}], ledger=entries))
    assert "… and 17 more, in the ledger of this stage" in page.text
    assert "00299" in page.text
    assert "00300" not in page.text


def test_the_longest_and_the_shortest_clips_are_told(page: Page) -> None:
    ends = [row for row in page.rows if row[0].startswith("toy/") and len(row) == 3]
    assert ends[0] == ["toy/1", "train", "7.25"]
    assert ends[4] == ["toy/0", "train", "1.50"]


def test_many_folds_are_told_by_their_least_median_and_most(tmp_path: Path) -> None:
    places = [{"fold": n} for n in range(MOST_PARTS + 1)]
    labels = [{"emotion": "sad", "valence": 0.5}] * len(places)
    page = write(tmp_path / "labels.html", make_overview(tmp_path, labels, places))
    assert "Of 13 folds the least, the median and the most are shown" in page.text
    assert page.row("sad")[:4] == ["sad", "1", "1", "1"]
    assert page.row("sad")[4].startswith("13")
    assert "fold-7" not in page.text


def test_shares_of_scores_are_of_all_clips(tmp_path: Path) -> None:
    labels = [{"emotions": (("happy", 0.5), ("sad", 0.5))}, {"emotions": (("happy", 1.0),)}]
    overview = make_overview(tmp_path, labels, SIDED)
    table = tabulate_classes("emotions", overview.classes["emotions"], overview)
    assert table.wholes == {"train": 2, "all": 2}
    assert table.largest == 1.0


def test_labels_without_anything_still_have_a_page(tmp_path: Path) -> None:
    page = write(tmp_path / "labels.html", make_overview(tmp_path, [{}]))
    for told in ("Nothing is labelled", "No length is known", "not cleaned yet", "None: every"):
        assert told in page.text


def test_the_page_loads_nothing_and_is_the_same_again(page: Page, tmp_path: Path) -> None:
    assert find_outside(page) == []
    assert not page.find("script")
    again = make_overview(tmp_path / "again", LABELS[:1])
    first = write(tmp_path / "first.html", again).html
    assert write(tmp_path / "second.html", again).html == first


def test_hostile_words_stay_text(tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    overview = make_overview(
        tmp_path,
        [{"emotion": hostile}],
        ledger=[Entry(hostile, "labels", "left_out", hostile, hostile)],
        corpus=hostile,
        names=[hostile],
    )
    page = write(tmp_path / "labels.html", overview)
    assert page.text.count(hostile) >= 5
    assert not page.find("img")


def test_the_page_of_all_heads_links_to_it(index_page: Page) -> None:
    assert index_page.find("a", href="labels.html")
