"""What an import refuses, in a sentence, and what it tells of what it left out."""

import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import limits
from pipeline.errors import StoreError
from pipeline.imports import datasets, parquet, pickled
from pipeline.imports.importing import import_features
from pipeline.store.reader import open_features
from tests.imports.forms import DIM, ROWS, ask, save_stream, split_mmsa, tabulate
from tests.imports.test_ids import make_clips
from tests.miniatures import write_csd

ONES = np.ones((2, 3), np.float32)


def save_npz(path: Path, **arrays: Any) -> Path:
    np.savez(path / "some.npz", **arrays)
    return path / "some.npz"


def save_pickle(path: Path, value: Any) -> Path:
    (path / "some.pkl").write_bytes(pickle.dumps(value))
    return path / "some.pkl"


def save_table(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path / "some.parquet")
    return path / "some.parquet"


def link_elsewhere(path: Path, how: str) -> Path:
    """HDF5 whose array `b` lies in another file, or is a group within itself."""
    with h5py.File(path / "secret.h5", "w") as file:
        file["b"] = ONES
    with h5py.File(path / "some.h5", "w") as file:
        file["a"] = ONES
        if how == "external":
            file["b"] = h5py.ExternalLink("secret.h5", "b")
        elif how == "soft":
            file["b"] = h5py.SoftLink("a")
        elif how == "raw":
            file.create_dataset("b", (2, 3), "f4", external=[(str(path / "secret.h5"), 0, 24)])
        elif how == "virtual":
            layout = h5py.VirtualLayout((2, 3), "f4")
            layout[:] = h5py.VirtualSource(path / "secret.h5", "b", (2, 3))
            file.create_virtual_dataset("b", layout)
        else:
            file["b/again"] = file["/"]
    return path / "some.h5"


def save_vast(path: Path) -> Path:
    """HDF5 of a terabyte that was never written."""
    with h5py.File(path / "some.h5", "w") as file:
        file.create_dataset("a", (2**37, 2), "f4", chunks=(2**10, 2))
    return path / "some.h5"


def save_claim(path: Path) -> Path:
    """An array of a terabyte in a zip file, by its header."""
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (137438953472, 2), }"
    header = header.ljust(117) + b"\n"
    return zip_array(path, write_header(header))


def write_header(header: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def write_shape(shape: str, dtype: str = "<f4") -> bytes:
    """Header of an array, which has no values."""
    told = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}\n"
    return write_header(told.encode())


def zip_array(path: Path, data: bytes, packing: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path / "some.npz", "w", packing) as archive:
        archive.writestr("a.npy", data)
    return path / "some.npz"


def save_long_header(path: Path) -> Path:
    """An array whose header has, it says, two gigabytes, in 200 kB of a zip file."""
    start = b"\x93NUMPY\x02\x00" + (2**31).to_bytes(4, "little")
    return zip_array(path, start + b" " * 2**27, zipfile.ZIP_DEFLATED)


def damage_lzma(path: Path) -> Path:
    path = zip_array(path, write_shape("(1,)"), zipfile.ZIP_LZMA)
    data = path.read_bytes()
    place = data.index(b"a.npy") + 9
    path.write_bytes(data[:place] + b"\xff" + data[place + 1 :])
    return path


