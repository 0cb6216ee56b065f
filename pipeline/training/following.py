"""Following: epochs shown by DVCLive while a head is trained."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from dvclive.live import Live
from scmrepo.exceptions import SCMError
from scmrepo.git import Git


@contextmanager
def follow(folder: Path | None) -> Iterator[Callable[[Mapping[str, float]], None]]:
    """What shows the metrics of an epoch in `folder`.

    It shows nothing without one, nor in a git repository without commits, which DVCLive cannot
    bear.
    """
    if folder is None or _lacks_commits():
        yield lambda measured: None
        return
    live = Live(dir=str(folder), dvcyaml=None, save_dvc_exp=False, report=None)
    try:
        yield lambda measured: _log(live, measured)
    finally:
        if live._dvc_repo is not None:
            live._dvc_repo.close()  # DVCLive leaves git's packs open


def _log(live: Live, measured: Mapping[str, float]) -> None:
    for name, value in measured.items():
        live.log_metric(name, value)
    live.next_step()


def _lacks_commits() -> bool:
    """Whether this is a git repository without commits; asked before DVCLive opens databases."""
    try:
        with closing(Git()) as git:
            return bool(git.no_commits)
    except SCMError:
        return False  # no repository
