"""Stage `overview`: the page of labels, to look at before anything is trained."""

from pipeline.labels.overview import read_overview
from pipeline.paths import CLIPS, LABELS, LABELS_PAGE, TARGETS
from pipeline.report.labels_page import write_labels_page
from pipeline.stage import run_stage


def main() -> None:
    """Write reports/labels.html."""
    write_labels_page(LABELS_PAGE, read_overview(LABELS, TARGETS, CLIPS))


if __name__ == "__main__":
    run_stage(main, [LABELS_PAGE])
