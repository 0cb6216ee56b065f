"""Folders of Hugging Face `datasets`: Arrow streams as `save_to_disk` writes them, or Parquet.

All splits below the folder are read. What `map` has cached beside them (`cache-….arrow`) is not.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from pipeline.errors import StoreError
from pipeline.files import list_tree, open_regular
from pipeline.imports import parquet
from pipeline.imports.columns import read_batches
from pipeline.imports.series import Series, Wanted, limit_bytes

CACHED = "cache-"
"""How the names of files begin that are no part of the data set."""

COMPRESSION = 10
"""Byte at which the table of a record batch says where its compression is told: the fourth field
of `RecordBatch` in Arrow's Message.fbs, after two numbers of two bytes each."""


def read(path: Path, wanted: Wanted) -> Iterator[Series]:
    """Series of all files of the folder; raises StoreError for none, or a link in it.

    A folder of somebody's may come with links to any table of this machine; and what else it has is
    digested, and says how much it may unpack to.
    """
    _, *found = list_tree(path)
    if links := sorted(file for file in found if file.is_symlink()):
        raise StoreError(
            f"{links[0]}: expected a file of the folder, got a link; put the file there if it is "
            f"meant"
        )
    tables = (file for file in found if file.suffix in (".arrow", ".parquet"))
    files = sorted(file for file in tables if not file.name.startswith(CACHED))
    if not files:
        raise StoreError(
            f"{path}: expected a folder as `save_to_disk` writes it, with files .arrow or "
            f".parquet, found none; name another"
        )
    for file in files:
        if file.suffix == ".parquet":
            yield from parquet.read(file, wanted)
        else:
            yield from read_batches(str(file), _read_stream(file), wanted, limit_bytes(file))


def _read_stream(path: Path) -> Iterator[pa.RecordBatch]:
    """Batches of an Arrow stream; raises StoreError where it is none, or is packed.

    `save_to_disk` packs nothing, and what is packed may unpack to any size.
    """
    try:
        with open_regular(path), pa.memory_map(str(path)) as source:
            for message in pa.ipc.MessageReader.open_stream(source):
                if message.type in ("record batch", "dictionary") and _is_packed(message):
                    raise ValueError("it is packed; save it without compression")
            source.seek(0)
            for batch in pa.ipc.open_stream(source):
                batch.validate(full=True)
                yield batch
    except (pa.ArrowException, OSError, ValueError, struct.error) as error:
        raise StoreError(f"{path}: not a readable stream of Arrow ({error})") from error


def _is_packed(message: pa.Message) -> bool:
    """Whether the record batch of a message says that it is compressed.

    Fields are found as FlatBuffers lays them: a table begins with the way back to the list of
    where its fields are.
    """
    data = message.metadata.to_pybytes()
    batch = _find_field(data, struct.unpack_from("<I", data)[0], 8)
    if batch and message.type == "dictionary":
        batch = _find_field(data, batch, 6)
    return bool(batch and _find_field(data, batch, COMPRESSION))


def _find_field(data: bytes, table: int, field: int) -> int:
    """Place of what a field of the table at `table` leads to, 0 where it has none."""
    fields = table - struct.unpack_from("<i", data, table)[0]
    if fields < 0 or field >= struct.unpack_from("<H", data, fields)[0]:
        return 0
    offset = struct.unpack_from("<H", data, fields + field)[0]
    if not offset:
        return 0
    return int(table + offset + struct.unpack_from("<I", data, table + offset)[0])
