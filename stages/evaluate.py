"""Stage `evaluate@<head>`: one head's predictions of clips it was not trained on, judged."""

import sys

from pipeline.evaluation.params import EvaluateParams
from pipeline.params import parse_plain, read_yaml
from pipeline.report.judging import judge_head
from pipeline.stage import run_stage


def main() -> None:
    """Write reports/metrics/<head>.json and reports/heads/<head>."""
    judge_head(sys.argv[1], parse_plain(read_yaml(), EvaluateParams))


if __name__ == "__main__":
    run_stage(main)
