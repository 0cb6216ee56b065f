"""Clips: the units that carry one label row and one id, and where their media are."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from pathlib import Path

import pyarrow as pa

from pipeline.errors import StoreError
from pipeline.files import FileState, digest_json
from pipeline.limits import MOST_SECONDS
from pipeline.store.objects import list_rows
from pipeline.store.provenance import derive_key
from pipeline.store.tables import read_by_clip, write_table

LABELS_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("corpus", pa.string()),
        ("path", pa.string()),
        ("start_seconds", pa.float64()),
        ("end_seconds", pa.float64()),
        ("subject", pa.string()),
        ("group", pa.string()),
        ("dialogue", pa.string()),
        ("turn", pa.int64()),
        ("transcript", pa.string()),
        ("crops", pa.string()),
        ("sex", pa.string()),
        ("age", pa.float64()),
    ]
)
"""Columns of `data/labels/clips.parquet`."""

CLEAN_SCHEMA = pa.schema(
    [
        *LABELS_SCHEMA,
        ("fps", pa.float64()),
        ("duration_seconds", pa.float64()),
        ("audio_hz", pa.int64()),
        ("media_digest", pa.string()),
        ("crops_digest", pa.string()),
    ]
)
"""Columns of `data/clips/clips.parquet`: what `clean` learned from the media comes last."""


NO_MEDIA = ""
"""Path of a clip that is words alone."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One clip; `path` is relative to the project, absolute, or NO_MEDIA; stretches are half-open.

    `start_seconds` and `end_seconds` are None for a clip that is its whole file. `fps` is None
    where there is no video, `audio_hz` where there is no sound. `crops` is the folder of the face
    crops that the corpus ships, if it does, one picture for each frame that shows the face, named
    by the frame's number in the file, from 1. `sex` and `age`, in years, are the subject's. Fields
    from `fps` on are None until `clean` has seen the media; `media_state`, which no table has, is
    what its file was when it was digested, for the stage that digests it.
    """

    clip_id: str
    corpus: str
    path: str
    start_seconds: float | None = None
    end_seconds: float | None = None
    subject: str | None = None
    group: str | None = None
    dialogue: str | None = None
    turn: int | None = None
    transcript: str | None = None
    crops: str | None = None
    sex: str | None = None
    age: float | None = None
    fps: float | None = None
    duration_seconds: float | None = None
    audio_hz: int | None = None
    media_digest: str | None = None
    crops_digest: str | None = None
    media_state: FileState | None = None

    @property
    def cleaned(self) -> bool:
        """Whether `clean` has seen its media."""
        return self.media_digest is not None

    def derive_key(self, fingerprint: str) -> str:
        """Key of what is made of this clip's media: its file's bytes, its stretch, the making."""
        media = [self.media_digest, self.start_seconds, self.end_seconds]
        return derive_key(digest_json(media), fingerprint)


def write_clips(path: Path, clips: Iterable[Clip], schema: pa.Schema) -> None:
    """Write `clips`, in the order given, with the columns of `schema`."""
    rows = [{name: getattr(clip, name) for name in schema.names} for clip in clips]
    write_table(path, pa.Table.from_pylist(rows, schema=schema))


def read_clips(path: Path, schema: pa.Schema) -> list[Clip]:
    """Clips of the table at `path`, in its order.

    Raises StoreError as `read_by_clip` does, and where a clip has no path or half a stretch.
    """
    table = read_by_clip(path, schema)
    if any(table[name].null_count for name in ("corpus", "path")):
        raise StoreError(f"{path}: expected each clip's corpus and path; `dvc pull` it anew")
    clips = [Clip(**row) for row in list_rows(table)]
    for clip in clips:
        if not has_stretch(clip.start_seconds, clip.end_seconds):
            raise StoreError(
                f"{path}: {clip.clip_id}: expected a stretch from 0 s on, or none, got "
                f"{clip.start_seconds} to {clip.end_seconds} s; `dvc pull` it anew"
            )
        for number in (clip.duration_seconds, clip.fps):
            if number is not None and not 0 <= number < MOST_SECONDS:
                raise StoreError(
                    f"{path}: {clip.clip_id}: expected seconds and a rate from 0 on, got {number}; "
                    f"`dvc pull` it anew"
                )
    return clips


def has_stretch(begin: float | None, end: float | None) -> bool:
    """Whether a clip can be this stretch of its file, or all of it."""
    if begin is None or end is None:
        return begin is end
    return 0 <= begin < end < inf
