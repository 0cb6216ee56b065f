"""What every part format is: one way of laying clips' rows on disk."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import pyarrow as pa

from pipeline.rows import Rows
from pipeline.store.parts import PartClip

Content: TypeAlias = Rows | pa.Table
"""A clip's rows: arrays of a feature set, or a table of media bytes and what goes with them."""


@runtime_checkable
class PartFormat(Protocol):
    """One way of laying a part on disk."""

    def path_of(self, parts: Path, part: str) -> Path:
        """Path of the part called `part` in the folder `parts`."""

    def write_part(
        self, path: Path, contents: Sequence[Content], clips: Sequence[PartClip]
    ) -> None:
        """Write `contents`, one after another, and the list of their `clips` to `path`."""

    def read_clips(self, path: Path) -> list[PartClip]:
        """List of the clips in the part at `path`; raises StoreError when it is not a part."""

    def open_part(self, path: Path) -> Any:
        """What `slice_part` takes: the part's columns, mapped rather than read where possible."""

    def slice_part(self, opened: Any, start: int, stop: int) -> Content:
        """Rows `start` to `stop` of an opened part."""

    def digest_content(self, content: Content) -> str:
        """Digest of every value of `content`."""

    def mark_parts(self, parts: Path, attributes: Mapping[str, Any]) -> None:
        """Make the folder `parts` readable by the format's own library, with `attributes`."""
