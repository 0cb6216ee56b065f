from dataclasses import replace
from pathlib import Path

from pipeline.report.index_page import Overview, write_index_page
from pipeline.report.ledger_groups import LISTED, group_entries
from pipeline.report.overview import compare_opened
from pipeline.report.params import ReportParams
from pipeline.report.summary import HeadSummary, rank_summaries, set_apart
from pipeline.store.ledger import Entry
from tests.report.made_up import (
    THREE,
    MadeUp,
    Page,
    find_outside,
    make_head,
    make_overview,
    normalise_by_subject,
)


def write(path: Path, overview: Overview) -> Page:
    write_index_page(path, overview)
    return Page(path)


def names_in_table(page: Page) -> list[str]:
    links = page.find("a", **{"class": "head-name"})
    return [(link["href"] or "").split("/")[1] for link in links]


def test_fused_heads_come_first_and_each_group_is_ranked(
    index_page: Page, seven: list[HeadSummary]
) -> None:
    ranked = rank_summaries(seven)
    expected = [head.name for head in ranked if head.fused]
    expected += [head.name for head in ranked if not head.fused]
    assert names_in_table(index_page) == expected


def test_the_best_head_is_marked_once(index_page: Page) -> None:
    assert len(index_page.find("span", **{"class": "badge best"})) == 1
    assert "best" in index_page.row("attention")[1]


def test_a_head_that_knows_subjects_is_not_ranked_with_the_rest(
    made: MadeUp, seven: list[HeadSummary], tmp_path: Path
) -> None:
    knowing = normalise_by_subject(make_head(made, "knowing", 0.9))
    heads = [seven[0], knowing, seven[4]]
    write_index_page(tmp_path / "index.html", make_overview(made, heads))
    page = Page(tmp_path / "index.html")
    assert names_in_table(page) == ["linear", "mlp-face", "knowing"]
    assert page.row("knowing")[0] == ""
    assert "Normalised by subject: transductive, not ranked" in page.text
    (compared, _) = compare_opened(heads, made.evaluate)
    assert {*compared.common} == {"linear", "mlp-face"}
    assert set_apart([knowing]) == ([knowing], [])


def test_the_linear_head_is_the_thing_to_beat(index_page: Page) -> None:
    assert len(index_page.find("span", **{"class": "badge beat"})) == 1
    assert index_page.row("linear")[1] == "linear linear the thing to beat"


def test_each_head_links_to_its_page(index_page: Page) -> None:
    assert index_page.find("a", href="heads/mlp-text/index.html")


def test_a_row_has_values_with_intervals_and_coverage(
    index_page: Page, seven: list[HeadSummary]
) -> None:
    found = seven[5].evaluation.splits["val"].metrics["ccc_mean"]
    row = index_page.row("mlp-audio")
    assert row[3] == f"{found.value:.3f} {found.low:.2f} to {found.high:.2f}"
    assert row[8] == f"{100 * found.covered // found.annotated} %"


def test_differences_are_row_minus_column_with_corrected_p(index_page: Page) -> None:
    first = next(row for row in index_page.rows if row[0] == "1 attention")
    assert len(first) == 7
    difference, p_value = first[-1].split()
    assert difference.startswith("+")
    assert 0 < float(p_value.removeprefix("<")) <= 1


def test_tests_say_what_was_swapped_and_how_often(index_page: Page, tmp_path: Path) -> None:
    assert "clips of 12 subjects, swapped in every way" in index_page.text
    assert "No difference can be told" not in index_page.text
    made = MadeUp(speakers=17, test=False)
    heads = [make_head(made, "mlp", 0.6), make_head(made, "linear", 0.4, kind="linear")]
    page = write(tmp_path / "index.html", make_overview(made, heads))
    assert "clips of 17 subjects, swapped in 101 random ways" in page.text


def test_too_few_subjects_for_a_difference_are_told_in_words(tmp_path: Path) -> None:
    made = MadeUp(speakers=4, folds=4, test=False)
    heads = [make_head(made, "mlp", 0.6), make_head(made, "linear", 0.4, kind="linear")]
    page = write(tmp_path / "index.html", make_overview(made, heads))
    assert "4 subjects are too few to test two heads" in page.text
    assert "No difference can be told in CCC mean, accuracy, UAR: of one pair of heads" in page.text


def test_common_and_filled_values_stand_beside_the_heads_own(
    index_page: Page, seven: list[HeadSummary]
) -> None:
    filled = seven[6].evaluation.splits["val"].filled["uar"]
    row = next(row for row in index_page.rows if row[0] == "mlp-text")
    assert row[6] == f"{filled:.3f}"


def test_heads_solved_exactly_have_no_curves(index_page: Page) -> None:
    assert not index_page.find("div", id="curves-linear")
    assert index_page.find("div", id="curves-mlp")
    assert "solved exactly" in index_page.text


def test_the_page_shows_the_best_head_and_withheld_modalities(index_page: Page) -> None:
    for figure in ("standing", "confusion-emotion-val", "valence-test", "withheld"):
        assert index_page.find("div", id=figure)


