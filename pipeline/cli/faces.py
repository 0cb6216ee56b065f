"""Where pages of faces are written, and which page that is."""

import re
from collections.abc import Mapping
from pathlib import Path

from pipeline.labels.corpora.params import CorpusParams
from pipeline.report.faces_page import write_clip_page, write_corpus_page

PAGES = Path("reports/faces")
"""Folder of the pages, which git ignores: they hold faces."""

_LONGEST_NAME = 120
"""In bytes, of which file systems take 255."""


def write_faces(
    data: Path,
    clip_id: str | None,
    out: Path | None,
    most: int,
    corpora: Mapping[str, CorpusParams] | None = None,
) -> Path:
    """Write the page of a clip, or of the `most` clips to look at first; returns its path.

    Raises StoreError as `write_clip_page` and `write_corpus_page` do, and CorpusError for a video
    outside of `corpora`, if they are given.
    """
    path = out or PAGES / f"{'index' if clip_id is None else name_page(clip_id)}.html"
    if clip_id is None:
        write_corpus_page(path, data, most)
    else:
        write_clip_page(path, data, clip_id, corpora)
    return path


def name_page(clip_id: str) -> str:
    """Name of a file for a clip: its id, with `_` for what file systems or shells may not like."""
    plain = re.sub(r"[^\w.-]", "_", clip_id).encode()
    return plain[-_LONGEST_NAME:].decode(errors="ignore")
