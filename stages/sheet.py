"""Stage `sheet`: crops of a dozen clips to look at beside the report, and faces counted."""

from pipeline.paths import DATA, FACE_COUNTS, FACE_SHEET
from pipeline.report.contact_sheet import write_sheet
from pipeline.stage import run_stage


def main() -> None:
    """Write reports/faces.svg and reports/faces.json."""
    write_sheet(DATA, FACE_SHEET, FACE_COUNTS)


if __name__ == "__main__":
    run_stage(main, [FACE_SHEET, FACE_COUNTS])