def test_faces_are_counted_and_their_sheet_is_a_file_of_its_own(index_page: Page) -> None:
    assert "58 of 60 with video" in index_page.text
    assert index_page.find("object", data="faces.svg")


def test_the_ledger_is_counted_by_stage_and_reason(index_page: Page) -> None:
    assert "faces left out no face 2" in index_page.text
    assert "moov atom not found" in index_page.text


def test_clips_alike_on_two_sides_are_told(index_page: Page) -> None:
    assert "official: 1 of 9 clips in test are like clips in train" in index_page.text


def test_a_long_ledger_is_cut_and_says_so(made: MadeUp, seven: list[HeadSummary]) -> None:
    entries = [Entry(f"{n:04d}", "faces", "left_out", "no_face", "") for n in range(LISTED + 13)]
    (group,) = group_entries(reversed(entries))
    assert (group.clips, len(group.entries)) == (LISTED + 13, LISTED)
    assert group.entries[0].clip_id == "0000"


def test_the_page_says_how_the_run_was_made(index_page: Page) -> None:
    for fact in (
        "own: {kind: table} # <made up>",
        "62abb5b2f0e9",
        "python 3.11.9",
        "encoder: minilm",
    ):
        assert fact in index_page.text


def test_the_page_loads_nothing_from_elsewhere(index_page: Page) -> None:
    assert find_outside(index_page) == []
    assert index_page.html.count("plotly.js v") == 1


def test_the_same_heads_in_another_order_give_the_same_bytes(
    made: MadeUp, seven: list[HeadSummary], tmp_path: Path
) -> None:
    overview = make_overview(made, seven[:2])
    write_index_page(tmp_path / "one.html", overview)
    write_index_page(tmp_path / "other.html", replace(overview, heads=seven[1::-1]))
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "other.html").read_bytes()


def test_without_test_only_validation_is_shown(tmp_path: Path) -> None:
    made = MadeUp(test=False)
    heads = [make_head(made, "mlp", 0.6), make_head(made, "linear", 0.4, kind="linear")]
    page = write(tmp_path / "index.html", make_overview(made, heads))
    assert "test not opened" in page.text
    assert "Test has not been opened" in page.text
    assert not page.find("div", id="confusion-emotion-test")


def test_heads_of_different_targets_share_a_page(tmp_path: Path) -> None:
    made, words = MadeUp(resamples=7), MadeUp(targets=("votes",), resamples=7)
    heads = [make_head(made, "mlp", 0.6), make_head(words, "words", 0.4, kind="linear")]
    page = write(tmp_path / "index.html", make_overview(made, heads))
    assert page.row("words")[3] == "–"
    assert "UAR votes" in page.row("head")
    assert page.find("span", title="not a target of this head")


def test_what_ranks_is_named(index_page: Page) -> None:
    assert "by the mean of CCC mean and UAR, with missing predictions filled" in index_page.text


def test_one_head_has_nothing_to_differ_from(tmp_path: Path) -> None:
    made = MadeUp()
    page = write(tmp_path / "index.html", make_overview(made, [make_head(made, "mlp", 0.5)]))
    assert "Differences between heads" not in page.text
    assert "no linear head to compare with" in page.text


def test_metrics_that_nobody_defines_are_named_with_their_reason(tmp_path: Path) -> None:
    made = MadeUp(unlabelled=("emotion",))
    page = write(tmp_path / "index.html", make_overview(made, [make_head(made, "mlp", 0.5)]))
    assert "UAR (nothing annotated)" in page.text
    assert "UAR" not in page.row("head")


def test_heads_without_any_number_still_have_a_page(tmp_path: Path) -> None:
    made = MadeUp(unlabelled=THREE)
    page = write(tmp_path / "index.html", make_overview(made, [make_head(made, "mlp", 0.5)]))
    assert names_in_table(page) == ["mlp"]
    assert not page.find("div", id="standing")


def test_a_feature_set_that_changed_between_trainings_stands_twice(
    made: MadeUp, seven: list[HeadSummary], tmp_path: Path
) -> None:
    changed = seven[4].recipe.inputs["face"].model_copy(update={"index_digest": "another"})
    recipe = seven[4].recipe.model_copy(update={"inputs": {"face": changed}})
    heads = [seven[1], replace(seven[4], recipe=recipe)]
    page = write(tmp_path / "index.html", make_overview(made, heads))
    assert page.text.count("face hog rows of dim (384)") == 2


def test_hostile_words_stay_text(made: MadeUp, seven: list[HeadSummary], tmp_path: Path) -> None:
    benign = make_overview(made, seven[4:5])
    scripts = write(tmp_path / "benign.html", benign).find("script")
    hostile = "</script></pre><img src=x onerror=alert(1)>"
    overview = replace(
        benign,
        report=ReportParams(title=hostile, remark=hostile),
        ledger=[Entry(hostile, hostile, "left_out", hostile, hostile)],
        params_yaml=hostile,
    )
    page = write(tmp_path / "index.html", overview)
    assert page.text.count(hostile) >= 6
    assert not page.find("img")
    assert len(page.find("script")) == len(scripts)
