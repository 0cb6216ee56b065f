"""Stage `premises`: what of params.yaml, and of the code, each stage rests on.

`python -m stages.premises STAGE [NAME]` looks whether those of a stage hold: status 1 if not.
"""

import filecmp
import sys
from pathlib import Path

from pipeline.audits.leftovers import find_gone
from pipeline.code import ROOTS
from pipeline.errors import StageError
from pipeline.files import remove
from pipeline.params import PARAMS_PATH, parse_params, read_checked
from pipeline.paths import CHECKED, CHECKED_PARAMS, PREMISES, PROJECT
from pipeline.premises import find_stage, hold, read_code, write_premises
from pipeline.stage import held_still, is_code_checked, run_stage


def main() -> None:
    """Write data/premises, and nothing else there; remove what is left of former corpora.

    Raises StageError where params.yaml or the code was edited since `check` read it. DVC digests
    them when `check` is through, and may have noted for what it left what it never saw; so that is
    removed, and `check` runs again.
    """
    present = CHECKED_PARAMS.is_file()
    same_params = present and filecmp.cmp(PARAMS_PATH, CHECKED_PARAMS, shallow=False)
    if not same_params or not is_code_checked():
        remove(CHECKED)
        raise StageError(
            "expected params.yaml and the code as `check` had read them, got an edit since; "
            "`dvc repro` begins anew"
        )
    params = parse_params(read_checked())
    remove(PREMISES)
    for gone in find_gone(PROJECT, params.corpora):
        remove(gone)
    with held_still(PARAMS_PATH, *map(Path, ROOTS)):  # an edit and its undoing count, too
        write_premises(params, PROJECT, PREMISES)


def still_hold(name: str, of: str | None = None) -> bool:
    """Whether the premises of a stage, of feature set or head `of`, are what they were."""
    stage = find_stage(parse_params(read_checked()), name, of)
    return hold(stage, read_code(PROJECT), PREMISES)


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(not still_hold(*sys.argv[1:]))
    run_stage(main, [PREMISES])
