"""What moodline raises when the user, a file or a number is at fault.

    MoodlineError
    ├── ParamsError      params.yaml asks for something that cannot be
    ├── CorpusError      a corpus is missing, or not what its authors ship
    ├── MediaError       one clip's media cannot be used: it goes to the ledger, the run goes on
    ├── StoreError       a store is missing, damaged, or holds something else
    ├── TrainingError    training met a number or a shape it cannot go on with
    └── StageError       what a stage was begun with is not what stands there when it ends

Every message is one sentence that says where, what was expected, what was found, and what to do;
of several mistakes each has a line.
A stage or a command that ends with one prints the sentence alone and exits with status 1.
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for tabs and ends of lines
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # those that turn the direction of writing
    "\u2028\u2029\ufffe\uffff"  # ends of lines that are none, and what XML forbids
    "\ud800-\udfff]"  # bytes of a file's name that are no UTF-8, which nothing can print
)


def show(text: str) -> str:
    r"""`text` of strangers, with what a terminal would obey, or could not print, as escapes.

    >>> show("clip\x1b]0;title\x07.mp4"), show("caf\udce9")
    ('clip\\x1b]0;title\\x07.mp4', 'caf\\udce9')
    """
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)


def show_line(text: str) -> str:
    r"""`text` as `show` has it, on one line: an end of a line in a name would begin another.

    >>> show_line("clip\nok      store data/audio")
    'clip\\nok      store data/audio'
    """
    return show(text).replace("\n", "\\n")


def tell_first(error: "ValidationError") -> str:
    """Place and message of the first mistake that pydantic found; of very many, their number."""
    if (count := error.error_count()) > MOST_MISTAKES:
        return f"{count:,} mistakes"
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}"


class MoodlineError(Exception):
    """Something the user can mend; its text is all they need, a line for each argument."""

    def __str__(self) -> str:
        return "\n".join(_shorten(show_line(line)) for line in self.args)


def _shorten(line: str) -> str:
    """The beginning and the end of a line that nobody would read whole."""
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} … {line[-LONGEST // 4 :]}"


LONGEST = 2000
"""Characters of a line."""

MOST_MISTAKES = 1000
"""In a file, of which the first is told: each is made a record before."""


class ParamsError(MoodlineError):
    """`params.yaml` asks for something that cannot be."""


class CorpusError(MoodlineError):
    """A corpus is missing, or not what its authors ship."""


class MediaError(MoodlineError):
    """One clip's media cannot be used; `reason` is the word for it in the ledger."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type["MediaError"], tuple[str, str]]:
        return type(self), (self.reason, self.detail)


class StoreError(MoodlineError):
    """A store is missing, damaged, or holds something else."""


class TrainingError(MoodlineError):
    """Training met a number or a shape it cannot go on with."""


class StageError(MoodlineError):
    """What a stage was begun with is not what stands there when it ends."""
