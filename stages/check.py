"""Stage `check`: params.yaml is valid as a whole; the file that all stages of this run read."""

import shutil
import sys
from pathlib import Path

from pipeline.audits.foresight import foresee
from pipeline.code import digest_sources
from pipeline.errors import show_line
from pipeline.files import write_text, write_whole
from pipeline.labels.folders import check_folder, check_tracked
from pipeline.params import PARAMS_PATH, load_params
from pipeline.paths import CHECKED, CHECKED_CODE, CHECKED_PARAMS, PROJECT
from pipeline.stage import run_stage


def main() -> None:
    """Write data/checked; a mistake in params.yaml ends the run before anything is spent.

    So does what DVC cannot digest in a corpus's folder, or of what git has. Says what will be
    missing later.
    """
    write_text(CHECKED_CODE, digest_sources(PROJECT))
    params = load_params()
    check_tracked(PROJECT)
    for corpus in params.corpora.values():
        check_folder(Path(corpus.depends_on), follow=corpus.follow)
    write_whole(CHECKED_PARAMS, lambda aside: shutil.copyfile(PARAMS_PATH, aside))
    for told in foresee(params, PROJECT):
        print(f"check: {show_line(told)}", file=sys.stderr)


if __name__ == "__main__":
    run_stage(main, [CHECKED])
