import numpy as np
import pyarrow as pa
import pytest

from pipeline.faces import spool
from pipeline.faces.spool import Spool, keep_rows, take_rows

SCHEMA = pa.schema([("number", pa.int64()), ("jpeg", pa.binary())])


def fill(folder, count):
    with Spool(SCHEMA, folder) as made:
        for number in range(count):
            made.add({"number": number, "jpeg": bytes(number)})
    return made.path


@pytest.mark.parametrize("count", [0, 1, 97])
def test_rows_come_back_in_order_and_their_file_is_gone(tmp_path, count):
    rows = take_rows(fill(tmp_path, count))
    assert rows["number"].to_pylist() == list(range(count))
    assert rows["jpeg"].to_pylist() == [bytes(number) for number in range(count)]
    assert rows.schema == SCHEMA
    assert not list(tmp_path.iterdir())


def test_many_rows_are_written_as_they_come(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "BATCH_BYTES", 1000)
    path = fill(tmp_path, 97)
    with pa.ipc.open_file(path) as file:
        assert file.num_record_batches > 9
    assert len(take_rows(path)) == 97


def test_only_the_rows_judged_good_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "BATCH_BYTES", 1000)
    path = fill(tmp_path, 23)
    keep_rows(path, lambda batch: batch["number"].to_numpy() % 3 == 0)
    assert take_rows(path)["number"].to_pylist() == list(range(0, 23, 3))
    path = fill(tmp_path, 23)
    keep_rows(path, lambda batch: np.zeros(len(batch), bool))
    assert len(take_rows(path)) == 0
    assert not list(tmp_path.iterdir())
