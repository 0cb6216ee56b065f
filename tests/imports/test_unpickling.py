"""Pickles are read by a machine that builds arrays, texts and containers, and nothing else."""

import builtins
import functools
import operator
import os
import pickle
import resource
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.errors import StoreError
from pipeline.imports.unpickling import Array, load_pickle

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
BOUND = 2_000_000_000
"""Bytes that no attack may take."""


class Call:
    """What a pickle has called when it is loaded."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.made = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.made


def load(data: bytes, folder: Path) -> Any:
    (folder / "some.pkl").write_bytes(data)
    return load_pickle(folder / "some.pkl")


def unwrap(value: Any) -> Any:
    if isinstance(value, Array):
        return unwrap(value.make())
    if isinstance(value, dict):
        return {name: unwrap(one) for name, one in value.items()}
    return [unwrap(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_texts_and_containers_come_back(protocol: int, tmp_path: Path) -> None:
    saved = {
        "rows": np.arange(30, dtype=">f4").reshape(2, 3, 5),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "names": np.array(["a", "çé"]),
        "texts": np.array(["so", None], object),
        "map": OrderedDict(a=[1, -(2**40), 0.5, True, None, "text", b"\x00\xff"]),
        "counted": defaultdict(list, b=[np.float32(0.25), np.int64(7)]),
        "pair": (1, (2, 3, 4, 5)),
    }
    found = unwrap(load(pickle.dumps(saved, protocol=protocol), tmp_path))
    for name in ("rows", "fortran", "names"):
        np.testing.assert_array_equal(found.pop(name), saved.pop(name))
    assert found == {**saved, "texts": ["so", None]}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=arrays.arrays(
        dtype=st.one_of(arrays.floating_dtypes(), arrays.integer_dtypes(), arrays.boolean_dtypes()),
        shape=arrays.array_shapes(min_dims=0, max_dims=4, min_side=0),
    ),
    protocol=st.sampled_from(PROTOCOLS),
)
def test_any_array_comes_back(values: np.ndarray, protocol: int, tmp_path: Path) -> None:
    found = unwrap(load(pickle.dumps({"rows": values}, protocol=protocol), tmp_path))["rows"]
    assert (found.dtype, found.shape) == (values.dtype, values.shape)
    np.testing.assert_array_equal(found, values)


def write_python_2() -> bytes:
    """As Python 2 and NumPy 1 pickled `np.array([1., 2.])`: bytes are text."""
    return (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89U\x08\x00\x00\x80\x3f\x00\x00\x00\x40tb."
    )


def test_python_2_is_read(tmp_path: Path) -> None:
    np.testing.assert_array_equal(load(write_python_2(), tmp_path).make(), [1, 2])


def harm(path: Path) -> dict[str, Any]:
    """Attack → what it pickles; each would make the file `path`, or run something else."""
    make = f"open({str(path)!r}, 'w')"
    return {
        "os.system": Call(os.system, f"touch {path}"),
        "eval": Call(eval, make),
        "exec": Call(exec, make),
        "getattr": Call(getattr, os, "system"),
        "import": Call(builtins.__import__, "os"),
        "open": Call(open, str(path), "w"),
        "partial": Call(functools.partial, os.system, f"touch {path}"),
        "attrgetter": Call(operator.attrgetter("system"), os),
        "objects": np.array([Call(os.system, f"touch {path}")], object),
        "in a map": {"id": ["a"], "audio": Call(eval, make)},
        "load": Call(np.load, str(path), None, True),
        "bytearray": Call(bytearray, 2**40),
        "class": Path(path),
    }


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("attack", harm(Path("x")))
def test_what_else_a_pickle_names_is_refused(attack: str, protocol: int, tmp_path: Path) -> None:
    marked = tmp_path / "harmed"
    with pytest.raises(StoreError, match=r"arrays, texts and containers alone, got \w+(\.\w+)+, "):
        load(write_attack(harm(marked)[attack], protocol), tmp_path)
    assert not marked.exists()


def write_attack(value: Any, protocol: int) -> bytes:
    """Pickle of `value`, in which a module stands for what imports it."""

    class Pickler(pickle.Pickler):
        def reducer_override(self, one: Any) -> Any:
            return (__import__, ("os",)) if one is os else NotImplemented

    class Sink:
        data = b""

        def write(self, data: bytes) -> None:
            self.data += bytes(data)

    sink = Sink()
    Pickler(sink, protocol).dump(value)  # type: ignore[arg-type]
    return sink.data


def proto(body: bytes) -> bytes:
    return b"\x80\x04" + body + b"."


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
NDARRAY = b"cnumpy\nndarray\n"
FLOAT = b"cnumpy\ndtype\n\x8c\x02f8\x89\x88\x87R"
TERABYTE = b"\x8a\x06\x00\x00\x00\x00\x00\x01"

BOMBS = {
    "a state of a shape": proto(
        RECONSTRUCT
        + NDARRAY
        + b"K\x00\x85C\x01b\x87R(K\x01"
        + TERABYTE
        + b"\x85"
        + FLOAT
        + b"\x89C\x00tb"
    ),
    "texts of no letters without end": proto(
        RECONSTRUCT
        + NDARRAY
        + b"K\x00\x85C\x01b\x87R(K\x01"
        + TERABYTE
        + b"\x85cnumpy\ndtype\n\x8c\x02U0\x89\x88\x87R\x89C\x00tb"
    ),
    "an axis beyond others of none": proto(
        RECONSTRUCT
        + NDARRAY
        + b"K\x00\x85C\x01b\x87R(K\x01K\x00"
        + TERABYTE
        + TERABYTE
        + b"\x87"
        + FLOAT
        + b"\x89C\x00tb"
    ),
    "ndarray called": proto(NDARRAY + TERABYTE + b"\x85\x85R"),
    "dtype of gigabytes": proto(b"cnumpy\ndtype\n\x8c\x0bS9999999999\x85R"),
    "bytes beyond the file": proto(b"\x8e" + (2**40).to_bytes(8, "little") + b"x"),
    "a memo of gigabytes": proto(b"]r\xff\xff\xff\xffa"),
    "encoded again and again": proto(
        b"c_codecs\nencode\nq\x000X"
        + (10**6).to_bytes(4, "little")
        + b"a" * 10**6
        + b"q\x010("
        + b"h\x00h\x01\x85R" * 20_000
        + b"l"
    ),
    "copied again and again": proto(
        b"cbuiltins\nlist\nq\x000]q\x01("
        + b"K\x01" * 10**5
        + b"e0("
        + b"h\x00h\x01\x85R" * 50_000
        + b"l"
    ),
    "texts as the bytes of arrays again and again": proto(
        b"X"
        + (10**6).to_bytes(4, "little")
        + b"a" * 10**6
        + b"q\x00cnumpy\ndtype\n\x8c\x02u1\x89\x88\x87Rq\x01"
        + RECONSTRUCT
        + b"q\x02(K\x01J"
        + (10**6).to_bytes(4, "little")
        + b"\x85h\x01\x89h\x00tq\x03("
        + b"h\x02)Rh\x03b" * 10_000
        + b"l"
    ),
    "a type called by what doubles": proto(b"cnumpy\ndtype\nN" + b"2\x86" * 40 + b"\x85R"),
    "an encoding called by what doubles": proto(
        b"c_codecs\nencode\n\x8c\x01aN" + b"2\x86" * 40 + b"\x86R"
    ),
    "a name that doubles": proto(b"N" + b"2\x86" * 40 + b"N\x93"),
    "a type called by a deep tuple": proto(b"cnumpy\ndtype\n)" + b"\x85" * 10**5 + b"\x85R"),
    "a size that no type has": proto(b"cnumpy\ndtype\n\x8c\x02b2\x89\x88\x87R"),
    "a number of many digits": proto(b"\x8b" + (10**6).to_bytes(4, "little") + b"\x7f" * 10**6),
    "a map by a deep tuple": proto(b"}" + b")" + b"\x85" * 10**5 + b"K\x01s"),
    "a name changed": proto(b"c_codecs\nencode\nN}\x8c\x0c__defaults__)s\x86b"),
    "a method of an array": proto(RECONSTRUCT + NDARRAY + b"K\x00\x85C\x01b\x87R)R"),
    "an extension": proto(b"\x82\x01"),
    "a persistent id": b"Px\n.",
    "an instance": b"(ios\nsystem\n.",
    "an object": proto(b"(cos\nsystem\n\x8c\x01xo"),
    "nothing on the stack": proto(b"R"),
    "a mark that is not there": proto(b"t"),
    "an escape that is none": b"S'\\q'\n.",
    "cut short": b"\x80\x04]q",
    "no pickle": b"PK\x03\x04 and more",
    "nothing": b"",
}
"""What no pickle of arrays says: it would take memory or time, or change what others call."""


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_refused_before_they_take_memory(bomb: str, tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(StoreError, match=r"some\.pkl: (expected a pickle|not a readable pickle)"):
        load(BOMBS[bomb], tmp_path)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < BOUND


IGNORED = {
    "a shape without values": proto(RECONSTRUCT + NDARRAY + TERABYTE + b"\x85C\x01b\x87R"),
    "a frame beyond the file": b"\x80\x04\x95" + (2**62).to_bytes(8, "little") + b"].",
}
"""What Python's own unpickler would take memory for."""


@pytest.mark.parametrize("claim", IGNORED)
def test_what_a_pickle_claims_takes_no_memory(claim: str, tmp_path: Path) -> None:
    assert len(unwrap(load(IGNORED[claim], tmp_path))) == 0


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_told_or_harmless(data: st.DataObject, tmp_path: Path) -> None:
    whole = bytearray(pickle.dumps({"id": ["a"], "audio": np.ones((1, 2, 3))}, protocol=4))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(StoreError):
        load(bytes(whole), tmp_path)
