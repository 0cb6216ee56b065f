"""Unpickling that builds arrays, numbers, texts and containers, and nothing else.

A pickle is a program for a machine with a stack. Python's own machine calls whatever a pickle
names. The machine here has the instructions that arrays and containers take; each name that it
knows means a function of this module, and any other is refused. It compares and hashes nothing but
numbers and texts.
"""

import math
import pickletools
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import StoreError
from pipeline.files import open_regular
from pipeline.imports.series import limit_bytes
from pipeline.limits import MOST_AXES, MOST_PICKLED
from pipeline.store.objects import POINTER

WHOLE_BITS = 64
"""Of a whole number: longer ones have no place in an array, and are slow to reckon with."""

SHORT_BYTES = 4096
"""So many are read without a look at where the file ends, which takes longer than reading."""

ORDERS = ("<", ">", "|", "=")
STATE_PARTS = 5
"""Of what a pickle tells of an array: version, shape, type, order of axes, values."""

_DTYPE = re.compile(r"[<>|=]?([?bBhHiIlLqQefd]|[biuf][1248]|[SU][0-9]{0,9}|O8?)")
"""Types of arrays: truth, numbers and text, and objects, which stay as they were pickled."""


class RefusedError(Exception):
    """A pickle says what no pickle of arrays does."""


class Dtype:
    """Type of an array, as a pickle tells it in two steps."""

    def __init__(self, name: str) -> None:
        self.name, self.order = name, "="

    def take(self, state: Any) -> None:
        """Take the order of bytes; raises RefusedError where `state` has none."""
        order = state[1] if isinstance(state, tuple) and len(state) > 1 else None
        if order not in ORDERS:
            raise RefusedError(f"a type of arrays {self.name} of another kind")
        self.order = order

    def make(self) -> np.dtype[Any]:
        """NumPy's type."""
        kind = np.dtype(self.name).str.lstrip("<>|=")
        return np.dtype(f"{self.order}{kind}")


class Array:
    """An array as a pickle tells it in two steps: bytes, or a list of objects, of a shape."""

    def __init__(self) -> None:
        self.shape: tuple[int, ...] = (0,)
        self.dtype, self.fortran = Dtype("u1"), False
        self.raw: bytes | list[Any] = b""

    def take(self, state: Any) -> None:
        """Take the values; raises RefusedError where they are not so many as the shape has."""
        if not isinstance(state, tuple) or len(state) != STATE_PARTS:
            raise RefusedError("an array of another kind")
        self.fill(*state[1:])

    def fill(self, shape: Any, dtype: Any, fortran: Any, raw: Any) -> None:
        """As `take`; a text is bytes as Python 2 has them."""
        raw = raw.encode("latin1") if isinstance(raw, str) else raw
        known = isinstance(shape, tuple) and all(type(one) is int and one >= 0 for one in shape)
        if not known or len(shape) > MOST_AXES or not isinstance(dtype, Dtype):
            raise RefusedError("an array without a shape and a type")
        kind = list if "O" in dtype.name else bytes
        if not isinstance(raw, kind):
            raise RefusedError(f"an array of {dtype.name} whose values are {type(raw).__name__}")
        width = 1 if isinstance(raw, list) else dtype.make().itemsize
        if len(raw) != math.prod(shape) * width:
            raise RefusedError(
                f"an array of shape {shape} with {len(raw):,} values of {width} bytes"
            )
        if not width and math.prod(shape) > MOST_PICKLED:
            raise RefusedError(f"an array of {math.prod(shape):,} texts of no letters")
        self.shape, self.dtype, self.fortran, self.raw = shape, dtype, bool(fortran), raw
        try:
            self.make()
        except ValueError as error:  # an axis of none beside others that are too long
            raise RefusedError(f"an array of shape {shape}") from error

    def make(self) -> NDArray[Any] | list[Any]:
        """NumPy's array, over the bytes of the pickle, or the list of objects."""
        if isinstance(self.raw, list):
            return self.raw
        if not self.dtype.make().itemsize:  # texts of no letters
            return np.broadcast_to(np.zeros((), "U1"), self.shape)
        values = np.frombuffer(self.raw, self.dtype.make())
        return values.reshape(self.shape, order="F" if self.fortran else "C")


def _tell(value: Any) -> str:
    """What a message says of a value: a tuple may hold another twice, and that one a third."""
    return repr(value[:20]) if isinstance(value, str) else type(value).__name__


def _make_dtype(name: Any, *_: Any) -> Dtype:
    if not isinstance(name, str) or not _DTYPE.fullmatch(name):
        raise RefusedError(f"a type of arrays that is not known, {_tell(name)}")
    np.dtype(name)  # which raises TypeError for a size that its kind does not have
    return Dtype(name)


