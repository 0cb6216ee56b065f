from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file

from pipeline.audits.artefacts import find_artefacts
from pipeline.audits.inspection import (
    ClipPlace,
    StoreContent,
    TableContent,
    count_weights,
    inspect_path,
)
from pipeline.errors import StoreError
from pipeline.store.ledger import Entry, write_ledger
from pipeline.store.tables import write_table
from tests.stores import make_rows, write_features


def test_a_store_tells_its_clips_and_where_they_lie(tmp_path: Path) -> None:
    write_features(tmp_path / "set", {"a": make_rows([[1.0], [2.0], [3.0]]), "b": None})
    ((_, content),) = inspect_path(tmp_path / "set")
    assert isinstance(content, StoreContent)
    (part,) = content.store.index.parts
    assert (content.statuses, content.rows) == (Counter(ok=1, absent=1), 3)
    assert content.first == [ClipPlace("a", "ok", 3, part, 0), ClipPlace("b", "absent", 0, None, 0)]


def test_a_table_gives_its_first_rows_and_a_ledger_its_reasons(tmp_path: Path) -> None:
    path = tmp_path / "ledger.parquet"
    write_ledger(path, [Entry(f"{n}", "clean", "left_out", "silent", "") for n in range(7)])
    ((_, content),) = inspect_path(path)
    assert isinstance(content, TableContent)
    assert (content.rows, [row["clip_id"] for row in content.first]) == (7, list("01234"))
    assert content.reasons == {("left_out", "silent"): 7}


def test_a_few_rows_that_unpack_to_more_than_is_shown_are_refused(tmp_path: Path) -> None:
    path, texts = tmp_path / "texts.parquet", pa.array(["b" * 6 * 10**7, "short"])
    for places, shown in (([1] * 5 + [0], True), ([0] * 5, False)):
        pq.write_table(pa.table({"text": texts.take(pa.array(places))}), path, compression="zstd")
        assert path.stat().st_size < 10**5
        if shown:
            ((_, content),) = inspect_path(path)
            assert isinstance(content, TableContent)
            assert content.first == [{"text": "short"}] * 5
        else:
            with pytest.raises(StoreError, match=r"a table that unpacks to at most 0\.3 GB, got"):
                inspect_path(path)


def test_numbers_are_counted_from_the_header(tmp_path: Path) -> None:
    tensors = {"weight": torch.zeros(5, 3), "count": torch.zeros(())}
    save_file(tensors, tmp_path / "model.safetensors")
    assert count_weights(tmp_path / "model.safetensors") == {"weight": 15, "count": 1}


def test_artefacts_come_by_name(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write_table(tmp_path / f"{name}.parquet", pa.table({"clip_id": ["x"]}))
    assert [path.name for _, path in find_artefacts(tmp_path)] == ["a.parquet", "b.parquet"]


def test_what_is_no_artefact_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="expected a store, a head, a table or a folder of them"):
        inspect_path(tmp_path)
