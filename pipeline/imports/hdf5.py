"""HDF5: datasets by name, in groups of any depth."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import h5py

from pipeline.imports.series import Series, Wanted, limit_bytes
from pipeline.imports.trees import Leaf, Tree, read_tree
from pipeline.store.foreign import Found, load_dataset, open_foreign


def read(path: Path, wanted: Wanted) -> Iterator[Series]:
    """Series of the datasets, each read when its turn comes; raises StoreError for links."""
    with open_foreign(path) as found:
        yield from read_tree(str(path), _make_tree(found, limit_bytes(path)), wanted)


def _make_tree(found: Found, most: int) -> Tree:
    return {name: _make_node(node, most) for name, node in found.items()}


def _make_node(node: Found | h5py.Dataset, most: int) -> Leaf | Tree:
    if isinstance(node, h5py.Dataset):
        return Leaf(node.shape or (), partial(load_dataset, node, most))
    return _make_tree(node, most)
