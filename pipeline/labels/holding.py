"""Holding: a clip's media as they were when they were digested, for as long as they are read.

What is made of them is kept under a key of their digest, for all who have the same file. One that
changed meanwhile, though it be put back, would leave there what was made of another.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from pipeline.errors import MediaError
from pipeline.files import FileState, digest_file, digest_json, look_at
from pipeline.labels.clips import NO_MEDIA, Clip

KEPT_DIGESTS = 8
"""Clips of one file come one after another, and its digest is the same for all."""


@contextmanager
def hold_media(clip: Clip, *, crops: bool = False) -> Iterator[None]:
    """Within this the file of `clip` is that of its digest, and its crops with `crops`.

    Raises MediaError `changed` at the beginning or the end of the block where it is not; nothing
    of a clip that has no digest yet. The file is not digested again where it is as it was when
    `clip` got its digest in this stage.
    """
    path = Path(clip.path)
    if clip.media_digest is None or clip.path == NO_MEDIA:
        yield
        return
    try:
        before = look_at(path)
        same = before == clip.media_state or _digest(path, before) == clip.media_digest
        if crops and clip.crops:
            same = same and digest_crops(Path(clip.crops)) == clip.crops_digest
    except OSError as error:
        raise _explain_change() from error
    if not same:
        raise _explain_change()
    yield
    if not path.is_file() or look_at(path) != before:
        raise _explain_change()


def digest_crops(folder: Path) -> str | None:
    """Digest of the crops that a corpus ships for a clip, None where it ships none."""
    if not os.path.isdir(folder):
        return None
    files = (path for path in folder.iterdir() if path.is_file())
    return digest_json({path.name: digest_file(path) for path in files})


@lru_cache(KEPT_DIGESTS)
def _digest(path: Path, state: FileState) -> str:
    """Digest of the file at `path` in this `state`."""
    return digest_file(path)


def _explain_change() -> MediaError:
    return MediaError(
        "changed",
        "expected the file as `clean` had digested it, got another; run `dvc repro` when nobody "
        "writes to it, with `-f` and the stage if it is as before",
    )
