"""Stage `report`: the page that compares all heads."""

from pipeline.overview import read_overview
from pipeline.params import read_yaml
from pipeline.paths import PAGE
from pipeline.report.index_page import write_index_page
from pipeline.stage import run_stage


def main() -> None:
    """Write reports/index.html."""
    write_index_page(PAGE, read_overview(read_yaml()))


if __name__ == "__main__":
    run_stage(main)