def save_chunk(path: Path, chunk: tuple[int, int], size: int) -> Path:
    """HDF5 of four numbers, in a packed chunk that holds `size` bytes."""
    with h5py.File(path / "some.h5", "w") as file:
        made = file.create_dataset(
            "a", (1, 4), "f4", maxshape=(None, 4), chunks=chunk, compression="gzip"
        )
        packer = zlib.compressobj(1)
        parts = [packer.compress(bytes(2**24)) for _ in range(size // 2**24)]
        made.id.write_direct_chunk((0, 0), b"".join([*parts, packer.flush()]))
    return path / "some.h5"


def save_within(path: Path) -> Path:
    """HDF5 of rows with text of any length in each."""
    with h5py.File(path / "some.h5", "w") as file:
        file["a"] = np.array([("x",)], np.dtype([("text", h5py.string_dtype())]))
    return path / "some.h5"


def save_other_axes(path: Path) -> Path:
    """HDF5 of one axis, by a changed byte, in chunks of two."""
    with h5py.File(path / "some.h5", "w") as file:
        file.create_dataset("a", data=np.ones((3, 5), "f4"), compression="gzip")
    data = bytearray((path / "some.h5").read_bytes())
    sizes = (3).to_bytes(8, "little") + (5).to_bytes(8, "little")
    data[data.index(sizes) - 7] = 1  # behind the version, before flags and five bytes of nothing
    (path / "some.h5").write_bytes(data)
    return path / "some.h5"


def save_endless_texts(path: Path) -> Path:
    """HDF5 of texts whose place has free space of no size."""
    with h5py.File(path / "some.h5", "w") as file:
        file["id"] = ["a", "b"]
        file["x"] = ONES
    data = bytearray((path / "some.h5").read_bytes())
    free = data.index(b"GCOL") + 16 + 2 * 24
    data[free + 8 : free + 16] = bytes(8)
    (path / "some.h5").write_bytes(data)
    return path / "some.h5"


def save_scaled(path: Path) -> Path:
    with h5py.File(path / "some.h5", "w") as file:
        file.create_dataset("a", data=np.ones((2, 3), int), chunks=(2, 3), scaleoffset=0)
    return path / "some.h5"


def save_arrow(path: Path, *columns: pa.Array, names: Sequence[str] = ("id", "x")) -> Path:
    (path / "set").mkdir()
    with pa.OSFile(str(path / "set" / "data.arrow"), "wb") as sink:
        save_stream(sink, pa.Table.from_arrays(columns, names))
    return path / "set"


def save_other_name(path: Path) -> Path:
    """A data set with a column whose name is no UTF-8."""
    folder = save_arrow(path, pa.array(["a"]), pa.array([0.5]), names=["id", "xyzzy"])
    file = folder / "data.arrow"
    file.write_bytes(file.read_bytes().replace(b"xyzzy", b"xyz\xffy"))
    return folder


def name_once(path: Path) -> Path:
    """A data set whose one id, of megabytes, stands for a billion rows."""
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([10**9], pa.int32()), pa.array(["a" * 10**6]))
    return save_arrow(path, runs, pa.nulls(10**9))


def save_blanks(path: Path) -> Path:
    """Parquet of 150 million rows that hold nothing."""
    with pq.ParquetWriter(path / "some.parquet", pa.schema([("id", pa.null())])) as writer:
        for _ in range(2):
            writer.write_table(pa.table({"id": pa.nulls(75_000_000)}), row_group_size=75_000_000)
    return path / "some.parquet"


def save_packed(path: Path) -> Path:
    (path / "set").mkdir()
    with pa.OSFile(str(path / "set" / "data.arrow"), "wb") as sink:
        save_stream(sink, tabulate(nested=True), "zstd")
    return path / "set"


def save_text(path: Path, name: str) -> Path:
    (path / name).write_text("nothing of the kind")
    return path / name


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "NaN": (lambda p: save_npz(p, a=ONES * np.nan), r"a: expected finite numbers, got 6 of 6"),
    "beyond float32": (
        lambda p: save_npz(p, a=np.full((2, 3), 1e300)),
        "6 of 6 that are NaN, infinite or",
    ),
    "text": (
        lambda p: save_npz(p, a=np.array([["x"]])),
        "a: expected numbers in each row, got <U1",
    ),
    "objects": (lambda p: save_npz(p, a=np.array([[{}]])), "expected numbers or text, got object"),
    "other shape": (
        lambda p: save_npz(p, a=ONES, b=ONES[:, :2]),
        r"b: expected rows of shape \(3,\), as the first has them, got \(2,\)",
    ),
    "several arrays": (
        lambda p: save_npz(p, id=np.array(["a", "b"]), x=ONES, y=ONES),
        "expected one array of features, got x, y; name one by --key",
    ),
    "twice": (
        lambda p: save_npz(p, id=np.array(["a", "b", "a"]), x=np.ones((3, 2))),
        "a: expected rows of a once, got them again",
    ),
    "wrong lengths": (
        lambda p: save_pickle(p, {"id": ["a"], "audio": np.ones((1, 3, 2)), "audio_lengths": [2]}),
        "a: expected 2 rows, as its lengths have it, and zeros after them",
    ),
    "padding alone": (
        lambda p: save_pickle(p, {"id": ["a"], "audio": np.zeros((1, 3, 2))}),
        "expected rows of clips, got padding alone",
    ),
    "no map": (lambda p: save_pickle(p, ["a"]), "expected a map of arrays, got list"),
    "maps": (
        lambda p: save_pickle(p, {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {}}}}}}}}}),
        "expected at most 8 maps within one another",
    ),
    "labels": (
        lambda p: save_table(p, id=["a"], x=[0.5], valence=[0.5], fold=[1]),
        "expected columns of features alone, got valence, fold, of which a head would read",
    ),
    "lists in lists": (lambda p: save_pickle(p, {"a": [[1, 2], [3, 4]]}), "a: expected rows"),
    "words for lengths": (
        lambda p: save_pickle(p, {"id": ["a"], "text": np.ones((1, 3, 2)), "text_lengths": ["x"]}),
        "text_lengths: expected whole numbers, got others",
    ),
    "endless lengths": (
        lambda p: save_pickle(
            p, {"id": ["a"], "text": np.ones((1, 3, 2)), "text_lengths": [float("inf")]}
        ),
        "text_lengths: expected whole numbers, got others",
    ),
    "a map for lengths": (
        lambda p: save_pickle(p, {"id": ["a"], "text": np.ones((1, 3, 2)), "text_lengths": {}}),
        "expected an array, got names below one",
    ),
    "a number alone": (lambda p: save_npz(p, fps=np.array(25.0)), "fps: expected rows of numbers"),
    "times of few": (
        lambda p: save_pickle(p, {"a": {"features": np.ones((4, 2)), "intervals": ONES[:, :2]}}),
        r"a: expected when each of 4 rows begins and ends, \(4, 2\), got \(",
    ),
    "external": (lambda p: link_elsewhere(p, "external"), "expected b in this file, got a link"),
    "soft": (lambda p: link_elsewhere(p, "soft"), "expected b in this file, got a link elsewhere"),
    "raw": (lambda p: link_elsewhere(p, "raw"), "expected b as a dataset of this file"),
    "virtual": (lambda p: link_elsewhere(p, "virtual"), "expected b as a dataset of this file"),
    "circle": (lambda p: link_elsewhere(p, "circle"), "expected each group once, got /b/again"),
    "vast": (save_vast, "expected /a of at most [0-9,]+ bytes, got more"),
    "claim": (save_claim, "a.npy: expected what unpacks to at most 1.0 GB, got 1,024.0 GB"),
    "rows of nothing": (
        lambda p: zip_array(p, write_shape("(1099511627776, 0)")),
        r"a: expected numbers in each row, got float32 of shape \(0,\)",
    ),
    "padded rows of nothing": (
        lambda p: save_pickle(p, {"id": ["a"], "audio": np.zeros((1, 2**40, 0))}),
        r"a: expected numbers in each row, got float64 of shape \(0,\)",
    ),
    "padded without rows": (
        lambda p: save_pickle(p, {"id": ["a"], "audio": np.zeros((1, 0, 5))}),
        "expected rows of clips, got padding alone",
    ),
    "long header": (save_long_header, "array header, expected 2147483648 bytes got"),
    "signs for a shape": (
        lambda p: zip_array(p, write_shape(f"({'-' * 9000}1,)")),
        "not a readable file of arrays",
    ),
    "a shape beyond": (
        lambda p: zip_array(p, write_shape(f"(0, {2**70})")),
        "not a readable file of arrays",
    ),
    "no type": (
        lambda p: zip_array(p, write_shape("(1099511627776,)", "|V0")),
        r"expected numbers or text, got \|V0",
    ),
    "damaged LZMA": (damage_lzma, "not a readable file of arrays"),
    "a chunk of gigabytes": (
        lambda p: save_chunk(p, (2**27, 4), 2**24),
        "expected chunks of at most [0-9,]+ bytes in /a, got more",
    ),
    "more than a chunk": (
        lambda p: save_chunk(p, (1, 4), 2**29),
        "expected chunks of 16 bytes in /a, got more",
    ),
    "chunks of other axes": (save_other_axes, "expected chunks of 1 axes in /a, got "),
    "endless texts": (save_endless_texts, "expected texts in their places, got a damaged one"),
    "texts within": (save_within, "expected /a as numbers or text"),
    "scaled": (save_scaled, "expected /a packed by gzip or LZF alone, got others"),
    "no Unicode": (lambda p: save_pickle(p, {"a\udce9": ONES}), "expected an id in Unicode"),
    "no letters": (
        lambda p: save_pickle(p, {"id": np.array([2**21], "<u4").view("<U1"), "x": ONES[:1]}),
        "id: expected ids in Unicode, got others",
    ),
    "a text and a number": (
        lambda p: save_pickle(p, {1: ONES, "1": ONES}),
        "expected 1 once, got it as '1' as well",
    ),
    "times beyond": (
        lambda p: save_table(p, id=["a"], start_seconds=[-1e308], end_seconds=[1e308], x=[0.5]),
        r"a: expected seconds of each row up to 1e\+09, got more",
    ),
    "complex times": (
        lambda p: (
            write_csd(p / "some.csd", "X", {"a": (ONES, np.zeros((2, 2), complex))}),
            p / "some.csd",
        )[1],
        r"a: expected a stretch of each row, got \(2, 3\) and complex128",
    ),
    "a column twice": (
        lambda p: save_arrow(p, pa.array(["a"]), pa.array([1]), pa.array([2]), names="ixx"),
        "expected each column once, got a name again",
    ),
    "a name of other bytes": (save_other_name, "expected names of columns in UTF-8"),
    "blank ids": (
        lambda p: save_arrow(p, pa.nulls(2**31 - 1), pa.nulls(2**31 - 1)),
        "id: expected ids as text or whole numbers, got null",
    ),
    "an id of a billion rows": (name_once, "id: expected ids as text or whole numbers, got run_"),
    "an id of a book": (
        lambda p: save_arrow(p, pa.array(["a" * 5000]).dictionary_encode(), pa.array([1])),
        "id: expected ids of at most 4,096 letters, got more",
    ),
    "blank rows": (save_blanks, "expected a table that unpacks to at most 1.0 GB, got more"),
    "packed": (save_packed, "it is packed; save it without compression"),
    "no files": (lambda p: p, "expected a folder as `save_to_disk` writes it"),
    "no ids": (
        lambda p: save_table(p, name=["a"], x=[0.5]),
        r"expected a column of ids \(clip_id, clip_ids, id, ids\), got name, x; rename one",
    ),
    "blanks": (lambda p: save_table(p, id=["a", "b"], x=[0.5, None]), "got double with 1 blanks"),
    "ragged": (
        lambda p: save_table(p, id=["a"], x=[[[0.5], [1.0, 2.0]]]),
        r"expected vectors of one length, got \[1, 2\]",
    ),
    "half a time": (
        lambda p: save_table(p, id=["a"], start_seconds=[0.5], x=[0.5]),
        "expected start_seconds and end_seconds, got one of them",
    ),
    "npy without ids": (
        lambda p: (np.save(p / "a.npy", ONES), p / "a.npy")[1],
        "expected the ids of its entries, got none; name them by --ids",
    ),
    "no form": (lambda p: save_text(p, "some.mat"), r"expected a file that ends with \.csd"),
    "absent": (lambda p: p / "some.npz", "some.npz: no such file"),
    **{
        f"no {suffix}": (lambda p, suffix=suffix: save_text(p, f"some.{suffix}"), "not a readable")
        for suffix in ("npz", "h5", "csd", "parquet", "pkl")
    },
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_imported_is_told(case: str, tmp_path: Path) -> None:
    save, told = REFUSED[case]
    (tmp_path / "in").mkdir()
    path = save(tmp_path / "in")
    with pytest.raises(StoreError, match=told):
        import_features([path], tmp_path / "out", ask())
    assert not (tmp_path / "out").exists()


