"""`.npy`: one array, whose entries the ids beside it name."""

from collections.abc import Iterator
from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.lib import format as npy

from pipeline.errors import StoreError
from pipeline.files import open_regular
from pipeline.imports.series import Series, Wanted, split_array

ERRORS = (
    *(OSError, ValueError, EOFError, SyntaxError, TokenError),
    *(TypeError, ArithmeticError, MemoryError, RecursionError),
)
"""What NumPy raises for headers that are none; the last two for signs without end."""


def read(path: Path, wanted: Wanted) -> Iterator[Series]:
    """Series of the array, which is mapped; raises StoreError where it has objects or no ids."""
    if wanted.ids is None:
        raise StoreError(f"{path}: expected the ids of its entries, got none; name them by --ids")
    try:
        with open_regular(path), np.errstate(over="raise"):
            values = npy.open_memmap(path, mode="r")
    except ERRORS as error:
        raise StoreError(f"{path}: not a readable array of numbers ({error})") from error
    yield from split_array(str(path), wanted.ids, values)
