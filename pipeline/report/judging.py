"""Judging: what a trained head's predictions are worth, and its page, written to reports/."""

from typing import Any

import pyarrow.compute as pc

from pipeline.evaluation.judgement import evaluate_head, headline
from pipeline.evaluation.params import EvaluateParams
from pipeline.files import write_json
from pipeline.heads.recipes import read_recipe
from pipeline.labels.clips import LABELS_SCHEMA, read_clips
from pipeline.paths import HEAD_REPORTS, LABELS, METRICS, MODELS
from pipeline.prediction.table import HELD_OUT_SCHEMA, add_speakers
from pipeline.report.head_page import write_head_page
from pipeline.report.summary import HeadSummary, read_history
from pipeline.store.tables import read_table, write_table


def judge_head(name: str, params: EvaluateParams) -> None:
    """Write `reports/metrics/<name>.json` and the folder `reports/heads/<name>`.

    Predictions on test are left where they are unless `params` open them.
    """
    recipe = read_recipe(MODELS / name)
    held_out = read_table(MODELS / name / "predictions.parquet", HELD_OUT_SCHEMA)
    opened = held_out if params.test else held_out.filter(pc.field("split") == "val")
    predictions = add_speakers(opened, read_clips(LABELS / "clips.parquet", LABELS_SCHEMA))
    evaluation = evaluate_head(name, predictions, recipe.emotions, params)
    out = HEAD_REPORTS / name
    write_table(out / "predictions.parquet", predictions)
    write_json(out / "evaluation.json", evaluation.model_dump(mode="json"))
    head = HeadSummary(evaluation, recipe, read_history(MODELS / name), predictions)
    write_head_page(out / "index.html", head, params)
    flat: dict[str, Any] = {split: headline(judged) for split, judged in evaluation.splits.items()}
    write_json(METRICS / f"{name}.json", flat)
