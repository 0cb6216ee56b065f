"""Work that hangs, in a module of its own: processes that do it import nothing else."""

import time
from pathlib import Path

from pipeline.labels.clips import Clip


def hang(clip: Clip, folder: Path) -> str:
    """The name of the clip, whose second of three takes an hour."""
    assert folder.is_dir()
    time.sleep(3600 * (clip.clip_id == "1"))
    return clip.clip_id
