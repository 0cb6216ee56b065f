from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.evaluation.metrics import name_metrics
from pipeline.heads.recipes import Adjustment
from pipeline.report.formats import name_metric
from pipeline.report.head_page import average_values, tabulate_values, write_head_page
from pipeline.report.summary import HeadSummary
from pipeline.store.provenance import Provenance
from pipeline.targets import TARGETS, Target
from tests.report.made_up import (
    ALL,
    MadeUp,
    Page,
    find_outside,
    make_head,
    normalise_by_subject,
)


def write(path: Path, head: HeadSummary, made: MadeUp) -> Page:
    write_head_page(path, head, made.evaluate)
    return Page(path)


def make_layered() -> HeadSummary:
    """A head that weighs three layers of sound in two runs."""
    head = make_head(MadeUp(), "layers", 0.6, modalities=("face", "audio"))
    recipe = head.recipe
    stated = {
        "row_shape": [3, 384],
        "row_axes": ["layers", "dim"],
        "provenance": Provenance("extract", {"encoder": "logmel", "layer": [-3, -2, -1]}).to_json(),
    }
    audio = recipe.inputs["audio"].model_copy(update=stated)
    shares = {"fold-0": {"audio": [0.1, 0.3, 0.6]}, "fold-1": {"audio": [0.3, 0.3, 0.4]}}
    update = {"inputs": {**recipe.inputs, "audio": audio}, "layer_shares": shares}
    return replace(head, recipe=recipe.model_copy(update=update))


@pytest.fixture(scope="module")
def fused(made: MadeUp, seven: list[HeadSummary], tmp_path_factory: pytest.TempPathFactory) -> Page:
    return write(tmp_path_factory.mktemp("heads") / "index.html", seven[2], made)


def test_the_page_has_every_metric_with_its_interval(fused: Page, seven: list[HeadSummary]) -> None:
    found = seven[2].evaluation.splits["val"].metrics["uar"]
    cells = fused.row("UAR")
    assert cells[1] == f"{found.value:.3f}"
    assert cells[2] == f"{found.low:.2f} to {found.high:.2f}"


def test_the_page_names_the_method_of_intervals_and_what_it_leaves_out(fused: Page) -> None:
    assert (
        "Intervals (95 %) come from leaving out each of 12 subjects in turn: the jackknife, "
        "studentised" in fused.text
    )


def test_the_page_shows_confusion_and_scatters_of_both_splits(fused: Page) -> None:
    for split in ("val", "test"):
        for figure in ("confusion-emotion", "classes-emotion", "valence", "arousal"):
            assert fused.find("div", id=f"{figure}-{split}")


def test_the_page_shows_learning_curves(fused: Page) -> None:
    assert fused.find("div", id="losses")
    assert fused.find("div", id="scores")
    assert "6 runs, one line each" in fused.text


def test_the_page_shows_what_is_lost_without_a_modality(
    fused: Page, seven: list[HeadSummary]
) -> None:
    split = seven[2].evaluation.splits["val"]
    lost = split.withheld["face"]["ccc_mean"] - split.filled["ccc_mean"]
    assert f"−{-lost:.3f}" in fused.row("without face")[1]


def test_the_page_lists_every_fold(fused: Page) -> None:
    folds = [row[0] for row in fused.rows if len(row) == 6 and row[0].isdigit()]
    assert folds == list("012345") * 2


def test_the_page_says_how_the_head_was_made(fused: Page) -> None:
    for fact in ("learning_rate: 0.001", "encoder: logmel", "62abb5b2f0e9", "2.11.0"):
        assert fact in fused.text


def test_layers_that_a_head_weighs_are_shown(fused: Page, tmp_path: Path) -> None:
    page = write(tmp_path / "index.html", make_layered(), MadeUp())
    assert "audio · logmel" in page.text
    assert page.find("div", id="layers-audio")
    drawn = page.html[page.html.index('"layers-audio"') :]
    assert '"ticktext":["-3","-2","-1"]' in drawn
    assert '"y":[0.2,0.3,0.5]' in drawn
    assert "What each layer of an input weighs" not in fused.text


def test_what_validation_chose_is_told_of_all_runs(fused: Page, tmp_path: Path) -> None:
    head = make_head(MadeUp(), "smooth", 0.5)
    adjustments = {
        f"fold-{fold}": {"valence": Adjustment(width_seconds=width, shift=-0.25)}
        for fold, width in enumerate((2.0, 0.5, 1.0))
    }
    recipe = head.recipe.model_copy(update={"adjustments": adjustments})
    page = write(tmp_path / "index.html", replace(head, recipe=recipe), MadeUp())
    assert page.row("0.500 to")[:4] == ["valence", "0.500 to 2.000", "1.000", "−0.250"]
    assert "fitted on validation in each run" not in fused.text


def test_figures_stand_against_how_many_clips_a_subject_is_known_from(
    fused: Page, tmp_path: Path
) -> None:
    head = normalise_by_subject(make_head(MadeUp(), "knowing", 0.5), ccc_mean=0.123)
    page = write(tmp_path / "index.html", head, MadeUp())
    rows = [row for row in page.rows if row[:2] == ["1", "0.123"]]
    assert len(rows) == 2  # validation and test
    assert "Transductive: rows are normalised by other clips" in page.text
    assert "A modality withheld" not in page.text
    assert "Enrolment" not in fused.text


