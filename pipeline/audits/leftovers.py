"""Leftovers: what was made for feature sets and heads that params.yaml no longer names."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.heads.params import NO_FEATURES
from pipeline.params import Params
from pipeline.paths import FEATURES, HEAD_REPORTS, METRICS, MODELS


def find_leftovers(project: Path, params: Params) -> Iterator[Path]:
    """Feature sets, heads, their reports and metrics that lie in `project` and are not named.

    What was pushed, or is in DVC's cache, is not among them: an entry that comes back finds it.
    """
    sets = {*params.features, *params.joint, NO_FEATURES}
    for folder, named in ((FEATURES, sets), (MODELS, params.heads), (HEAD_REPORTS, params.heads)):
        for path in sorted((project / folder).glob("*/")):
            if path.name not in named and not path.name.startswith("."):
                yield path
    for path in sorted((project / METRICS).glob("*.json")):
        if path.stem not in params.heads:
            yield path