NO_ARRAYS = {
    "a zip file": b"PK\x03\x04",
    "a truth for an axis": write_shape("(True, 3)") + bytes(64),
    "more than is counted": write_shape(f"({2**70},)") + bytes(64),
    "more than memory": write_shape(f"(1, {2**62})") + bytes(64),
    "a text without end": write_header(b"{'descr': '<f4'L, 'fortran_order': ((\n"),
    "signs": write_shape(f"({'-' * 9000}1,)"),
    "sums": write_shape(f"({'1+' * 4000}1,)"),
}


@pytest.mark.parametrize("case", NO_ARRAYS)
def test_what_is_no_array_is_told(case: str, tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(NO_ARRAYS[case])
    with pytest.raises(StoreError, match=r"a\.npy: not a readable array of numbers"):
        import_features([tmp_path / "a.npy"], tmp_path / "out", ask(["a"]))


def test_ids_may_be_a_dictionary(tmp_path: Path) -> None:
    ids = pa.array(["b", "a"]).dictionary_encode()
    import_features([save_arrow(tmp_path, ids, pa.array([1, 2]))], tmp_path / "out", ask())
    assert open_features(tmp_path / "out")["b"].embedding.tolist() == [[1]]


def test_a_name_of_other_bytes_is_written_in_escapes(tmp_path: Path) -> None:
    path = save_npz(tmp_path, a=ONES).rename(tmp_path / "caf\udce9.npz")
    import_features([path], tmp_path / "out", ask())
    (file,) = open_features(tmp_path / "out").provenance["settings"]["files"]
    assert file["name"] == r"caf\udce9.npz"


def test_ids_must_be_as_many_as_entries(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ONES)
    with pytest.raises(StoreError, match="expected 1 entries, one for each id, got 2"):
        import_features([tmp_path / "a.npy"], tmp_path / "out", ask(["a"]))


def test_a_number_may_stand_for_what_is_not_finite(tmp_path: Path) -> None:
    path = save_npz(tmp_path, a=np.array([[1.0, -np.inf], [np.nan, 2.0]]))
    found = import_features([path], tmp_path / "out", ask(fill=0.0))
    assert found.filled == 2
    store = open_features(tmp_path / "out")
    np.testing.assert_array_equal(store["a"].embedding, [[1, 0], [0, 2]])
    assert store.provenance["settings"]["fill"] == 0.0


def test_a_key_names_the_array(tmp_path: Path) -> None:
    saved = {name: {"audio": rows, "vision": rows + 1} for name, rows in ROWS.items()}
    import_features([save_pickle(tmp_path, saved)], tmp_path / "out", ask(key="vision"))
    for clip_id, rows in ROWS.items():
        np.testing.assert_array_equal(open_features(tmp_path / "out")[clip_id].embedding, rows + 1)
    with pytest.raises(StoreError, match="no array 'visoin'; did you mean 'vision'"):
        import_features([tmp_path / "some.pkl"], tmp_path / "out", ask(key="visoin"))


def test_several_files_are_one_set(tmp_path: Path) -> None:
    paths = []
    for split, columns in split_mmsa().items():
        (tmp_path / split).mkdir()
        paths.append(save_pickle(tmp_path / split, columns))
    found = import_features(paths, tmp_path / "out", ask())
    assert (found.clips, found.row_shape) == (len(ROWS), (DIM,))
    with pytest.raises(StoreError, match="got them again"):
        import_features([paths[0], *paths], tmp_path / "again", ask())


def test_what_the_corpus_lacks_and_what_the_file_lacks_are_told(tmp_path: Path) -> None:
    path = save_npz(tmp_path, **{"a/1": ONES, "a/2": ONES, "b/1": ONES})
    clips = make_clips("mosi/a/1", "mosi/a/2", "mosi/a/3")
    found = import_features([path], tmp_path / "out", ask(), clips)
    assert list(open_features(tmp_path / "out")) == ["mosi/a/1", "mosi/a/2"]
    assert (found.strange, found.lacking) == (["b/1"], ["mosi/a/3"])


def test_ids_that_are_no_clips_at_all_are_shown_beside_those_that_are(tmp_path: Path) -> None:
    path = save_npz(tmp_path, **{f"x{number}": ONES for number in range(5)})
    clips = make_clips(*(f"mosi/a/{number}" for number in range(5)))
    told = "such as mosi/a/0, mosi/a/1, mosi/a/2, got x0, x1, x2; none is the same"
    with pytest.raises(StoreError, match=told):
        import_features([path], tmp_path / "out", ask(), clips)


def test_a_rate_is_for_rows_without_seconds(tmp_path: Path) -> None:
    timed = {"a": {"features": np.ones((2, 3)), "intervals": np.array([[0.0, 1.0], [1.0, 2.0]])}}
    with pytest.raises(StoreError, match="and --rate for those without alone, got others"):
        import_features([save_pickle(tmp_path, timed)], tmp_path / "out", ask(rate_hz=2.0))
    mixed = {**timed, "b": np.ones((2, 3))}
    with pytest.raises(StoreError, match="b: expected seconds of all rows or of none"):
        import_features([save_pickle(tmp_path, mixed)], tmp_path / "out", ask())


def test_seconds_of_another_clock_are_refused(tmp_path: Path) -> None:
    timed = {"mosi/a/1": {"features": np.ones((1, 3)), "intervals": np.array([[0.0, 3.0]])}}
    clips = make_clips("mosi/a/1", stretches={"mosi/a/1": (100.0, 103.0)})
    with pytest.raises(StoreError, match="begins at 100 s, got none after 3 s"):
        import_features([save_pickle(tmp_path, timed)], tmp_path / "out", ask(), clips)


def test_videos_are_found_where_groups_begin_with_their_corpus(tmp_path: Path) -> None:
    rows = np.arange(8.0)[:, None]
    write_csd(tmp_path / "some.csd", "COVAREP", {"abc": (rows, [[n, n + 1] for n in range(8)])})
    clips = make_clips("mosei/abc/000", stretches={"mosei/abc/000": (1.0, 3.0)})
    joined = {name: replace(clip, group=f"mosei/{clip.group}") for name, clip in clips.items()}
    import_features([tmp_path / "some.csd"], tmp_path / "out", ask(), joined)
    assert open_features(tmp_path / "out")["mosei/abc/000"].embedding.ravel().tolist() == [1, 2]


def test_sequences_of_videos_are_cut_by_the_segments_of_the_corpus(tmp_path: Path) -> None:
    rows = np.arange(8.0)[:, None]
    write_csd(tmp_path / "some.csd", "COVAREP", {"abc": (rows, [[n, n + 1] for n in range(8)])})
    stretches = {"mosei/abc/000": (1.0, 3.0), "mosei/abc/001": (5.0, 6.0)}
    clips = make_clips(*stretches, stretches=stretches)
    import_features([tmp_path / "some.csd"], tmp_path / "out", ask(), clips)
    store = open_features(tmp_path / "out")
    assert store["mosei/abc/000"].embedding.ravel().tolist() == [1, 2]
    assert store["mosei/abc/000"].start_seconds.tolist() == [0, 1]
    assert store["mosei/abc/001"].embedding.ravel().tolist() == [5]


def test_one_list_under_many_names_takes_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pickled, "MOST_PICKLED", 10**5)
    path = save_pickle(tmp_path, {"a": [[0.5] * 10_000] * 1_000})
    with pytest.raises(StoreError, match="expected lists of at most 100,000 items in all"):
        import_features([path], tmp_path / "out", ask())


