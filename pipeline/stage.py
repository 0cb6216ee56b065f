"""What every stage process shares: how it begins, how it ends, and when what it made counts.

DVC digests what a stage depends on when the stage is through. So a stage reads `params.yaml` as
`check` left it, and what it made counts only where the code is still that of its premises.
"""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from pipeline.code import digest_sources
from pipeline.errors import MoodlineError, StageError, show_line
from pipeline.files import remove, walk_folders
from pipeline.paths import CHECKED_CODE, PROJECT
from pipeline.sections import is_name
from pipeline.store.shared_cache import find_shared_cache, put_in_cache

FIRST = frozenset({"check", "premises"})
"""Stages that come before all premises; the second finds what was edited under the first."""

INTERRUPTED = 130
"""Exit status of a process that Ctrl-C ended, by the shell's convention."""

SHELLS = frozenset({"sh", "ash", "bash", "dash", "fish", "ksh", "zsh"})
"""What DVC has commands run by; not all leave their place to the command."""

LOOK_SECONDS = 0.1
"""How often a stage looks whether its parent is there."""

_MACHINE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}

_PATH_ERRORS = {errno.ENAMETOOLONG, errno.ELOOP}


def run_stage(main: Callable[[], None], outs: Sequence[Path]) -> None:
    """Run `main`, which makes `outs`; a user's mistake or a full disk ends it with status 1.

    One sentence tells it, or one line which clips were kept. Under DVC, the stage ends with the
    process that began it, and `outs` are removed where code that it runs was edited meanwhile.
    """
    _leave_pandas_out()
    by_dvc = "DVC_STAGE" in os.environ  # else nobody takes note of what was made of what
    if by_dvc:
        follow_parent()
    with _told_in_a_sentence(outs):
        main()
        if by_dvc:
            confirm_code()
            if cache := find_shared_cache(PROJECT):
                put_in_cache(outs, cache)
        if told := _tell_kept(outs):
            print(show_line(told))


@contextmanager
def _told_in_a_sentence(outs: Sequence[Path]) -> Iterator[None]:
    """Within this, what a user can mend ends the process, and Ctrl-C does.

    The `outs` are removed where code that the stage runs was edited.
    """
    try:
        yield
    except StageError as error:
        for out in outs:
            remove(out)
        sys.exit(f"moodline: {error}")
    except MoodlineError as error:
        sys.exit(f"moodline: {error}\n(`dvc checkout` restores what this stage had made before)")
    except MemoryError as error:
        sys.exit(
            f"moodline: out of memory ({show_line(str(error)) or 'no more is known'}); ask for "
            f"less in params.yaml, or take a machine with more"
        )
    except OSError as error:
        told = show_line(" ".join(str(error).split()))
        if error.errno in _PATH_ERRORS:
            sys.exit(f"moodline: {told}; mend or remove it")
        if error.errno not in _MACHINE_ERRORS:
            raise
        sys.exit(f"moodline: {told}; make room or give access, then `dvc repro` goes on")
    except KeyboardInterrupt:
        print("moodline: interrupted; what is done is kept, `dvc repro` goes on", file=sys.stderr)
        sys.exit(INTERRUPTED)


def _leave_pandas_out() -> None:
    if "pyarrow" in sys.modules:  # a stage without tables does without it, a third of its time
        from pipeline.store.tables import leave_pandas_out

        leave_pandas_out()


def _tell_kept(outs: Sequence[Path]) -> str | None:
    """Which clips the stage kept, of the first of `outs` with a ledger; None where none has one."""
    for out in outs:
        if (out / "ledger.parquet").is_file():
            from pipeline.store.tallies import tally_clips  # and with it pyarrow

            return tally_clips(out)
    return None


def read_name() -> str:
    """Feature set or head that this stage is of, by its first argument.

    DVC gives the whole address of the stage, `models/dvc.yaml:train@beit`, which no shell has read.
    Ends the process where it is no name: it becomes a path, and `check` may not have run.
    """
    name = "".join(sys.argv[1:2]).rpartition("@")[2]
    if not is_name(name):
        sys.exit(f"moodline: expected the name of a feature set or a head, got {name!r}; run check")
    return name


def follow_parent() -> None:
    """End this process, as SIGTERM does, soon after the one that began it has ended.

    Otherwise it would write its outs when another run has taken its place. Where a shell stands
    between the two, it is the shell's parent that counts.
    """
    begun = _list_ancestors()

    def look() -> None:
        while _list_ancestors() == begun:
            time.sleep(LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=look, daemon=True).start()


def _list_ancestors() -> tuple[int, int | None]:
    """Id of the parent, and of its parent if it is a shell; 0 for one that is gone."""
    parent = os.getppid()
    try:
        process = psutil.Process(parent)
        return parent, process.ppid() if process.name() in SHELLS else None
    except psutil.NoSuchProcess:
        return 0, None


@contextmanager
def held_still(*paths: Path) -> Iterator[None]:
    """Raise StageError at the end of the block where a file at or below `paths` has changed.

    DVC digests them then, whatever was read.
    """
    before = dict(_list_files(paths))
    yield
    if changed := dict(_list_files(paths)).items() ^ before.items():
        path = min(path for path, _ in changed)
        raise StageError(
            f"{path}: expected it as it was when the stage began, got a change meanwhile; what the "
            f"stage made is removed, `dvc repro` makes it again"
        )


def _list_files(paths: Sequence[Path]) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """Each file at or below `paths`: its size, when it was changed, and its inode."""
    for path in paths:
        walk = walk_folders(path) if path.is_dir() else [("", [], [str(path)])]
        for folder, _, names in walk:
            for name in names:
                if name.endswith(".pyc"):  # whoever imports a module first writes one
                    continue
                found = os.path.join(folder, name)
                with suppress(FileNotFoundError):
                    stat = os.stat(found)
                    yield found, (stat.st_size, stat.st_mtime_ns, stat.st_ino)


def is_code_checked() -> bool:
    """Whether all sources are as `check` found them, by what it left, or DVC fetched instead."""
    return CHECKED_CODE.is_file() and CHECKED_CODE.read_bytes() == digest_sources(PROJECT).encode()


def confirm_code() -> None:
    """Raise StageError unless the code is that of this stage's premises, if it has any."""
    program = sys.modules["__main__"].__spec__
    assert program is not None
    stage = program.name.rpartition(".")[2]
    if stage in FIRST or is_code_checked():
        return
    # Something was edited. Whether this stage runs it, only a look at its code can tell.
    names = [read_name()] if sys.argv[1:] else []
    look = [sys.executable, "-m", "stages.premises", stage, *names]
    if subprocess.run(look, check=False).returncode:
        raise StageError(
            f"{stage}: expected the code that `check` had seen, got code that was edited while the "
            f"stage ran; what it made is removed, `dvc repro` makes it again"
        )
