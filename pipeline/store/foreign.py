"""HDF5 files that others wrote: groups and datasets that lie in the file itself.

A link to another file, an external or a virtual dataset would have any file of this machine read,
and a group within itself would have no end.
"""

import math
import mmap
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np
from numpy.typing import NDArray

from pipeline.apart import Apart, FailedError
from pipeline.errors import StoreError
from pipeline.files import open_regular
from pipeline.limits import LOADING_SECONDS

Found: TypeAlias = dict[str, Any]
"""Name → dataset, or what is found in a group."""

PACKED = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_LZF}
FILTERS = {*PACKED, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
"""Ways of packing a chunk, and what may go with one: others fill as much as their settings say."""

DEFLATED = 1032
"""Bytes at most that DEFLATE makes of one; LZF makes 88."""

HEAP, HEAP_HEAD = b"GCOL\x01", 16
"""How places of texts begin, and bytes of their head, and of that of what lies there."""

TEXTS = 256
"""Texts of any length that are read at once: a file may hold one, and name it a million times."""


LOOK = """
import h5py

def attempt(path):
    with h5py.File(path, "r", locking=False) as file:
        look(file, set())

def look(node, seen):
    place = h5py.h5o.get_info(node.id).addr
    if place in seen:
        return
    seen.add(place)
    list(node.attrs)
    if isinstance(node, h5py.Group):
        for name in node:
            if isinstance(node.get(name, getlink=True), h5py.HardLink):
                look(node[name], seen)
    elif isinstance(node, h5py.Dataset) and node.chunks and len(node.chunks) == node.ndim:
        node.id.chunk_iter(lambda chunk: None)
"""
LOOKER = Apart(LOOK)
"""Lists all that is in a file, as HDF5 itself may never end with it, or end its process: trees and
free space may lead back to themselves."""


@contextmanager
def open_listed(path: Path) -> Iterator[h5py.File]:
    """The file at `path`, as long as the block runs, once all that is in it was listed apart.

    Raises FailedError where HDF5 comes to no good end with that.
    """
    with open_regular(path):
        LOOKER.ask(os.path.abspath(path), LOADING_SECONDS)
        # Files of stores never change, and some disks cannot lock.
        with h5py.File(path, locking=False) as file:
            yield file


@contextmanager
def open_foreign(path: Path) -> Iterator[Found]:
    """What is in the file at `path`, as long as the block runs.

    Raises StoreError for whatever HDF5 cannot make of it, in the block as well.
    """
    try:
        with open_listed(path) as file:
            yield _list_group(file, set())
    except (FailedError, OSError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise StoreError(f"{path}: not a readable HDF5 file ({error}); get it again") from error


def _list_group(group: h5py.Group, seen: set[int]) -> Found:
    place = h5py.h5o.get_info(group.id).addr
    if place in seen:
        raise ValueError(f"expected each group once, got {group.name} again")
    seen.add(place)
    return {name: _find_node(group, name, seen) for name in group}


def _find_node(group: h5py.Group, name: str, seen: set[int]) -> Found | h5py.Dataset:
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"expected {name} in this file, got a link elsewhere")
    node = group[name]
    if isinstance(node, h5py.Group):
        return _list_group(node, seen)
    if not isinstance(node, h5py.Dataset) or node.is_virtual or node.external:
        raise ValueError(f"expected {name} as a dataset of this file, got other data")
    return node


def _check_chunks(dataset: h5py.Dataset, most: int) -> None:
    """Raise ValueError where a chunk may unpack to more than `most` bytes.

    A dataset of four numbers may lie in a chunk of gigabytes; and HDF5 unpacks whatever a packed
    chunk holds, however many bytes a chunk has.
    """
    chunk = dataset.chunks or ()
    if chunk and len(chunk) != dataset.ndim:  # HDF5 would write beyond its memory
        raise ValueError(f"expected chunks of {dataset.ndim} axes in {dataset.name}, got {chunk}")
    made = dataset.id.get_create_plist()
    filters = [made.get_filter(number)[0] for number in range(made.get_nfilters())]
    packed = [number for number, one in enumerate(filters) if one in PACKED]
    after = {*filters[packed[0] + 1 :]} if packed else set()
    if not FILTERS.issuperset(filters) or after - {h5py.h5z.FILTER_FLETCHER32}:
        raise ValueError(f"expected {dataset.name} packed by gzip or LZF alone, got others")
    whole = math.prod(chunk) * dataset.dtype.itemsize
    if whole > most:
        raise ValueError(f"expected chunks of at most {most:,} bytes in {dataset.name}, got more")
    if h5py.h5z.FILTER_DEFLATE in filters:
        _check_deflated(dataset, whole, most, packed[0])


def _check_deflated(dataset: h5py.Dataset, whole: int, most: int, number: int) -> None:
    """As `_check_chunks`; chunks have `whole` bytes, and DEFLATE is their filter `number`."""
    large: list[tuple[int, ...]] = []

    def look(chunk: Any) -> None:
        if chunk.size * DEFLATED > most and not chunk.filter_mask >> number & 1:
            large.append(chunk.chunk_offset)

    dataset.id.chunk_iter(look)
    for offset in large:
        _, data = dataset.id.read_direct_chunk(offset)
        try:
            unpacked = zlib.decompressobj().decompress(data, whole + 1)
        except zlib.error as error:
            raise ValueError(f"{dataset.name}: {error}") from error
        if len(unpacked) > whole:
            raise ValueError(f"expected chunks of {whole:,} bytes in {dataset.name}, got more")


@lru_cache(maxsize=1)
def _check_heaps(path: Path, changed: int) -> None:
    """Raise ValueError for a place of texts whose free space is of no size: HDF5 would not end.

    Objects follow a head of 16 bytes, each with a number, 0 for free space, and a size; that of
    free space includes what tells it (HDF5 File Format Specification 3.0, III.E). A file that was
    `changed` then is looked at once, however many texts it has.
    """
    with open_regular(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = data.find(HEAP)
        while start >= 0:
            place = start + HEAP_HEAD
            end = min(start + int.from_bytes(data[start + 8 : place], "little"), len(data))
            while place + HEAP_HEAD <= end:
                number = int.from_bytes(data[place : place + 2], "little")
                size = int.from_bytes(data[place + 8 : place + HEAP_HEAD], "little")
                if not number and size < HEAP_HEAD:
                    raise ValueError("expected texts in their places, got a damaged one")
                place += HEAP_HEAD + -(-size // 8) * 8 if number else size
            start = data.find(HEAP, start + len(HEAP))


def load_dataset(dataset: h5py.Dataset, most: int) -> NDArray[Any]:
    """All of a dataset of numbers or text; raises ValueError beyond `most` bytes."""
    if dataset.shape is None or dataset.nbytes > most:
        raise ValueError(f"expected {dataset.name} of at most {most:,} bytes, got more, or none")
    _check_chunks(dataset, most)
    if dataset.dtype.kind == "V":  # text of any length may lie within
        raise ValueError(f"expected {dataset.name} as numbers or text, got {dataset.dtype}")
    if dataset.dtype.kind != "O":
        values: NDArray[Any] = dataset[()]
        return values
    if h5py.check_string_dtype(dataset.dtype) is None or dataset.ndim != 1:
        raise ValueError(f"expected {dataset.name} as numbers, or as a list of texts")
    path = Path(dataset.file.filename)
    _check_heaps(path, path.stat().st_mtime_ns)
    texts: list[bytes] = []
    size = 0
    for start in range(0, len(dataset), TEXTS):
        texts += dataset[start : start + TEXTS].tolist()
        size += sum(map(len, texts[start:]))
        if size > most:
            raise ValueError(f"expected {dataset.name} of at most {most:,} bytes, got more")
    if len(texts) * max(map(len, texts), default=0) > most:  # an array has the longest for each
        raise ValueError(f"expected {dataset.name} of at most {most:,} bytes, got more")
    return np.array(texts)
