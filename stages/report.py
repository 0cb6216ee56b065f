"""Stage `report`: the page that compares all heads."""

from pipeline.cleaning.alikes import count_across, read_alikes
from pipeline.evaluation.params import EvaluateParams
from pipeline.labels.clip_labels import read_targets
from pipeline.params import parse_plain, read_checked
from pipeline.paths import (
    CHECKED_PARAMS,
    CLIPS,
    DATA,
    FACE_COUNTS,
    FEATURES,
    HEAD_REPORTS,
    MODELS,
    PAGE,
    TARGETS,
)
from pipeline.report.face_summaries import read_counts
from pipeline.report.index_page import Overview, write_index_page
from pipeline.report.overview import compare_opened, read_ledgers
from pipeline.report.params import ReportParams
from pipeline.report.summary import read_summaries
from pipeline.stage import run_stage


def main() -> None:
    """Write reports/index.html."""
    sections = read_checked()
    evaluate = parse_plain(sections, EvaluateParams)
    heads = read_summaries(MODELS, HEAD_REPORTS, list(sections["heads"]))
    overview = Overview(
        heads=heads,
        comparisons=compare_opened(heads, evaluate),
        ledger=read_ledgers(heads, DATA, FEATURES),
        alike=count_across(
            read_alikes(CLIPS / "alikes.parquet"), read_targets(TARGETS / "targets.parquet")
        ),
        faces=read_counts(FACE_COUNTS),
        params_yaml=CHECKED_PARAMS.read_text(encoding="utf-8"),
        report=parse_plain(sections, ReportParams),
        evaluate=evaluate,
    )
    write_index_page(PAGE, overview)


if __name__ == "__main__":
    run_stage(main, [PAGE])
