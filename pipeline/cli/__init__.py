"""The `moodline` command: what a person asks of the project besides `dvc repro`.

Every command imports what it needs when it runs, so that `moodline --help` answers at once.
"""

import errno
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from pipeline.cli.commands import corpora, features, heads, media, project, stores
from pipeline.cli.lines import say

app = typer.Typer(
    help="Emotion models from videos of talking people: one DVC pipeline, `dvc repro` runs it.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for commands in (corpora, project, stores, features, heads, media):
    app.add_typer(commands.app)


DEBUG = "--debug"

CHECKS = ("verify", "replay", "diff", "weights", "share", "listings", "doctor")
"""Commands whose status is an answer: one that is cut short has not given it."""


_PLACES = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR, errno.ENOTDIR),
        *(errno.ENAMETOOLONG, errno.ELOOP),
    }
)
"""Errors of the system over a path that was given, or found in what was."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command of `arguments`, by default the process's own.

    A user's mistake, a path that is not what it should be, or output that cannot be written, ends
    the process with one line and status 1, Ctrl-C with status 130; a pipe that nobody reads on ends
    it without a word.
    """
    from pipeline.errors import MoodlineError, show_line

    given = sys.argv[1:] if arguments is None else arguments
    try:
        _run(given)
    except MoodlineError as error:
        if DEBUG in given:
            raise
        sys.exit(f"moodline: {error}")
    except BrokenPipeError:
        _drop_output()
        sys.exit(int(any(command in given[:1] for command in CHECKS)))
    except OSError as error:
        if error.errno in _PLACES and error.filename is not None:
            place = show_line(str(error.filename2 or error.filename))
            sys.exit(f"moodline: {place}: {error.strerror}; mend it, or name another")
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        _drop_output()
        place = show_line(str(error.filename or "standard output"))
        sys.exit(f"moodline: {place}: {error.strerror}; make room, or write elsewhere")


def _run(arguments: Sequence[str]) -> None:
    """Run a command, and have all that it prints written before it ends."""
    try:
        app(list(arguments), prog_name="moodline")
    except SystemExit as ended:
        # click and rich end the process themselves where a pipe is closed.
        if isinstance(ended.__context__, BrokenPipeError):
            raise ended.__context__ from None
        sys.stdout.flush()
        raise


def _drop_output() -> None:
    """Let go of what is not written yet: the interpreter would try again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell_version(asked: bool) -> bool:
    if asked:
        from importlib.metadata import version

        say(f"moodline {version('moodline')}")
        raise typer.Exit
    return asked


@app.callback()
def begin(
    asked: Annotated[
        bool,
        typer.Option(
            "--version", help="Say which moodline this is.", callback=_tell_version, is_eager=True
        ),
    ] = False,
    debug: Annotated[  # `main` looks for it
        bool, typer.Option(DEBUG, help="Show where in the code a mistake was met.")
    ] = False,
) -> None:
    """Emotion models from videos of talking people: one DVC pipeline, `dvc repro` runs it."""
    from pipeline.store.tables import leave_pandas_out

    leave_pandas_out()
