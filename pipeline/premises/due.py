"""Due: the stages that `dvc repro` would run, as DVC has them and as `premises` would lay them."""

import filecmp
from collections.abc import Iterator
from pathlib import Path

from pipeline.params import PARAMS_PATH, Params
from pipeline.paths import CHECKED_PARAMS
from pipeline.premises import hold, list_stages, read_code
from pipeline.stage import FIRST
from pipeline.store.repository import open_repo


def find_due(project: Path, params: Params, premises: Path) -> frozenset[str]:
    """Names of the stages that would run: those that changed, and what depends on them.

    The first two count by what they would write into the folder `premises`, and are never among
    them.
    """
    import networkx  # a second

    with open_repo(project) as repo:
        changed = {_name(address) for address in repo.status()}
        graph = repo.index.graph
        if FIRST & changed:
            changed.update(_find_changed(project, params, premises))
        changed -= FIRST
        return frozenset(
            _name(stage.addressing)
            for stage in graph
            for needed in [networkx.descendants(graph, stage) | {stage}]  # edges lead to these
            if changed & {_name(one.addressing) for one in needed}
        )


def _find_changed(project: Path, params: Params, premises: Path) -> Iterator[str]:
    """Stages whose premises are not what lies there; the report shows params.yaml as it is."""
    checked = project / CHECKED_PARAMS
    if not checked.is_file() or not filecmp.cmp(project / PARAMS_PATH, checked, shallow=False):
        yield "report"
    code = read_code(project)
    for stage in list_stages(params):
        if not hold(stage, code, premises):
            name = stage.file.removesuffix(".json").replace("/", "@")
            yield from [name, *(f"evaluate@{head}" for head in params.heads if name == "evaluate")]


def _name(address: str) -> str:
    """Name of a stage without the file that it stands in."""
    return address.rpartition(":")[2]
