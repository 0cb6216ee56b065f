import os
import struct
from argparse import Namespace
from copy import copy
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pipeline.errors import ParamsError
from pipeline.networks import preparing, pretrained
from pipeline.networks.checkpoints import fill_network, read_state
from pipeline.networks.pretrained import check_records, digest_folder

STATE = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.tensor([7.0, 11.0])}


def save(path, content, **options):
    torch.save(content, path, **options)
    return path


def assert_read(path):
    found = read_state(path)
    assert found.keys() == STATE.keys()
    assert all(torch.equal(found[name], STATE[name]) for name in STATE)


@pytest.mark.parametrize("name", ["state_dict", "net_state_dict"])
def test_weights_may_stand_alone_or_beside_what_training_saves(tmp_path, name):
    assert_read(save(tmp_path / "a.pth", STATE))
    assert_read(save(tmp_path / "b.pth.tar", {"epoch": 3, name: STATE}))


def test_the_prefix_of_several_gpus_is_taken_off(tmp_path):
    assert_read(save(tmp_path / "a.pth", {f"module.{name}": STATE[name] for name in STATE}))


def test_safetensors_are_read(tmp_path):
    save_file(STATE, tmp_path / "a.safetensors")
    assert_read(tmp_path / "a.safetensors")


def test_the_form_before_pytorch_1_6_is_read(tmp_path):
    assert_read(save(tmp_path / "a.ckpt", STATE, _use_new_zipfile_serialization=False))


class RecorderMeter:
    def __init__(self):
        self.losses = np.ones((3, 2), np.float32)


def test_other_objects_of_training_are_passed_over(tmp_path):
    beside = {"args": Namespace(lr=0.1), "recorder": RecorderMeter(), "best": np.float64(0.6)}
    assert_read(save(tmp_path / "a.pth", {**beside, "state_dict": STATE}))


class Trap:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_in_a_file_is_run(tmp_path, zipped):
    content = {"trap": Trap(tmp_path / "sprung"), "state_dict": STATE}
    path = save(tmp_path / "a.pth", content, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ParamsError, match="got one that cannot be read as tensors alone"):
        read_state(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, [STATE], nn.Linear(3, 2)])
def test_a_file_without_a_state_dict_is_refused(tmp_path, content):
    with pytest.raises(ParamsError, match="expected a state dict, alone or as state_dict or net_"):
        read_state(save(tmp_path / "a.pth", content))


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_a_file_of_something_else_is_refused(tmp_path, name):
    (tmp_path / name).write_text("<html>Too many downloads</html>")
    with pytest.raises(ParamsError, match=r"a\.\w+: expected a file of PyTorch or safetensors"):
        read_state(tmp_path / name)