def test_the_page_loads_nothing_from_elsewhere(fused: Page) -> None:
    assert find_outside(fused) == []
    assert fused.find("link") == [{"rel": "icon", "href": "data:,"}]


def test_the_same_head_gives_the_same_bytes(
    fused: Page, made: MadeUp, seven: list[HeadSummary], tmp_path: Path
) -> None:
    assert write(tmp_path / "again.html", seven[2], made).html == fused.html


def test_a_head_solved_exactly_says_that_it_has_no_curves(
    made: MadeUp, seven: list[HeadSummary], tmp_path: Path
) -> None:
    page = write(tmp_path / "index.html", seven[0], made)
    assert "solved exactly" in page.text
    assert not page.find("div", id="losses")


def test_an_unopened_test_is_told(tmp_path: Path) -> None:
    made = MadeUp(test=False)
    page = write(tmp_path / "index.html", make_head(made, "mlp", 0.5), made)
    assert "Test has not been opened" in page.text
    assert not page.find("div", id="confusion-emotion-test")


def test_an_undefined_metric_is_a_dash_with_its_reason(tmp_path: Path) -> None:
    made = MadeUp(unlabelled=("valence", "arousal"))
    page = write(tmp_path / "index.html", make_head(made, "mlp", 0.5), made)
    assert page.row("CCC valence")[1:3] == ["–", "nothing annotated"]
    assert page.find("span", title="valence: nothing annotated")
    assert not page.find("div", id="valence-val")


def test_few_clusters_stand_by_themselves(tmp_path: Path) -> None:
    made = MadeUp(speakers=7, folds=7, test=False)
    page = write(tmp_path / "index.html", make_head(made, "mlp", 0.5), made)
    assert "7 subjects are too few for intervals" in page.text
    assert len([row for row in page.rows if row[0].startswith("speaker ")]) == 7


def test_frame_labels_have_the_mean_of_videos(fused: Page, tmp_path: Path) -> None:
    made = MadeUp(frames=5, targets=("valence", "arousal"), test=False)
    page = write(tmp_path / "index.html", make_head(made, "mlp", 0.5, modalities=ALL), made)
    assert page.row("metric")[-1] == "mean of videos"
    assert "mean of videos" not in fused.text


def test_every_target_is_shown(tmp_path: Path) -> None:
    made = MadeUp(targets=tuple(TARGETS), resamples=7)
    head = make_head(made, "mlp", 0.6)
    page = write(tmp_path / "index.html", head, made)
    for name, target in TARGETS.items():
        kinds = {"class": "confusion", "votes": "confusion", "scores": "classes"}
        figure = f"{kinds[target.kind]}-{name}" if target.kind in kinds else name
        assert bool(page.find("div", id=f"{figure}-val")) is (target.kind != "presence")
        for metric in name_metrics(target).values():
            value = head.evaluation.splits["val"].metrics[metric].value
            assert page.row(name_metric(metric))[1] == f"{value:.3f}"


def test_a_target_more_is_shown_by_one_row_of_the_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(TARGETS, "tension", Target("tension", "rating"))
    made = MadeUp(targets=("tension",), test=False)
    page = write(tmp_path / "index.html", make_head(made, "mlp", 0.6), made)
    assert page.find("div", id="tension-val")
    assert page.row("CCC tension")


def test_lower_is_marked_as_better_where_it_is(fused: Page) -> None:
    assert "RMSE valence ↓" in fused.text
    assert "UAR ↓" not in fused.text


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    made = MadeUp(test=False)
    head = make_head(made, "mlp", 0.5)
    hostile = "</script><img src=x onerror=alert(1)>"
    val = head.evaluation.splits["val"]
    split = val.model_copy(
        update={
            "classes": [hostile, *val.classes[1:]],
            "per_class": {},
            "cluster_values": {"uar": {hostile: 0.5}},
        }
    )
    evaluation = head.evaluation.model_copy(update={"splits": {"val": split}})
    page = write(
        tmp_path / "index.html", HeadSummary(evaluation, head.recipe, [], head.predictions), made
    )
    assert hostile in page.text
    assert not page.find("img")


def test_metrics_undefined_everywhere_have_no_column() -> None:
    grid = tabulate_values(
        {"uar": {"0": 0.5, "1": None}, "accuracy": {"0": None, "1": None}}, ["emotion"]
    )
    assert grid is not None
    assert (grid.metrics, grid.rows) == (["uar"], {"0": {"uar": 0.5}, "1": {"uar": None}})


def test_nothing_defined_is_no_table() -> None:
    assert tabulate_values({"uar": {"0": None}}, ["emotion"]) is None


def test_the_mean_is_over_defined_values() -> None:
    assert average_values({"0": 0.5, "1": None, "2": 0.25}) == 0.375
    assert average_values({"0": None}) is None
