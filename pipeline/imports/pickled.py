"""Pickles as MMSA and others ship them: maps of arrays, lists and texts, unpickled with care."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import StoreError
from pipeline.imports.series import Series, Wanted, check_size, limit_bytes
from pipeline.imports.trees import Leaf, Tree, read_tree
from pipeline.imports.unpickling import Array, load_pickle
from pipeline.limits import MOST_PICKLED

MOST_LEVELS = 8
"""Maps within one another."""


def read(path: Path, wanted: Wanted) -> Iterator[Series]:
    """Series of what the pickle holds; raises StoreError as `load_pickle` does, and for no map."""
    found = load_pickle(path)
    found = {"features": found} if isinstance(found, Array) else found
    if not isinstance(found, Mapping):
        raise StoreError(f"{path}: expected a map of arrays, got {type(found).__name__}")
    yield from read_tree(str(path), _Reader(path).make_tree(found, MOST_LEVELS), wanted)


class _Reader:
    """Makes trees of what a pickle held, which may hold one thing under many names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.left = MOST_PICKLED
        self.size = 0

    def make_tree(self, found: Mapping[Any, Any], levels: int) -> Tree:
        """Tree of a map; what is neither array nor list is left out of it."""
        if not levels:
            raise StoreError(f"{self.path}: expected at most {MOST_LEVELS} maps within one another")
        self._count(len(found))
        tree: dict[str, Leaf | Tree] = {}
        for key, value in found.items():
            name = key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key)
            if name in tree:
                raise StoreError(f"{self.path}: expected {name} once, got it as {key!r} as well")
            if isinstance(value, Mapping):
                tree[name] = self.make_tree(value, levels - 1)
            elif isinstance(value, (Array, list, tuple)):
                tree[name] = Leaf(_shape(value), partial(self._load, name, value))
        return tree

    def _load(self, name: str, value: Any) -> Any:
        """Array of a leaf, list of texts, or arrays of different lengths."""
        values = _unwrap(value)
        if isinstance(values, np.ndarray) or _are(values, (str, bytes)):
            return values
        if _are(values, (int, float)):
            return np.array(values)
        return [self._stack(f"{name}: {number}", one) for number, one in enumerate(values)]

    def _stack(self, name: str, value: Any) -> NDArray[Any]:
        """Array of a list of numbers, or of several of one length."""
        values = _unwrap(value)
        if isinstance(values, np.ndarray):
            return values
        self._count(sum(len(one) if isinstance(one, (list, tuple)) else 1 for one in values))
        self.size += 8 * sum(math.prod(one.shape) for one in values if isinstance(one, Array))
        check_size(f"{self.path}: {name}", self.size, limit_bytes(self.path))
        if _are(values, (int, float)):
            return np.array(values)
        rows = [_unwrap(one) for one in values]
        if not all(isinstance(row, np.ndarray) or _are(row, (int, float)) for row in rows):
            raise StoreError(f"{self.path}: {name}: expected numbers, got others")
        try:
            return np.stack([np.asarray(row) for row in rows])
        except ValueError as error:
            raise StoreError(f"{self.path}: {name}: expected rows of one length") from error

    def _count(self, items: int) -> None:
        """Raise StoreError where lists and maps have more items than the pickle has instructions.

        One list may stand under many names.
        """
        self.left -= items
        if self.left < 0:
            raise StoreError(
                f"{self.path}: expected lists of at most {MOST_PICKLED:,} items in all, got more; "
                f"save them as arrays"
            )


def _unwrap(value: Any) -> NDArray[Any] | list[Any]:
    """An array, or a list of whatever it is."""
    if isinstance(value, Array):
        return value.make()
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _are(values: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(values, Sequence) and all(isinstance(one, kinds) for one in values)


def _shape(value: Any) -> tuple[int, ...]:
    """Shape of an array; of a list its length, and one more axis where it holds arrays or lists."""
    if isinstance(value, Array) and not isinstance(value.raw, list):
        return value.shape
    items = value.raw if isinstance(value, Array) else value
    return (
        (len(items), 0) if items and isinstance(items[0], (Array, list, tuple)) else (len(items),)
    )
