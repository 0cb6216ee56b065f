"""Leftovers: what was made for feature sets and heads that params.yaml no longer names."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from pipeline.heads.inputs import NO_FEATURES
from pipeline.params import Params
from pipeline.paths import FEATURES, HEAD_REPORTS, METRICS, MODELS, WATCHED

LOCKS = ("dvc.lock", "models/dvc.lock", "reports/dvc.lock")


def find_leftovers(project: Path, params: Params) -> Iterator[Path]:
    """Feature sets, heads, their reports and metrics that lie in `project` and are not named.

    Only what a lock file of the project knows as made here: weights, or a set that was copied, in
    the same folders are somebody's own. What is in DVC's cache stays there for an entry that comes
    back.
    """
    made = _list_made(project)
    sets = {*params.features, *params.joint, NO_FEATURES}
    for folder, named in ((FEATURES, sets), (MODELS, params.heads), (HEAD_REPORTS, params.heads)):
        for path in sorted((project / folder).glob("*/")):
            if path.name not in named and (folder / path.name).as_posix() in made:
                yield path
    for path in sorted((project / METRICS).glob("*.json")):
        if path.stem not in params.heads and (METRICS / path.name).as_posix() in made:
            yield path


def find_gone(project: Path, corpora: Collection[str]) -> Iterator[Path]:
    """What stage `watch` has made for others than `corpora`: further stages depend on all there."""
    made = _list_made(project)
    for path in sorted((project / WATCHED).glob("*.json")):
        if path.stem not in corpora and path.relative_to(project).as_posix() in made:
            yield path


def _list_made(project: Path) -> set[str]:
    """Paths in the lock files; entries of stages that are no more stay there.

    What is no UTF-8 in them names nothing here.
    """
    paths = [path for name in LOCKS if (path := project / name).is_file()]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in paths]
    return {path for text in texts for path in re.findall(r"^ *- path: (\S+)$", text, re.MULTILINE)}