def test_small_numbers_are_counted_as_they_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "UNPACKED_BYTES", 2**20)
    path = tmp_path / "some.npz"
    np.savez_compressed(path, a=np.zeros((1000, 1000), np.uint8))
    with pytest.raises(StoreError, match="expected what unpacks to at most"):
        import_features([path], tmp_path / "out", ask())


def save_shared(path: Path, columns: int, rows: int) -> Path:
    """Stream of Arrow whose columns, ids among them, all lie in the same bytes of the file."""
    column = pa.array(np.zeros(rows, np.int64))
    names = ["id", *(f"x{number}" for number in range(columns))]
    folder = save_arrow(path, *[column] * (columns + 1), names=names)
    data, size = (folder / "data.arrow").read_bytes(), 8 * rows
    start = len(data) - 8 - (columns + 1) * size
    told = data[:start].replace(struct.pack("<q", (columns + 1) * size), struct.pack("<q", size))
    for place in range(size, (columns + 1) * size, size):
        told = told.replace(
            struct.pack("<4q", place, 0, place, size), struct.pack("<4q", 0, 0, 0, size)
        )
    (folder / "data.arrow").write_bytes(told + data[-8 - size :])
    return folder


def test_columns_in_the_same_bytes_are_counted_before_they_are_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_shared(tmp_path, 100, 8000)
    assert len(list(datasets.read(folder, ask().wanted))) == 1
    monkeypatch.setattr(limits, "UNPACKED_BYTES", 2**20)
    monkeypatch.setattr(limits, "UNPACKED_TIMES", 1)
    with pytest.raises(StoreError, match="expected what unpacks to at most"):
        list(datasets.read(folder, ask().wanted))


def test_truths_are_counted_as_numbers_before_they_are_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truths = pa.array(np.zeros(100_000, bool))
    ids = pa.array(["a"] * 100_000)
    path = save_table(tmp_path, id=ids, **{f"x{number}": truths for number in range(10)})
    monkeypatch.setattr(limits, "UNPACKED_BYTES", 2**22)
    with pytest.raises(StoreError, match="expected what unpacks to at most"):
        list(parquet.read(path, ask().wanted))


@pytest.mark.parametrize("name", ["train.parquet", "README.md"])
def test_links_in_a_data_set_are_not_followed(name: str, tmp_path: Path) -> None:
    private = save_table(tmp_path, id=["a"], x=[0.5])
    folder = save_arrow(tmp_path, pa.array(["a"]), pa.array([0.5]))
    (folder / name).symlink_to(private)
    with pytest.raises(StoreError, match=rf"{name}: expected a file of the folder, got a link"):
        import_features([folder], tmp_path / "out", ask())
