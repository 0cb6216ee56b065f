"""`.npz`: arrays by name in a zip file."""

import lzma
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from numpy.lib import format as npy
from numpy.typing import NDArray

from pipeline.errors import StoreError
from pipeline.files import open_regular
from pipeline.imports.npy import ERRORS
from pipeline.imports.series import Series, Wanted, check_size, limit_bytes
from pipeline.imports.trees import Leaf, read_tree

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}

_ERRORS = (
    *(*ERRORS, RuntimeError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
)

_START_BYTES = 2**14
"""Of an array: its header ends within them, or NumPy does not read it. A header may say that it
has gigabytes, which take next to nothing in a zip file."""


def read(path: Path, wanted: Wanted) -> Iterator[Series]:
    """Series of the arrays, each read when its turn comes; raises StoreError for objects."""
    try:
        with open_regular(path) as file, closing(zipfile.ZipFile(file)) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            tree = {name.removesuffix(".npy"): _find_leaf(path, archive, name) for name in names}
            yield from read_tree(str(path), tree, wanted)
    except _ERRORS as error:
        raise StoreError(f"{path}: not a readable file of arrays ({error})") from error


def _find_leaf(path: Path, archive: zipfile.ZipFile, name: str) -> Leaf:
    """Array `name`, whose header alone is read; raises StoreError where it is too large."""
    with archive.open(name) as member:
        start = BytesIO(member.read(_START_BYTES))
    version = npy.read_magic(start)
    if version not in _HEADERS:
        raise ValueError(f"{name}: a version of arrays that is not known, {version}")
    shape, _, dtype = _HEADERS[version](start)
    if dtype.hasobject or not dtype.itemsize:
        raise StoreError(f"{path}: {name}: expected numbers or text, got {dtype}")
    size = math.prod(shape) * dtype.itemsize
    check_size(f"{path}: {name}", size, limit_bytes(path))
    return Leaf(shape, partial(_load, archive, name))


def _load(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(name) as member:
        values: NDArray[Any] = npy.read_array(member, allow_pickle=False)
    return values
