"""Ways to damage a file, or to forge one: its bytes, what its JSON says, the cells of its table.

Each takes a random generator, and whatever it makes is made of that alone.
"""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

WORDS = (
    *("", " ", ".", "..", "../../stages/extract.py", "/etc/passwd", "none", "NaN", "a\nb", "=1+1"),
    *("<script>alert(1)</script>", "\x1b]0;title\x07", "\u202e", "é", "\0", "a" * 5000, "#", "{x}"),
)
NUMBERS = (
    *(0, 1, -1, 7, 255, 2**31, 2**53 + 1, 2**63, -(2**63), 10**30),
    *(0.5, -0.0, 1e-320, 1e308, float("nan"), float("inf"), -float("inf")),
)
OTHERS = (None, True, False, [], {}, [[]], {"": {}}, [None], [1, 2, 3])

Damage = Callable[[bytes, Random], bytes]


def flip_bits(data: bytes, rng: Random) -> bytes:
    """Some bits turned, more often few than many."""
    turned = np.frombuffer(data, np.uint8).copy()
    for place in rng.choices(range(len(data)), k=int(2 ** rng.uniform(0, 8))):
        turned[place] ^= 1 << rng.randrange(8)
    return turned.tobytes()


def cut(data: bytes, rng: Random) -> bytes:
    first, last = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return rng.choice((data[:first], data[first:last], data[:first] + data[last:]))


def repeat(data: bytes, rng: Random) -> bytes:
    first, last = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:last] + data[first:]


def blank(data: bytes, rng: Random) -> bytes:
    first, last = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:first] + bytes(last - first) + data[last:]


def insert_word(data: bytes, rng: Random) -> bytes:
    """A word, a number or a sign of the format where none was."""
    place = rng.randrange(len(data) + 1)
    word = rng.choice((*WORDS, *map(repr, NUMBERS), *"\"'{}[],:;\t\n&*!|>-%@`\ufeff"))
    return data[:place] + word.encode() + data[place + rng.choice((0, 0, len(word))) :]


def swap_lines(data: bytes, rng: Random) -> bytes:
    """A line in the place of another, or twice."""
    lines = data.splitlines(keepends=True)
    lines[rng.randrange(len(lines))] = rng.choice(lines)
    return b"".join(lines)


BYTES: tuple[Damage, ...] = (flip_bits, cut, repeat, blank)
TEXT: tuple[Damage, ...] = (*BYTES, insert_word, insert_word, swap_lines, swap_lines)


def damage_bytes(data: bytes, rng: Random) -> bytes:
    for _ in range(rng.randint(1, 2)):
        data = rng.choice(BYTES)(data, rng) or b"\0"
    return data


def damage_text(data: bytes, rng: Random) -> bytes:
    for _ in range(rng.randint(1, 3)):
        data = rng.choice(TEXT)(data, rng) or b"\n"
    return data


def damage_json(data: bytes, rng: Random) -> bytes:
    """Another value in one place or several, or a key that is not there or another."""
    tree = json.loads(data)
    for _ in range(rng.randint(1, 3)):
        tree = change_tree(tree, rng)
    return json.dumps(tree).encode()


def change_tree(tree: Any, rng: Random) -> Any:
    """`tree` with another value somewhere: a strange one, one from elsewhere in it, or none."""
    places = list(_list_places(tree))
    if not places or rng.randrange(20) == 0:
        return deepcopy(rng.choice(OTHERS))
    holder, key = rng.choice(places)
    match rng.randrange(5):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[rng.choice(WORDS)] = holder.pop(key)
        case 2:
            other, place = rng.choice(places)
            holder[key] = deepcopy(other[place])
        case _:
            holder[key] = deepcopy(rng.choice((*WORDS, *NUMBERS, *OTHERS)))
    return tree


def _list_places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Holder and key of every value within `tree`."""
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from _list_places(tree[key])


def damage_table(data: bytes, rng: Random) -> bytes:
    """A Parquet file of other cells, rows, columns or metadata, sound in itself."""
    table = pq.read_table(pa.BufferReader(data))
    for _ in range(rng.randint(1, 3)):
        table = rng.choice(TABLES)(table, rng)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, write_page_checksum=True)
    return bytes(sink.getvalue())


def change_cells(table: pa.Table, rng: Random) -> pa.Table:
    if not table.num_columns or not table.num_rows:
        return table
    place = rng.randrange(table.num_columns)
    field = table.schema.field(place)
    cells = table.column(place).to_pylist()
    for _ in range(rng.randint(1, 3)):
        row = rng.randrange(len(cells))
        strange = _strange(cells[row], rng)
        if pa.types.is_map(field.type) and strange == [None]:
            continue  # Arrow ends the process that makes such a map
        cells[row] = rng.choice((None, rng.choice(cells), strange))
    return _set_column(table, place, field, cells)


def _strange(cell: Any, rng: Random) -> Any:
    """What fits the type of a cell, and not its meaning."""
    match cell:
        case str():
            return rng.choice(WORDS)
        case bytes():
            return rng.choice((b"", damage_bytes(cell or b"\0", rng)))
        case bool():
            return not cell
        case int() | float():
            return rng.choice([number for number in NUMBERS if isinstance(number, type(cell))])
        case list():
            return rng.choice(
                ([], cell[:-1], cell * 2, [None], [_strange(one, rng) for one in cell])
            )
    return rng.choice((*WORDS, *NUMBERS, *OTHERS))


def change_type(table: pa.Table, rng: Random) -> pa.Table:
    if not table.num_columns:
        return table
    place = rng.randrange(table.num_columns)
    kind = rng.choice((pa.string(), pa.int64(), pa.float32(), pa.binary(), pa.list_(pa.string())))
    field = table.schema.field(place).with_type(kind)
    cells = table.column(place).to_pylist()
    cells = cells if rng.randrange(2) else [None] * len(cells)
    return _set_column(table, place, field, cells)


def _set_column(table: pa.Table, place: int, field: pa.Field, cells: list[Any]) -> pa.Table:
    """`table` with other cells in a column; as it is where they are not of the field's type."""
    try:
        return table.set_column(place, field, pa.array(cells, field.type))
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return table


def change_columns(table: pa.Table, rng: Random) -> pa.Table:
    if not table.num_columns:
        return table
    names = table.column_names
    place = rng.randrange(len(names))
    match rng.randrange(3):
        case 0:
            return table.drop_columns([names[place]]) if len(set(names)) == len(names) else table
        case 1:
            others = [*names[:place], rng.choice((*WORDS, *names)), *names[place + 1 :]]
            return table.rename_columns(others)
        case _:
            order = rng.sample(range(len(names)), len(names))
            return table.select(order)


def change_rows(table: pa.Table, rng: Random) -> pa.Table:
    """Rows left out, twice, in another order, or none."""
    count = table.num_rows
    order = [rng.randrange(count) for _ in range(rng.randrange(2 * count))] if count else []
    return table.take(pa.array(order, pa.int64()))


def change_metadata(table: pa.Table, rng: Random) -> pa.Table:
    found = dict(table.schema.metadata or {})
    if not found:
        return table
    key = rng.choice(list(found))
    found[key] = damage_json(found[key], rng)
    return table.replace_schema_metadata(found)


TABLES = (
    change_cells,
    change_cells,
    change_cells,
    change_rows,
    change_columns,
    change_type,
    change_metadata,
)
