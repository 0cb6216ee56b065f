"""Feature parts as Zarr v3 groups: one uncompressed chunk per array, so that readers map it."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, field_validator

from pipeline.errors import StoreError
from pipeline.files import write_text
from pipeline.limits import MOST_AXES, MOST_ROWS
from pipeline.rows import Rows
from pipeline.store.header import load_json
from pipeline.store.parts import PartClip, parse_clips
from pipeline.store.records import read_bytes, read_record
from pipeline.store.row_parts import ARRAYS, RowParts, check_version, join_rows, map_array

FORMAT_VERSION = 1

METADATA, REMEDY = "zarr.json", "`dvc pull` it anew"
"""File that each group and each array has, and what to do where it is another."""

RAW_CODECS = (
    [{"name": "bytes"}],
    [{"name": "bytes", "configuration": {"endian": "little"}}],
)
"""Codecs of an array whose chunk is its bytes; those of one byte have no order."""


@dataclass(frozen=True)
class ZarrParts(RowParts):
    """Part format `zarr`; a part is a group of the arrays of `Rows`, its clips an attribute.

    A part whose clips have no rows has no arrays.
    """

    def path_of(self, parts: Path, part: str) -> Path:
        """Folder of the part's group."""
        return parts / part

    def write_part(self, path: Path, contents: Sequence[Rows], clips: Sequence[PartClip]) -> None:
        """Write the group at `path`; arrays of one part share their dtype and row shape."""
        import zarr  # readers map the chunks by themselves: only writers wait for this import

        attributes = {"format_version": FORMAT_VERSION, "clips": [clip.to_json() for clip in clips]}
        group = zarr.create_group(path, attributes=attributes)
        for name, values in join_rows(contents).items():
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
        attributes = _read_attributes(path)
        found = attributes.get("format_version") if "clips" in attributes else None
        check_version(path, found, expected=FORMAT_VERSION)
        return parse_clips(path, attributes["clips"])

    def open_part(self, path: Path) -> Rows:
        """Arrays of the part, mapped read-only."""
        return Rows(**{name: _map_array(path / name) for name in ARRAYS})

    def mark_parts(self, parts: Path, attributes: Mapping[str, Any]) -> None:
        """Make `parts` itself a Zarr group."""
        metadata = {"zarr_format": 3, "node_type": "group", "attributes": dict(attributes)}
        write_text(parts / METADATA, json.dumps(metadata, indent=2))


class _ArrayMetadata(BaseModel):
    """What of an array's metadata says how its bytes lie."""

    node_type: Literal["array"]
    shape: list[Annotated[int, Field(ge=0, le=MOST_ROWS)]] = Field(
        min_length=1, max_length=MOST_AXES
    )
    data_type: Literal["bool", "uint8", "float16", "float32", "float64"]
    chunk_grid: dict[str, Any]
    codecs: list[dict[str, Any]]

    @field_validator("shape")
    @classmethod
    def _check_size(cls, shape: list[int]) -> list[int]:
        """Refuse what NumPy has no place for, though an axis of none may stand beside it."""
        if math.prod(filter(None, shape)) > MOST_ROWS:
            raise ValueError("expected an array that a file can hold")
        return shape


def _map_array(path: Path) -> NDArray[Any]:
    """Array at `path`, mapped; raises StoreError unless it is one raw little-endian chunk."""
    metadata = read_record(path / METADATA, _ArrayMetadata, "a Zarr array", REMEDY)
    shape = tuple(metadata.shape)
    whole = {"name": "regular", "configuration": {"chunk_shape": [*shape]}}
    if metadata.chunk_grid != whole or metadata.codecs not in RAW_CODECS:
        raise StoreError(
            f"{path}: expected one raw little-endian chunk of shape {shape}, "
            f"got {json.dumps([metadata.chunk_grid, metadata.codecs])}; "
            f"extract the set again"
        )
    dtype = np.dtype(metadata.data_type).newbyteorder("<")
    chunk = path.joinpath("c", *("0" for _ in shape))
    expected = dtype.itemsize * math.prod(shape)
    found = chunk.stat().st_size if chunk.is_file() else 0
    if found != expected:
        raise StoreError(f"{chunk}: expected {expected} bytes, got {found}; run `moodline verify`")
    return map_array(chunk, dtype, shape)


def _read_attributes(path: Path) -> dict[str, Any]:
    """What the group at `path` says of itself; raises StoreError where it is no group."""
    place = path / METADATA
    node = load_json(read_bytes(place, "a Zarr group", REMEDY), place)
    if not isinstance(node, dict) or node.get("node_type") != "group":
        raise StoreError(f"{place}: expected a Zarr group, got another node; {REMEDY}")
    attributes = node.get("attributes", {})
    if not isinstance(attributes, dict):
        raise StoreError(f"{place}: expected attributes by their names, got others; {REMEDY}")
    return attributes


PARTS = ZarrParts()
