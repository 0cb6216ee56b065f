"""Feature parts as Zarr v3 groups: one uncompressed chunk per array, so that readers map it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import StoreError
from pipeline.files import DIGEST_BYTES, canonical_json, write_text
from pipeline.rows import Rows
from pipeline.store.parts import PartClip

ARRAYS = ("embedding", "start_seconds", "end_seconds", "valid")
FORMAT_VERSION = 1


@dataclass(frozen=True)
class ZarrParts:
    """Part format `zarr`; a part is a group of the arrays of `Rows`, its clips an attribute.

    A part whose clips have no rows has no arrays.
    """

    def path_of(self, parts: Path, part: str) -> Path:
        """Folder of the part's group."""
        return parts / part

    def write_part(self, path: Path, contents: Sequence[Rows], clips: Sequence[PartClip]) -> None:
        """Write the group at `path`; arrays of one part share their dtype and row shape."""
        import zarr  # readers map the chunks by themselves: only writers wait for this import

        attributes = {"format_version": FORMAT_VERSION, "clips": [asdict(clip) for clip in clips]}
        group = zarr.create_group(path, attributes=attributes)
        for name in ARRAYS if any(map(len, contents)) else ():
            values = np.concatenate([getattr(content, name) for content in contents])
            array = group.create_array(
                name,
                shape=values.shape,
                chunks=values.shape,
                dtype=values.dtype,
                compressors=None,
                config={"write_empty_chunks": True},  # else an all-zero array has no file to map
            )
            array[...] = values

    def read_clips(self, path: Path) -> list[PartClip]:
        """Clips listed in the group's attributes."""
        attributes = _read_metadata(path).get("attributes", {})
        if attributes.get("format_version") != FORMAT_VERSION or "clips" not in attributes:
            raise StoreError(
                f"{path}: expected a part of format_version {FORMAT_VERSION}, "
                f"got {attributes.get('format_version', 'a foreign Zarr group')}"
            )
        return [PartClip(**clip) for clip in attributes["clips"]]

    def open_part(self, path: Path) -> Rows:
        """Arrays of the part, mapped read-only."""
        return Rows(**{name: _map_array(path / name) for name in ARRAYS})

    def slice_part(self, opened: Rows, start: int, stop: int) -> Rows:
        """Views of the rows `start` to `stop`."""
        return Rows(**{name: getattr(opened, name)[start:stop] for name in ARRAYS})

    def digest_content(self, content: Rows) -> str:
        """Digest of the arrays' dtypes, shapes and bytes."""
        digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
        for name in ARRAYS:
            values = np.ascontiguousarray(getattr(content, name))
            digest.update(canonical_json([name, values.dtype.str, values.shape]).encode())
            digest.update(values.tobytes())
        return digest.hexdigest()

    def mark_parts(self, parts: Path, attributes: Mapping[str, Any]) -> None:
        """Make `parts` itself a Zarr group."""
        metadata = {"zarr_format": 3, "node_type": "group", "attributes": dict(attributes)}
        write_text(parts / "zarr.json", json.dumps(metadata, indent=2))


def _map_array(path: Path) -> NDArray[Any]:
    """Array at `path`, mapped; raises StoreError unless it is one raw little-endian chunk."""
    metadata = _read_metadata(path)
    shape = tuple(metadata["shape"])
    chunk_shape = tuple(metadata["chunk_grid"]["configuration"]["chunk_shape"])
    codecs = [codec["name"] for codec in metadata["codecs"]]
    if chunk_shape != shape or codecs != ["bytes"]:
        raise StoreError(
            f"{path}: expected one uncompressed chunk of shape {shape}, "
            f"got chunks of {chunk_shape} through {', '.join(codecs)}; extract the set again"
        )
    dtype = np.dtype(metadata["data_type"]).newbyteorder("<")
    chunk = path.joinpath("c", *("0" for _ in shape))
    expected = dtype.itemsize * int(np.prod(shape))
    found = chunk.stat().st_size if chunk.is_file() else 0
    if found != expected:
        raise StoreError(f"{chunk}: expected {expected} bytes, got {found}; run `moodline verify`")
    return np.memmap(chunk, dtype=dtype, mode="r", shape=shape)


def _read_metadata(path: Path) -> dict[str, Any]:
    try:
        metadata: dict[str, Any] = json.loads((path / "zarr.json").read_text())
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: not a readable Zarr node ({error})") from error
    return metadata


PARTS = ZarrParts()
