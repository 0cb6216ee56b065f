"""Stage `report`: the page that compares all heads."""

from pipeline.evaluation.params import EvaluateParams
from pipeline.params import PARAMS_PATH, parse_plain, read_yaml
from pipeline.paths import PAGE
from pipeline.report.index_page import write_index_page
from pipeline.report.overview import read_overview
from pipeline.report.params import ReportParams
from pipeline.stage import run_stage


def main() -> None:
    """Write reports/index.html."""
    sections = read_yaml()
    report, evaluate = parse_plain(sections, ReportParams), parse_plain(sections, EvaluateParams)
    params_yaml = PARAMS_PATH.read_text(encoding="utf-8")
    write_index_page(PAGE, read_overview(list(sections["heads"]), report, evaluate, params_yaml))


if __name__ == "__main__":
    run_stage(main)
