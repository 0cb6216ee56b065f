"""What the part formats of feature rows share: which arrays a part has, their digest, their map."""

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import StoreError
from pipeline.files import DIGEST_BYTES, canonical_json
from pipeline.rows import Rows

ARRAYS = ("embedding", "start_seconds", "end_seconds", "valid")


class RowParts:
    """What every part format of `Rows` does alike."""

    def slice_part(self, opened: Rows, start: int, stop: int) -> Rows:
        """Views of the rows `start` to `stop`."""
        stretch = slice(start, stop)
        return Rows(
            opened.embedding[stretch],
            opened.start_seconds[stretch],
            opened.end_seconds[stretch],
            opened.valid[stretch],
        )

    def digest_content(self, content: Rows) -> str:
        """Digest of the arrays' dtypes, shapes and bytes, as they are stored."""
        digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
        for name in ARRAYS:
            values = _order_bytes(getattr(content, name))
            digest.update(canonical_json([name, values.dtype.str, values.shape]).encode())
            digest.update(values.tobytes())
        return digest.hexdigest()


def join_rows(contents: Sequence[Rows]) -> dict[str, NDArray[Any]]:
    """Name → array of all `contents`, one after another; no arrays where there are no rows.

    Arrays of one part share their dtype and row shape.
    """
    filled = [content for content in contents if len(content)]
    return {
        name: _order_bytes(np.concatenate([getattr(content, name) for content in filled]))
        for name in (ARRAYS if filled else ())
    }


def map_array(
    path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], offset: int = 0
) -> NDArray[Any]:
    """Array that lies `offset` bytes into the file at `path`, mapped read-only."""
    if 0 in shape:  # no bytes, which cannot be mapped
        return np.empty(shape, dtype)
    # Unlike np.memmap, Arrow keeps no descriptor open: a store may have more parts than those.
    with pa.memory_map(str(path)) as file:
        file.seek(offset)
        buffer = file.read_buffer(dtype.itemsize * math.prod(shape))
    return np.frombuffer(buffer, dtype).reshape(shape)


def check_version(path: Path, found: object, *, expected: int) -> None:
    """Raise StoreError unless the part at `path` is of the `expected` format_version."""
    if found != expected:
        raise StoreError(
            f"{path}: expected a part of format_version {expected}, "
            f"got {'none: another program wrote it' if found is None else found}"
        )


def _order_bytes(values: NDArray[Any]) -> NDArray[Any]:
    """`values` row by row, little-endian; the same array where it is so already."""
    return np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
