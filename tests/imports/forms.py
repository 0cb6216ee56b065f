"""Files of each form as others write them, with the same rows: clips of 1, 3 and 2 rows."""

import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.imports.importing import Import
from pipeline.imports.series import Wanted
from tests.miniatures import write_csd

DIM = 5
IDS = ("video_a/1", "video_a/2", "video_b/10")
ROWS = {
    name: np.random.default_rng(rows).standard_normal((rows, DIM)).astype(np.float32)
    for name, rows in zip(IDS, (1, 3, 2), strict=True)
}
MOST = 7
"""Rows of a clip in what is padded."""


def pad(*, before: bool = False) -> np.ndarray:
    """Array `(clips, MOST, dim)`, zeros after each clip's rows, or before them."""
    padded = np.zeros((len(ROWS), MOST, DIM), np.float32)
    for entry, rows in zip(padded, ROWS.values(), strict=True):
        entry[slice(-len(rows), None) if before else slice(len(rows))] = rows
    return padded


def list_rows() -> tuple[list[str], np.ndarray]:
    """Id of each row, and the rows of all clips one after another."""
    ids = [name for name, rows in ROWS.items() for _ in rows]
    return ids, np.concatenate([*ROWS.values()])


def stretch(rows: np.ndarray) -> np.ndarray:
    """Seconds of rows that come four times a second."""
    starts = np.arange(len(rows)) / 4
    return np.stack([starts, starts + 0.25], axis=1)


def split_mmsa() -> dict[str, dict[str, Any]]:
    """As MMSA ships CMU-MOSI: each split a map of columns, arrays padded, ids with `$_$`."""
    padded, lengths = pad(), [len(rows) for rows in ROWS.values()]
    names = [name.replace("/", "$_$") for name in IDS]
    place = {"train": slice(0, 1), "valid": slice(1, 2), "test": slice(2, 3)}
    return {
        split: {
            "raw_text": np.array(["so it is"], object),
            "audio": padded[part],
            "vision": padded[part] * 0 + 3,
            "id": names[part],
            "audio_lengths": lengths[part],
            "vision_lengths": [MOST],
            "annotations": ["Positive"],
            "regression_labels": np.array([0.4]),
        }
        for split, part in place.items()
    }


def save_npy(path: Path) -> Path:
    np.save(path / "rows.npy", list_rows()[1])
    return path / "rows.npy"


def save_padded(path: Path) -> Path:
    np.save(path / "padded.npy", pad(before=True))
    return path / "padded.npy"


def save_npz(path: Path) -> Path:
    ids, rows = list_rows()
    np.savez(path / "rows.npz", ids=np.array(ids), embedding=rows)
    return path / "rows.npz"


def save_npz_by_clip(path: Path) -> Path:
    np.savez_compressed(path / "clips.npz", **ROWS)
    return path / "clips.npz"


def save_hdf5(path: Path) -> Path:
    with h5py.File(path / "clips.h5", "w") as file:
        for name, rows in ROWS.items():
            file.create_dataset(name, data=rows, compression="gzip")
    return path / "clips.h5"


def save_hdf5_columns(path: Path) -> Path:
    ids, rows = list_rows()
    with h5py.File(path / "columns.hdf5", "w") as file:
        file["id"] = ids
        file["features"] = rows
    return path / "columns.hdf5"


def save_csd(path: Path) -> Path:
    write_csd(path / "some.csd", "COVAREP", {n: (r, stretch(r)) for n, r in ROWS_FLAT.items()})
    return path / "some.csd"


ROWS_FLAT = {name.replace("/", "$_$"): rows for name, rows in ROWS.items()}
"""HDF5 would take `/` for groups within one another."""


def tabulate(*, nested: bool) -> pa.Table:
    """A clip a row, with a list of vectors; or a vector a row, with seconds."""
    if nested:
        listed = [rows.tolist() for rows in ROWS.values()]
        return pa.table({"id": [*ROWS], "features": listed})
    ids, rows = list_rows()
    seconds = np.concatenate([stretch(rows) for rows in ROWS.values()])
    columns = {f"feature_{number}": rows[:, number] for number in range(DIM)}
    times = {"start_seconds": seconds[:, 0], "end_seconds": seconds[:, 1]}
    return pa.table({"clip_id": ids, **times, **columns})


def save_parquet(path: Path) -> Path:
    pq.write_table(tabulate(nested=False), path / "wide.parquet")
    return path / "wide.parquet"


def save_nested_parquet(path: Path) -> Path:
    pq.write_table(tabulate(nested=True), path / "nested.parquet", row_group_size=2)
    return path / "nested.parquet"


def save_datasets(path: Path) -> Path:
    """A folder as `DatasetDict.save_to_disk` writes it."""
    table = tabulate(nested=True)
    for split, part in (("train", table[:2]), ("test", table[2:])):
        folder = path / "set" / split
        folder.mkdir(parents=True)
        (folder / "state.json").write_text(json.dumps({"_data_files": []}))
        with pa.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as sink:
            save_stream(sink, part)
        (folder / "cache-0123.arrow").write_bytes(b"what map has left")
    return path / "set"


def save_stream(sink: Any, table: pa.Table, compression: str | None = None) -> None:
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)


def save_mmsa(path: Path) -> Path:
    (path / "unaligned.pkl").write_bytes(pickle.dumps(split_mmsa(), protocol=4))
    return path / "unaligned.pkl"


def save_pickle(path: Path, protocol: int) -> Path:
    """Id → array of each modality."""
    found = {name: {"audio": rows, "text": "so it is"} for name, rows in ROWS.items()}
    (path / "clips.pickle").write_bytes(pickle.dumps(found, protocol=protocol))
    return path / "clips.pickle"


@dataclass(frozen=True)
class Form:
    """A file with the rows; `ids` are to be given, `timed` where it tells their seconds."""

    save: Callable[[Path], Path]
    ids: list[str] | None = None
    timed: bool = False
    padded: bool = False


FORMS = {
    "npy": Form(save_npy, ids=list_rows()[0]),
    "npy, padded": Form(save_padded, ids=[*IDS], padded=True),
    "npz": Form(save_npz),
    "npz by clip": Form(save_npz_by_clip),
    "hdf5": Form(save_hdf5),
    "hdf5, columns": Form(save_hdf5_columns),
    "csd": Form(save_csd, timed=True),
    "parquet": Form(save_parquet, timed=True),
    "parquet, nested": Form(save_nested_parquet),
    "datasets": Form(save_datasets),
    "pickled, MMSA": Form(save_mmsa, padded=True),
    **{
        f"pickled, protocol {number}": Form(lambda path, number=number: save_pickle(path, number))
        for number in range(6)
    },
}


def ask(ids: list[str] | None = None, key: str | None = None, **stated: Any) -> Import:
    """What is asked of a file of sound."""
    return Import(wanted=Wanted(modality="audio", key=key, ids=ids), **stated)