def _make_array(*_: Any) -> Array:
    return Array()


def _make_buffered(raw: Any, dtype: Any, shape: Any, order: Any) -> Array:
    """An array as protocol 5 tells it, in one step."""
    made = Array()
    made.fill(shape, dtype, order == "F", raw)
    return made


def _make_scalar(dtype: Any, raw: Any) -> Any:
    made = Array()
    made.fill((1,), dtype, False, [raw] if isinstance(dtype, Dtype) and "O" in dtype.name else raw)
    values = made.make()
    return values[0] if isinstance(values, list) else values[0].item()


def _encode(text: Any, encoding: Any = "utf-8") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "utf-8"):
        raise RefusedError(f"an encoding that is not known, {_tell(encoding)}")
    return text.encode(encoding)


def _make_bytes() -> bytes:
    """No bytes: older protocols have no other way to say so."""
    return b""


def _make_list(items: Any = ()) -> list[Any]:
    """A list; of sets, too, whose items would have to be hashed."""
    if not isinstance(items, (list, tuple)):
        raise RefusedError(f"a container made of {type(items).__name__}")
    return list(items)


def _make_map(*_: Any) -> dict[Any, Any]:
    return {}


def _refuse(*_: Any) -> Any:
    raise RefusedError("a call of numpy.ndarray")


Make = Callable[..., Any]

_BUILTINS = ("builtins", "__builtin__")
_KINDS = ("list", "tuple", "set", "frozenset")

NAMES: Mapping[str, Make] = {
    "numpy.dtype": _make_dtype,
    "numpy.ndarray": _refuse,
    "_codecs.encode": _encode,
    "collections.OrderedDict": _make_map,
    "collections.defaultdict": _make_map,
    **{
        f"{core}.{name}": make
        for core in ("numpy.core", "numpy._core")
        for name, make in (
            ("multiarray._reconstruct", _make_array),
            ("multiarray.scalar", _make_scalar),
            ("numeric._frombuffer", _make_buffered),
        )
    },
    **{f"{module}.{kind}": _make_list for module in _BUILTINS for kind in _KINDS},
    **{f"{module}.dict": _make_map for module in _BUILTINS},
    **{f"{module}.bytes": _make_bytes for module in _BUILTINS},
}
"""What a pickle may name → what is called instead. No function among them can be changed by what
the other instructions do."""


class Machine:
    """The stack of a pickle, its marks, and what it remembers by number.

    `left` are the bytes that it may still make out of others, again and again.
    """

    def __init__(self, most: int) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.left = most

    def run(self, instructions: Iterable[tuple[str, Any]]) -> Any:
        """What is left when the pickle ends; raises RefusedError, IndexError or KeyError before."""
        for count, (name, argument) in enumerate(instructions):
            if count >= MOST_PICKLED:
                raise RefusedError(f"more than {MOST_PICKLED:,} instructions")
            if name == "STOP":
                break
            step = STEPS.get(name)
            if step is None:
                raise RefusedError(f"the instruction {name}")
            step(self, argument)
        return self.stack.pop()

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        if isinstance(value, int) and value.bit_length() > WHOLE_BITS:
            raise RefusedError(f"a whole number of {value.bit_length():,} bits")
        self.stack.append(bytes(value) if isinstance(value, bytearray) else value)

    def take(self) -> list[Any]:
        """What was put on the stack since the last mark."""
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def gather(self, count: int) -> tuple[Any, ...]:
        """The last few values."""
        items = [self.stack.pop() for _ in range(count)]
        return tuple(reversed(items))

    def append(self, items: Iterable[Any]) -> None:
        """Add to the list that is on top."""
        if not isinstance(self.stack[-1], list):
            raise RefusedError("items added to what is no list")
        self.stack[-1].extend(items)

    def set_items(self, items: list[Any]) -> None:
        """Add names and values, in turns, to the map that is on top."""
        if not isinstance(self.stack[-1], dict) or len(items) % 2:
            raise RefusedError("items set in what is no map")
        for name, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(name, (str, bytes, int, float)):
                raise RefusedError(f"a map by {type(name).__name__}")
            self.stack[-1][name] = value

    def find(self, *names: Any) -> None:
        """Put what is called for a name on the stack; raises RefusedError for an unknown one."""
        name = ".".join(one if isinstance(one, str) else _tell(one) for one in names)
        make = NAMES.get(name)
        if make is None:
            raise RefusedError(f"{name}, which is no array, text or container")
        self.stack.append(make)

    def call(self) -> None:
        """Put what a name makes of its arguments in place of both."""
        make, arguments = self.gather(2)
        if not callable(make) or not isinstance(arguments, tuple):
            raise RefusedError("a call of what is no name")
        try:
            made = make(*arguments)
        except (TypeError, ValueError, OverflowError) as error:
            raise RefusedError(f"a call that makes nothing ({error})") from error
        self._count(made)
        self.push(made)

    def build(self) -> None:
        """Give an array, or a type of arrays, what it lacks yet."""
        target, state = self.stack[-2], self.stack.pop()
        if not isinstance(target, (Array, Dtype)):
            raise RefusedError(f"a state of {type(target).__name__}")
        target.take(state)
        self._count(target)

    def _count(self, made: Any) -> None:
        """Raise RefusedError where more was made than is left; an array's text becomes bytes."""
        values = made.raw if isinstance(made, Array) else made
        if isinstance(values, (bytes, str, list)):
            self.left -= len(values) * (POINTER if isinstance(values, list) else 1)
        if self.left < 0:
            raise RefusedError("more bytes than such a file may hold")


