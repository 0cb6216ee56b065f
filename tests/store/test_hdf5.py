import fcntl
import struct
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from pipeline.apart import Apart
from pipeline.errors import StoreError
from pipeline.rows import Rows
from pipeline.store import foreign
from pipeline.store.foreign import open_foreign
from pipeline.store.hdf5 import ALIGNMENT_BYTES, PARTS
from pipeline.store.parts import PartClip
from pipeline.store.row_parts import ARRAYS


@pytest.fixture
def content() -> Rows:
    embedding = np.random.default_rng(0).normal(size=(3, 7)).astype(np.float16)
    return Rows(embedding, np.arange(3.0), np.arange(1.0, 4.0), np.array([True, False, True]))


@pytest.fixture
def path(content: Rows, tmp_path: Path) -> Path:
    path = PARTS.path_of(tmp_path, "part")
    PARTS.write_part(path, [content], [PartClip("a", "key", 0, 3, PARTS.digest_content(content))])
    return path


def test_a_number_in_place_of_rows_is_refused(path: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["embedding"]
        file["embedding"] = np.float16(1)
    with pytest.raises(StoreError, match="expected /embedding as rows of contiguous"):
        PARTS.open_part(path)


def test_arrays_lie_contiguous_raw_and_aligned(path: Path) -> None:
    with h5py.File(path) as file:
        for dataset in (file[name] for name in ARRAYS):
            assert dataset.chunks is None
            assert dataset.id.get_offset() % ALIGNMENT_BYTES == 0
            assert dataset.id.get_storage_size() == dataset.nbytes


def test_no_time_of_writing_is_kept(path: Path) -> None:
    with h5py.File(path) as file:
        assert {h5py.h5g.get_objinfo(node.id).mtime for node in (*file.values(), file["/"])} == {0}


def test_a_list_of_clips_may_exceed_what_an_attribute_holds(tmp_path: Path) -> None:
    clips = [PartClip(f"clip-{number}", "key", 0, 0, "", "left_out") for number in range(1_000)]
    path = PARTS.path_of(tmp_path, "part")
    PARTS.write_part(path, [], clips)
    assert path.stat().st_size > 2**16
    assert PARTS.read_clips(path) == clips


def test_a_part_is_read_whoever_holds_a_lock_on_it(path: Path) -> None:
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert len(PARTS.read_clips(path)) == 1


def test_an_opened_part_may_be_replaced(path: Path, content: Rows) -> None:
    opened = PARTS.open_part(path)
    with h5py.File(path, "w"):  # refused while the file is open for reading
        pass
    assert len(opened) == len(content)


def test_a_damaged_byte_is_refused_or_changes_what_is_read(path: Path) -> None:
    data, clips = path.read_bytes(), PARTS.read_clips(path)
    damaged = path.with_name("damaged.h5")
    for place in [place for place, byte in enumerate(data) if byte][::5]:  # zeros may be padding
        damaged.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        try:
            found = PARTS.read_clips(damaged), PARTS.digest_content(PARTS.open_part(damaged))
        except StoreError:
            continue
        assert found != (clips, clips[0].digest), place


def test_a_dataset_of_objects_is_refused(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["valid"]
        file["valid"] = ["yes", "no", "yes"]
    with pytest.raises(StoreError, match=r"expected /valid as .* numbers, got \|O"):
        PARTS.open_part(path)


def test_a_version_that_is_no_number_is_not_read(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = "1"
    with pytest.raises(StoreError, match="format_version 1, got none"):
        PARTS.read_clips(path)


def test_the_folder_of_parts_is_left_as_it_is(tmp_path: Path) -> None:
    PARTS.mark_parts(tmp_path, {"stage": "extract"})
    assert not list(tmp_path.iterdir())


def save_tangled(path: Path, mark: bytes, place: int, packed: bytes) -> None:
    """A file in the oldest form, `packed` written so far behind the first `mark` in it."""
    with h5py.File(path, "w", libver="earliest") as file:
        for name in "abc":
            file[name] = np.arange(3)
        del file["b"]  # names have free space where it was
    data = bytearray(path.read_bytes())
    start = data.index(mark) + place
    data[start : start + len(packed)] = packed
    path.write_bytes(data)


def lead_back(path: Path) -> None:
    """The free space among names is followed by itself."""
    save_tangled(path, b"HEAP", 0, b"")
    data = path.read_bytes()
    heap = data.index(b"HEAP")
    free, names = struct.unpack_from("<QQ", data, heap + 16)
    save_tangled(path, b"HEAP", names + free - heap, struct.pack("<Q", free))


def hold_itself(path: Path) -> None:
    """The tree of names is a branch of itself."""
    save_tangled(path, b"TREE", 0, b"")
    tree = path.read_bytes().index(b"TREE")
    save_tangled(path, b"TREE", 5, struct.pack("<BHQQQQ", 1, 1, *[2**64 - 1] * 2, 0, tree))


def list_foreign(path: Path) -> None:
    with open_foreign(path):
        pass


@pytest.mark.parametrize(
    ("tangle", "read"), [(lead_back, PARTS.read_clips), (hold_itself, list_foreign)]
)
def test_what_hdf5_would_never_end_with_or_end_its_process_over_is_refused(
    path: Path,
    tangle: Callable[[Path], None],
    read: Callable[[Path], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(foreign, "LOADING_SECONDS", 0.1)
    monkeypatch.setattr(foreign, "LOOKER", Apart(foreign.LOOK))
    tangle(path)
    with pytest.raises(StoreError, match=r"not a readable HDF5 file \(one that ends its process"):
        read(path)