@pytest.mark.parametrize("place", range(1, 90, 11))
def test_a_damaged_file_is_refused(tmp_path, place):
    path = save(tmp_path / "a.pth", STATE, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[: place * path.stat().st_size // 100])
    with pytest.raises(ParamsError, match="cannot be read as tensors alone"):
        read_state(path)


def test_a_network_is_filled_and_frozen(tmp_path):
    model = nn.Linear(3, 2)
    fill_network(model, STATE, tmp_path)
    assert torch.equal(model.bias, STATE["bias"])
    assert not model.training
    assert not model.weight.requires_grad


def test_absent_and_unknown_weights_are_named(tmp_path):
    state = {"weight": STATE["weight"], "offset": STATE["bias"]}
    with pytest.raises(ParamsError, match=r"no bias \(1 in all\) and an unknown offset \(1 in"):
        fill_network(nn.Linear(3, 2), state, tmp_path)


def test_weights_of_another_shape_are_refused(tmp_path):
    with pytest.raises(ParamsError, match="expected those of Linear, got 'size mismatch for bias"):
        fill_network(nn.Linear(3, 2), {**STATE, "bias": torch.zeros(5)}, tmp_path)


def test_records_that_are_packed_are_refused(tmp_path):
    source, packed = save(tmp_path / "a.pt", STATE), tmp_path / "b.pt"
    with ZipFile(source) as plain, ZipFile(packed, "w", ZIP_DEFLATED) as made:
        for entry in plain.infolist():
            made.writestr(entry.filename, plain.read(entry))
    with pytest.raises(ParamsError, match="expected a file of PyTorch or safetensors"):
        read_state(packed)


def test_records_that_pytorch_alone_would_find_are_refused(tmp_path):
    path = save(tmp_path / "pytorch_model.bin", STATE)
    check_records(path)
    path.write_bytes(b"PK\x03\x04" + path.read_bytes())
    with pytest.raises(ParamsError, match="expected records as they are, got packed ones"):
        check_records(path)


def test_packed_records_in_a_folder_are_refused(tmp_path):
    with ZipFile(tmp_path / "pytorch_model.bin", "w", ZIP_DEFLATED) as made:
        made.writestr("archive/data.pkl", b"0" * 999)
    with pytest.raises(ParamsError, match="expected records as they are, got packed ones"):
        digest_folder(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"PK\x03\x04")
    with pytest.raises(ParamsError, match="expected a file of PyTorch, got a damaged one"):
        digest_folder(tmp_path)


def test_records_that_lie_in_the_same_bytes_are_refused(tmp_path):
    source = save(tmp_path / "a.pt", {"a": torch.zeros(4096), "b": torch.ones(4096)})
    path = tmp_path / "b.pt"
    with ZipFile(source) as plain, ZipFile(path, "w") as made:
        for name in sorted({*plain.namelist()} - {"a/data/1"}):
            made.writestr(name, plain.read(name))
        shared = copy(made.getinfo("a/data/0"))
        shared.filename = "a/data/1"
        made.filelist.append(shared)
    assert torch.load(path)["b"].sum() == 0
    with pytest.raises(ParamsError, match="expected records as they are, got packed ones"):
        check_records(path)


def test_a_pickle_that_says_it_has_gigabytes_of_zeros_takes_none(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "PREPARING_BYTES", 2**26)
    monkeypatch.setattr(preparing, "THREAD_BYTES", 0)
    path = tmp_path / "a.pt"
    with ZipFile(path, "w") as made:
        pickled = b"\x80\x02cbuiltins\nbytearray\nJ" + struct.pack("<i", 2**30) + b"\x85R."
        for name, content in {"data.pkl": pickled, "byteorder": b"little", "version": b"3"}.items():
            made.writestr(f"a/{name}", content)
    with pytest.raises(ParamsError, match="expected a file of PyTorch or safetensors") as caught:
        read_state(path)
    assert isinstance(caught.value.__cause__, MemoryError)


def list_records(archive):
    """Records of an archive, and the directory of them, which says where each begins."""
    size, place = struct.unpack("<II", archive[-10:-2])
    return archive[:place], archive[place : place + size]


def move_records(directory, by):
    """The directory of records that begin so much later."""
    moved, place = b"", 0
    while place < len(directory):
        lengths = struct.unpack_from("<HHH", directory, place + 28)
        begin = int.from_bytes(directory[place + 42 : place + 46], "little") + by
        stop = place + 46 + sum(lengths)
        moved += directory[place : place + 42] + begin.to_bytes(4, "little")
        moved, place = moved + directory[place + 46 : stop], stop
    return moved


def pack_archive(path, method):
    """What `torch.save` wrote, its records packed by `method`."""
    made = BytesIO()
    with ZipFile(path) as plain, ZipFile(made, "w", method) as packed:
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    return made.getvalue()


def end_long(directory, place):
    """The end of an archive in long numbers, whose `directory` is at `place`."""
    count = directory.count(b"PK\x01\x02")
    numbers = (44, 45, 45, 0, 0, count, count, len(directory), place)
    return struct.pack("<IQHHIIQQQQ", 0x06064B50, *numbers)


def test_an_archive_in_which_python_and_pytorch_find_other_records_is_refused(tmp_path):
    seen = pack_archive(save(tmp_path / "a.pt", STATE), ZIP_STORED)
    large = {"weight": torch.zeros(10**5)}
    hidden = pack_archive(save(tmp_path / "b.pt", large), ZIP_DEFLATED)
    (plain, first), (packed, other) = list_records(seen), list_records(hidden)
    whole = plain + packed
    other = move_records(other, len(plain))
    whole += other + end_long(other, len(whole))
    place = len(whole) - 56
    whole += first + end_long(first, len(whole))
    whole += struct.pack("<IIQI", 0x07064B50, 0, place, 1)
    whole += struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, *[2**16 - 1] * 2, *[2**32 - 1] * 2, 0)
    path = tmp_path / "c.pt"
    path.write_bytes(whole)
    assert torch.load(path, weights_only=True)["weight"].shape == (10**5,)
    for damaged in (whole, b"PK\x03\x04"):
        path.write_bytes(damaged)
        with pytest.raises(ParamsError, match=r"records as they are|damaged"):
            check_records(path)
