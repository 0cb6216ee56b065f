"""Judging: what a trained head's predictions are worth, and its page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.evaluation.evaluating import evaluate_head
from pipeline.evaluation.pairing import name_head, select_rows
from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.records import headline
from pipeline.evaluation.table import HELD_OUT_SCHEMA, add_speakers
from pipeline.files import write_json
from pipeline.heads.recipes import read_recipe
from pipeline.labels.clips import Clip
from pipeline.report.head_page import write_head_page
from pipeline.report.summary import HeadSummary, read_history
from pipeline.store.tables import read_table, write_table


def judge_head(model: Path, clips: Sequence[Clip], params: EvaluateParams) -> HeadSummary:
    """The head in the folder `model`, judged; `clips` say who speaks.

    Predictions on test are left where they are unless `params` open them.
    """
    recipe = read_recipe(model)
    held_out = read_table(model / "predictions.parquet", HELD_OUT_SCHEMA)
    opened = held_out if params.test else select_rows(held_out, split="val")
    with name_head(model.name):
        predictions = add_speakers(opened, clips)
    evaluation = evaluate_head(model.name, predictions, recipe.emotions, params)
    return HeadSummary(evaluation, recipe, read_history(model, recipe.priors), predictions)


def write_judgement(head: HeadSummary, params: EvaluateParams, out: Path, metrics: Path) -> None:
    """Write the folder `out`, from which reports read `head`, and the JSON file `metrics`."""
    write_table(out / "predictions.parquet", head.predictions)
    write_json(out / "evaluation.json", head.evaluation.model_dump(mode="json"))
    write_head_page(out / "index.html", head, params)
    splits = head.evaluation.splits.items()
    flat: dict[str, Any] = {split: headline(judged) for split, judged in splits}
    write_json(metrics, flat)
