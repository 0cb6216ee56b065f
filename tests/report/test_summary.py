import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import StoreError
from pipeline.evaluation.pairing import select_rows
from pipeline.files import write_json
from pipeline.limits import MOST_HISTORY
from pipeline.report.summary import HeadSummary, read_summaries
from pipeline.store.tables import write_table
from tests.report.made_up import MadeUp, make_head


def save(project: Path, head: HeadSummary) -> None:
    report, model = project / "reports/heads" / head.name, project / "models" / head.name
    write_table(report / "predictions.parquet", head.predictions)
    write_json(report / "evaluation.json", head.evaluation.model_dump(mode="json"))
    write_json(model / "recipe.json", head.recipe.model_dump(mode="json"))
    columns = ["run", "epoch", *dict.fromkeys(name for row in head.history for name in row)]
    with (model / "history.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, dict.fromkeys(columns))
        writer.writeheader()
        writer.writerows(head.history)


def read(project: Path, *heads: str) -> list[HeadSummary]:
    return read_summaries(project / "models", project / "reports/heads", heads)


def test_summaries_come_back_as_they_were_saved(seven: list[HeadSummary], tmp_path: Path) -> None:
    for head in seven[:2]:
        save(tmp_path, head)
    own = [
        replace(head, predictions=select_rows(head.predictions, withheld="none"))
        for head in seven[:2]
    ]
    assert read(tmp_path, "mlp", "linear") == own[::-1]


def test_a_missing_evaluation_is_told(seven: list[HeadSummary], tmp_path: Path) -> None:
    with pytest.raises(
        StoreError,
        match=r"linear/evaluation.json: expected an evaluation, found no file; run `dvc repro`",
    ):
        read(tmp_path, "linear")


def test_a_damaged_evaluation_is_told(seven: list[HeadSummary], tmp_path: Path) -> None:
    save(tmp_path, seven[0])
    (tmp_path / "reports/heads/linear/evaluation.json").write_text('{"head": 7}')
    with pytest.raises(
        StoreError, match=r"evaluation.json: expected an evaluation of .*head: .*run `dvc repro`"
    ):
        read(tmp_path, "linear")


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("x onmouseover=alert(1)", "expected an evaluation of this version"),
        ("mlp", "evaluation of linear, got that of"),
    ],
)
def test_an_evaluation_of_another_name_is_refused(
    seven: list[HeadSummary], tmp_path: Path, head: str, told: str
) -> None:
    save(tmp_path, seven[0])
    path = tmp_path / "reports/heads/linear/evaluation.json"
    write_json(path, {**json.loads(path.read_text()), "head": head})
    with pytest.raises(StoreError, match=told):
        read(tmp_path, "linear")


@pytest.mark.parametrize(
    "change",
    [
        lambda recipe: recipe.update(head="../../.bashrc"),
        lambda recipe: recipe["inputs"]["face"].update(name="../../secret"),
        lambda recipe: recipe.update(inputs={"face/../..": recipe["inputs"]["face"]}),
        lambda recipe: recipe["inputs"]["face"].update(row_shape=[]),
    ],
)
def test_a_recipe_whose_names_lead_elsewhere_is_refused(
    seven: list[HeadSummary], tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    save(tmp_path, seven[0])
    path = tmp_path / "models/linear/recipe.json"
    recipe = json.loads(path.read_text())
    change(recipe)
    write_json(path, recipe)
    with pytest.raises(StoreError, match=r"recipe\.json: expected the recipe of a head of"):
        read(tmp_path, "linear")


def test_a_missing_history_is_told(seven: list[HeadSummary], tmp_path: Path) -> None:
    save(tmp_path, seven[0])
    (tmp_path / "models/linear/history.csv").unlink()
    with pytest.raises(
        StoreError, match=r"history.csv: expected the history of a head, found no file"
    ):
        read(tmp_path, "linear")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"run,epoch{',x' * 99}\nofficial,0\n", "not a readable history"),
        ("run,epoch,val_loss\nanother,0,0.5\n", "expected a run of its recipe"),
        ("run,epoch,val_loss\n" + "," * MOST_HISTORY, "expected at most 33,554,432 bytes"),
    ],
)
def test_a_history_of_blanks_or_of_other_runs_is_refused(
    seven: list[HeadSummary], tmp_path: Path, text: str, told: str
) -> None:
    save(tmp_path, seven[0])
    (tmp_path / "models/linear/history.csv").write_text(text)
    with pytest.raises(StoreError, match=told):
        read(tmp_path, "linear")


def test_inputs_stand_in_the_order_of_modalities(made: MadeUp) -> None:
    head = make_head(made, "mlp", 0.5, modalities=("text", "face"))
    assert head.sets == {"face": "hog", "text": "minilm"}
    assert head.fused
