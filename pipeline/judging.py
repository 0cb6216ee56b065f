"""Judging: a trained head's predictions, its metrics, and its page, written to reports/."""

from typing import Any

from pipeline.clips import LABELS_SCHEMA, read_clips
from pipeline.dataset import open_inputs, read_labels
from pipeline.evaluation import EvaluateParams, evaluate_head, headline
from pipeline.files import write_json
from pipeline.heads.building import load_heads
from pipeline.paths import FEATURES, HEAD_REPORTS, LABELS, METRICS, MODELS
from pipeline.prediction import Judged, tabulate_predictions
from pipeline.recipes import check_inputs
from pipeline.report.head_page import write_head_page
from pipeline.report.summary import HeadSummary, read_history
from pipeline.tables import write_table


def judge_head(name: str, params: EvaluateParams) -> None:
    """Write `reports/metrics/<name>.json` and the folder `reports/heads/<name>`.

    Test is predicted only where `params` open it.
    """
    recipe, head_params, heads = load_heads(MODELS / name)
    features = open_inputs(head_params, FEATURES)
    check_inputs(recipe, features)
    clips = {clip.clip_id: clip for clip in read_clips(LABELS / "clips.parquet", LABELS_SCHEMA)}
    judged = Judged(recipe, head_params, heads, features, read_labels(LABELS), clips)
    predictions = tabulate_predictions(judged, ["val", "test"] if params.test else ["val"])
    evaluation = evaluate_head(name, predictions, recipe.emotions, params)
    out = HEAD_REPORTS / name
    write_table(out / "predictions.parquet", predictions)
    write_json(out / "evaluation.json", evaluation.model_dump(mode="json"))
    head = HeadSummary(evaluation, recipe, read_history(MODELS / name), predictions)
    write_head_page(out / "index.html", head, params)
    flat: dict[str, Any] = {split: headline(judged) for split, judged in evaluation.splits.items()}
    write_json(METRICS / f"{name}.json", flat)
