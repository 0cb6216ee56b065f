"""Stage `evaluate@<head>`: one head's predictions of clips it was not trained on, judged."""

from pipeline.evaluation.params import EvaluateParams
from pipeline.labels.clips import LABELS_SCHEMA, read_clips
from pipeline.params import parse_plain, read_checked
from pipeline.paths import HEAD_REPORTS, LABELS, METRICS, MODELS
from pipeline.report.judging import judge_head, write_judgement
from pipeline.stage import read_name, run_stage


def main() -> None:
    """Write reports/metrics/<head>.json and reports/heads/<head>."""
    name = read_name()
    params = parse_plain(read_checked(), EvaluateParams)
    clips = read_clips(LABELS / "clips.parquet", LABELS_SCHEMA)
    head = judge_head(MODELS / name, clips, params)
    write_judgement(head, params, HEAD_REPORTS / name, METRICS / f"{name}.json")


if __name__ == "__main__":
    run_stage(main, [HEAD_REPORTS / read_name(), METRICS / f"{read_name()}.json"])