def _start_map(machine: Machine) -> None:
    items = machine.take()
    machine.push({})
    machine.set_items(items)


def _remember(machine: Machine, number: int) -> None:
    machine.memo[number] = machine.stack[-1]


Step = Callable[[Machine, Any], object]

_PUSHED = (
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    *("BYTEARRAY8", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
)
_KEPT = ("PUT", "BINPUT", "LONG_BINPUT")
_REMEMBERED = ("GET", "BINGET", "LONG_BINGET")

STEPS: Mapping[str, Step] = {
    "PROTO": lambda _machine, _: None,
    "FRAME": lambda _machine, _: None,
    **dict.fromkeys(_PUSHED, Machine.push),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_SET": lambda machine, _: machine.push([]),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "POP": lambda machine, _: machine.stack.pop(),
    "POP_MARK": lambda machine, _: machine.take(),
    "DUP": lambda machine, _: machine.push(machine.stack[-1]),
    "TUPLE1": lambda machine, _: machine.push(machine.gather(1)),
    "TUPLE2": lambda machine, _: machine.push(machine.gather(2)),
    "TUPLE3": lambda machine, _: machine.push(machine.gather(3)),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.take())),
    "LIST": lambda machine, _: machine.push(machine.take()),
    "FROZENSET": lambda machine, _: machine.push(machine.take()),
    "APPEND": lambda machine, _: machine.append(machine.gather(1)),
    "APPENDS": lambda machine, _: machine.append(machine.take()),
    "ADDITEMS": lambda machine, _: machine.append(machine.take()),
    "DICT": lambda machine, _: _start_map(machine),
    "SETITEM": lambda machine, _: machine.set_items([*machine.gather(2)]),
    "SETITEMS": lambda machine, _: machine.set_items(machine.take()),
    **dict.fromkeys(_KEPT, _remember),
    "MEMOIZE": lambda machine, _: _remember(machine, len(machine.memo)),
    **dict.fromkeys(_REMEMBERED, lambda machine, number: machine.push(machine.memo[number])),
    "GLOBAL": lambda machine, name: machine.find(name.replace(" ", ".")),
    "STACK_GLOBAL": lambda machine, _: machine.find(*machine.gather(2)),
    "REDUCE": lambda machine, _: machine.call(),
    "NEWOBJ": lambda machine, _: machine.call(),
    "BUILD": lambda machine, _: machine.build(),
}
"""Instruction → what it does; there are no others."""


def load_pickle(path: Path) -> Any:
    """What the pickle at `path` holds, with `Array` for each array.

    Raises StoreError where it names anything else, would take more memory than `limits` allow, or
    is none.
    """
    try:
        # An escape that no text of a pickle has is a warning to Python.
        with open_regular(path) as file, warnings.catch_warnings(action="error"):
            size = path.stat().st_size
            instructions = pickletools.genops(_Measured(file, size))  # type: ignore[arg-type]
            named = ((code.name, argument) for code, argument, _ in instructions)
            return Machine(limit_bytes(path)).run(named)
    except RefusedError as error:
        raise StoreError(
            f"{path}: expected a pickle of arrays, texts and containers alone, got {error}; save "
            f"it as .npz"
        ) from error
    except (OSError, EOFError, ValueError, IndexError, KeyError, Warning) as error:
        raise StoreError(f"{path}: not a readable pickle ({error})") from error


class _Measured:
    """A file for `pickletools`, which would ask for as many bytes as a pickle claims to have."""

    def __init__(self, file: BufferedReader, size: int) -> None:
        self._file, self._size = file, size
        self.readline = file.readline

    def read(self, count: int) -> bytes:
        """So many bytes; raises RefusedError where the file has no more."""
        if count > SHORT_BYTES and count > self._size - self._file.tell():
            raise RefusedError("an instruction that is longer than the file")
        return self._file.read(count)
