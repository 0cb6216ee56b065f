"""What every stage process shares: one way to end with a sentence instead of a traceback."""

import errno
import sys
from collections.abc import Callable

from pipeline.errors import MoodlineError
from pipeline.store.tables import leave_pandas_out

INTERRUPTED = 130
"""Exit status of a process that Ctrl-C ended, by the shell's convention."""


_MACHINE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}


def run_stage(main: Callable[[], None]) -> None:
    """Run `main`; a user's mistake or a full disk ends it with one sentence and status 1."""
    leave_pandas_out()
    try:
        main()
    except MoodlineError as error:
        sys.exit(f"moodline: {error}\n(`dvc checkout` restores what this stage had made before)")
    except OSError as error:
        if error.errno not in _MACHINE_ERRORS:
            raise
        told = " ".join(str(error).split())
        sys.exit(f"moodline: {told}; make room or give access, then `dvc repro` goes on")
    except KeyboardInterrupt:
        print("moodline: interrupted; what is done is kept, `dvc repro` goes on", file=sys.stderr)
        sys.exit(INTERRUPTED)
