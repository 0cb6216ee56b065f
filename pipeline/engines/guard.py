"""A guard: whatever goes wrong with one clip is that clip's own, and the run goes on."""

import errno
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pipeline.errors import MediaError, MoodlineError, ParamsError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Errors of the system that are the machine's, whichever clip meets them."""

ENDING = (KeyboardInterrupt, SystemExit, GeneratorExit)

CODE = Path(__file__).parents[1]

TOLD_LETTERS = 300
"""A message is cut there: some libraries tell everything they know."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def guard_clip(function: Callable[[Item], Result], item: Item) -> Result:
    """What `function` makes of `item`; raises MediaError `crashed` for an error nobody foresaw.

    A MoodlineError, and a full disk, are raised as they are.
    """
    try:
        return function(item)
    except BaseException as error:  # a decoder may raise almost anything over a damaged file
        raise explain_error(error) from error


def explain_error(error: BaseException) -> BaseException:
    """MediaError `crashed` with type, message and place of an `error` that nobody foresaw.

    A MoodlineError, a full disk, and what is to end the process are given back. A library in Rust
    that panics raises what is no Exception.
    """
    if isinstance(error, (MoodlineError, *ENDING)):
        return error
    if isinstance(error, OSError) and error.errno in FULL:
        return error
    told = " ".join(str(error).split())[:TOLD_LETTERS]
    return MediaError(
        "crashed",
        f"{type(error).__name__}: {told or 'no message'} ({_find_place(error)}); replace the file, "
        "or report this line",
    )


@contextmanager
def guard_weights(user: str) -> Iterator[None]:
    """Within this, an error that nobody foresaw is a ParamsError over the weights of `user`.

    They are a stranger's, and libraries raise almost anything over them.
    """
    try:
        yield
    except Exception as error:
        told = explain_error(error)
        if not isinstance(told, MediaError):
            raise
        raise ParamsError(
            f"{user}: expected weights that it can use, got others "
            f"({told.detail.partition('; ')[0]}); choose others"
        ) from error


def isolate_clips(
    work: Callable[[Sequence[Item]], Iterable[tuple[Item, Result]]],
    items: Iterable[Item],
    batch: int,
) -> Iterator[tuple[Item, Result | MediaError]]:
    """Each of `items` with what `work` makes of it among others, or what is wrong with it.

    Where work breaks off, the next `batch` of what it left undone are tried one by one. Raises
    what `explain_error` gives back.
    """
    to_do = list(items)
    while to_do:
        done = set()
        try:
            for item, result in work(to_do):
                done.add(item)
                yield item, result
            return
        except BaseException as error:
            if not isinstance(told := explain_error(error), MediaError):
                raise
            broken = told
        to_do = [item for item in to_do if item not in done]
        for item in to_do[:batch]:
            yield item, _try_alone(work, item, broken)
        to_do = to_do[batch:]


def _try_alone(
    work: Callable[[Sequence[Item]], Iterable[tuple[Item, Result]]], item: Item, broken: MediaError
) -> Result | MediaError:
    """What `work` makes of `item` alone; `broken` where it makes nothing and does not say why."""
    try:
        return next((result for _, result in work([item])), broken)
    except BaseException as error:
        if not isinstance(told := explain_error(error), MediaError):
            raise
        return told


def _find_place(error: BaseException) -> str:
    """Where `error` came out of this package, or else out of whatever raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "nowhere"
    ours = [frame for frame in frames if CODE in Path(frame.filename).parents]
    frame = (ours or frames)[-1]
    return f"{Path(frame.filename).name}, line {frame.lineno}"
