"""Feature parts as HDF5 files: contiguous datasets, so that readers map them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from pipeline.apart import FailedError
from pipeline.errors import StoreError
from pipeline.rows import Rows
from pipeline.store.foreign import open_listed
from pipeline.store.header import load_json
from pipeline.store.parts import PartClip, parse_clips
from pipeline.store.row_parts import ARRAYS, RowParts, check_version, join_rows, map_array

FORMAT_VERSION = 1

FILE_VERSION = "v108"
"""HDF5 1.8: the first to checksum what describes the data, and read by every later one."""

ALIGNMENT_BYTES = 64
"""Datasets start at multiples of this, so that mapped numbers are aligned."""


@dataclass(frozen=True)
class Hdf5Parts(RowParts):
    """Part format `hdf5`; a part is a file of the arrays of `Rows`, its clips a JSON string.

    A part whose clips have no rows has no arrays.
    """

    def path_of(self, parts: Path, part: str) -> Path:
        """HDF5 file of the part."""
        return parts / f"{part}.h5"

    def write_part(self, path: Path, contents: Sequence[Rows], clips: Sequence[PartClip]) -> None:
        """Write the file at `path`; arrays of one part share their dtype and row shape."""
        listed = json.dumps([clip.to_json() for clip in clips])
        # Made in memory: HDF5 closes a file in silence where a full disk took only half of it.
        with h5py.File.in_memory(
            libver=(FILE_VERSION, FILE_VERSION),
            alignment_interval=ALIGNMENT_BYTES,
            track_times=False,  # the same rows give the same bytes
        ) as file:
            file.attrs["format_version"] = FORMAT_VERSION
            file.create_dataset("clips", data=np.bytes_(listed.encode()))  # attributes end at 64 KB
            for name, values in join_rows(contents).items():
                file.create_dataset(name, data=values)
            file.flush()
            path.write_bytes(file.id.get_file_image())

    def read_clips(self, path: Path) -> list[PartClip]:
        """Clips listed in the file."""
        with _open_file(path) as file:
            listed = _find_dataset(file, "clips")
            # Packed, or never written, they may unpack to any size.
            if listed.shape or listed.dtype.kind != "S" or listed.id.get_offset() is None:
                raise ValueError("expected clips as one text, as they are, got them otherwise")
            if listed.nbytes > path.stat().st_size:
                raise ValueError(f"expected clips within the file, got {listed.nbytes:,} bytes")
            return parse_clips(path, load_json(listed[()], path))

    def open_part(self, path: Path) -> Rows:
        """Arrays of the part, mapped read-only; raises StoreError unless they lie there raw."""
        with _open_file(path) as file:
            found = {name: _find_dataset(file, name) for name in ARRAYS}
            return Rows(**{name: _map_dataset(path, dataset) for name, dataset in found.items()})

    def mark_parts(self, parts: Path, attributes: Mapping[str, Any]) -> None:
        """Leave the folder as it is: every part is an HDF5 file of its own."""


@contextmanager
def _open_file(path: Path) -> Iterator[h5py.File]:
    """Part at `path` while it is read; raises StoreError for whatever HDF5 cannot make of it."""
    try:
        with open_listed(path) as file:
            check_version(path, _read_version(file), expected=FORMAT_VERSION)
            yield file
    except (FailedError, OSError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise StoreError(f"{path}: not a readable HDF5 file ({error})") from error


def _read_version(file: h5py.File) -> Any:
    """What the file says of its version, None for text: HDF5 may not come to an end of it."""
    name = "format_version"
    told = name in file.attrs and file.attrs.get_id(name).dtype.kind != "O"
    return file.attrs[name] if told else None


def _find_dataset(file: h5py.File, name: str) -> h5py.Dataset:
    """Dataset of this name in the file itself; ValueError for one that leads elsewhere."""
    link, dataset = file.get(name, getlink=True), None
    if isinstance(link, h5py.HardLink):
        dataset = file[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.is_virtual or dataset.external:
        raise ValueError(f"expected {name} as a dataset of this file, got none or a link")
    return dataset


def _map_dataset(path: Path, dataset: h5py.Dataset) -> NDArray[Any]:
    dtype, offset = dataset.dtype, dataset.id.get_offset()
    has_place = dataset.shape and (offset is not None or dataset.size == 0)
    if not has_place or dtype.kind not in "biuf" or dtype != dtype.newbyteorder("<"):
        raise StoreError(
            f"{path}: expected {dataset.name} as rows of contiguous little-endian numbers, "
            f"got {dtype.str} of shape {dataset.shape}, chunks {dataset.chunks}; extract the set "
            f"again"
        )
    return map_array(path, dtype, dataset.shape, offset or 0)


PARTS = Hdf5Parts()
