"""What every stage process shares: one way to end with a sentence instead of a traceback."""

import sys
from collections.abc import Callable

from pipeline.errors import MoodlineError

INTERRUPTED = 130
"""Exit status of a process that Ctrl-C ended, by the shell's convention."""


def run_stage(main: Callable[[], None]) -> None:
    """Run `main`; a user's mistake ends the process with one sentence and status 1."""
    try:
        main()
    except MoodlineError as error:
        sys.exit(f"moodline: {error}\n(`dvc checkout` restores what this stage had made before)")
    except KeyboardInterrupt:
        print("moodline: interrupted; what is done is kept, `dvc repro` goes on", file=sys.stderr)
        sys.exit(INTERRUPTED)
