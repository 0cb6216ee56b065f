"""HDF5 files that others wrote: groups and datasets that lie in the file itself.

A link to another file, an external or a virtual dataset would have any file of this machine read,
and a group within itself would have no end.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import StoreError
from pipeline.files import open_regular

Found: TypeAlias = dict[str, Any]
"""Name → dataset, or what is found in a group."""

TEXTS = 256
"""Texts of any length that are read at once: a file may hold one, and name it a million times."""


@contextmanager
def open_foreign(path: Path) -> Iterator[Found]:
    """What is in the file at `path`, as long as the block runs.

    Raises StoreError for whatever HDF5 cannot make of it, in the block as well.
    """
    try:
        with open_regular(path), h5py.File(path, locking=False) as file:
            yield _list_group(file, set())
    except (OSError, LookupError, RuntimeError, TypeError, ValueError) as error:
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


def load_dataset(dataset: h5py.Dataset, most: int) -> NDArray[Any]:
    """All of a dataset of numbers or text; raises ValueError beyond `most` bytes."""
    if dataset.shape is None or dataset.nbytes > most:
        raise ValueError(f"expected {dataset.name} of at most {most:,} bytes, got more, or none")
    if dataset.dtype.kind != "O":
        values: NDArray[Any] = dataset[()]
        return values
    if h5py.check_string_dtype(dataset.dtype) is None or dataset.ndim != 1:
        raise ValueError(f"expected {dataset.name} as numbers, or as a list of texts")
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
