import numpy as np
import pytest

from pipeline.audits.verification import verify_paths
from pipeline.errors import ParamsError, StoreError
from pipeline.store.conversion import convert_features
from pipeline.store.reader import open_features
from tests.stores import make_rows, write_features

CLIPS = {
    "a": make_rows([[1.0, 2.0], [3.0, 4.0]], valid=[True, False]),
    "b": None,
    "c": make_rows([[0.0, 0.0]]),
}


@pytest.mark.parametrize("part_format", ["hdf5", "zarr"])
def test_a_converted_set_is_the_same_but_for_its_parts(tmp_path, part_format):
    source = write_features(tmp_path / "source", CLIPS)
    assert convert_features(source.path, tmp_path / "out", part_format) == len(CLIPS)
    found = open_features(tmp_path / "out")
    assert found.part_format == part_format
    assert (found.provenance, found.index.keys) == (source.provenance, source.index.keys)
    assert found.index.statuses == source.index.statuses
    for clip_id in CLIPS:
        for name in ("embedding", "start_seconds", "end_seconds", "valid"):
            expected = getattr(source[clip_id], name)
            np.testing.assert_array_equal(getattr(found[clip_id], name), expected)
    (verified,) = verify_paths([found.path])
    assert not verified.problems


def test_there_and_back_gives_the_same_bytes(tmp_path):
    source = write_features(tmp_path / "source", CLIPS)
    convert_features(source.path, tmp_path / "hdf5", "hdf5")
    convert_features(tmp_path / "hdf5", tmp_path / "back", "zarr")
    for file in sorted(source.path.rglob("*")):
        if file.is_file():
            back = tmp_path / "back" / file.relative_to(source.path)
            assert file.read_bytes() == back.read_bytes(), file


def test_nothing_but_the_converted_set_is_left(tmp_path):
    write_features(tmp_path / "source", CLIPS)
    before = set(tmp_path.iterdir())
    convert_features(tmp_path / "source", tmp_path / "out", "hdf5")
    assert set(tmp_path.iterdir()) == before | {tmp_path / "out"}


def test_a_folder_that_is_there_is_not_written_over(tmp_path):
    write_features(tmp_path / "source", CLIPS)
    with pytest.raises(StoreError, match="expected a folder that is yet to be made, got one"):
        convert_features(tmp_path / "source", tmp_path / "source", "hdf5")


def test_an_unknown_format_is_refused_by_name(tmp_path):
    with pytest.raises(ParamsError, match="unknown part format 'hdf'; did you mean 'hdf5'"):
        convert_features(tmp_path / "source", tmp_path / "out", "hdf")
