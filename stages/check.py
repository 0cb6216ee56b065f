"""Stage `check`: params.yaml is valid as a whole; what each of the other stages rests on.

`python -m stages.check STAGE [NAME]` looks whether a stage's premises still hold: status 1 if not.
"""

import sys
from pathlib import Path

from pipeline.audits.foresight import foresee
from pipeline.code import digest_sources
from pipeline.files import remove, write_text
from pipeline.labels.folders import check_folder
from pipeline.params import PARAMS_PATH, load_params, parse_params, read_checked
from pipeline.paths import CHECKED, PREMISES, PROJECT, SOURCES
from pipeline.premises import find_stage, hold, read_code, write_premises
from pipeline.stage import run_stage


def main() -> None:
    """Write data/premises; a mistake in params.yaml ends the run before anything is spent.

    So does what DVC cannot digest in the corpus's folder. Begins anew where params.yaml or the code
    was edited meanwhile. Says what will be missing later.
    """
    read = None
    while read != (read := read_sources()):
        params = load_params()
        check_folder(Path(params.corpus.depends_on))
        text, sources = read
        remove(PREMISES)
        write_text(CHECKED, text)
        write_text(SOURCES, sources)
        write_premises(params, PROJECT, PREMISES)
        foreseen = list(foresee(params, PROJECT))
    for told in foreseen:
        print(f"check: {told}", file=sys.stderr)


def read_sources() -> tuple[str, str]:
    """Text of params.yaml, empty where it is none, and the digest of all code."""
    try:
        text = PARAMS_PATH.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):  # load_params tells what is wrong
        text = ""
    return text, digest_sources(PROJECT)


def still_hold(name: str, of: str | None = None) -> bool:
    """Whether the premises of a stage, of feature set or head `of`, are as `check` wrote them."""
    stage = find_stage(parse_params(read_checked()), name, of)
    return hold(stage, read_code(PROJECT), PREMISES)


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(not still_hold(*sys.argv[1:]))
    run_stage(main, [PREMISES])
    if PARAMS_PATH.read_text(encoding="utf-8") != CHECKED.read_text(encoding="utf-8"):
        remove(PREMISES)  # DVC digests params.yaml a moment from now
        sys.exit("moodline: params.yaml was edited while it was checked; run `dvc repro` again")
