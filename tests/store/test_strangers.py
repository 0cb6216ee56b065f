"""Stores that come from a stranger: what one says is never a way to other files."""

import hashlib
import json
import math
import os
import re
import resource
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from pipeline import limits
from pipeline.audits.inspection import count_weights
from pipeline.audits.verification import verify_paths
from pipeline.errors import StoreError
from pipeline.files import digest_file
from pipeline.heads.building import read_weights
from pipeline.heads.recipes import read_recipe
from pipeline.labels.clip_labels import TRAINED_SCHEMA, read_trained
from pipeline.labels.clips import LABELS_SCHEMA, read_clips
from pipeline.store import hdf5, index, ledger, parquet, tables, zarr
from pipeline.store.header import digest_tree, read_header, seal_header
from pipeline.store.index import INDEX_SCHEMA
from pipeline.store.ledger import SCHEMA, Entry, read_ledger, write_ledger
from pipeline.store.parts import name_part, parse_clips
from pipeline.store.reader import open_features
from pipeline.store.tables import read_table, write_table
from pipeline.store.writer import Made, StoreWriter
from pipeline.words.texts import PROVENANCE, TEXT_SCHEMA
from tests.projects import Project
from tests.store.seeds import commit, find_missing, make_project, publish
from tests.stores import make_rows, write_features

ELSEWHERE = "../../stages/extract.py"

Rows = list[dict[str, Any]]


def rewrite_index(store: Path, change: Callable[[Rows], object]) -> None:
    """Change the index of `store`, and let its header agree."""
    rows = read_table(store / "index.parquet", INDEX_SCHEMA).to_pylist()
    change(rows)
    write_table(store / "index.parquet", pa.Table.from_pylist(rows, schema=INDEX_SCHEMA))
    reseal(store, {"index.parquet": digest_file(store / "index.parquet")})


def reseal(store: Path, digests: dict[str, str], **changed: Any) -> None:
    """Write the header of `store` anew, with other digests and other entries."""
    header = read_header(store)
    body = {key: header[key] for key in ("part_format", "provenance", "digests")}
    body["digests"] = {**body["digests"], **digests}
    (store / "store.json").write_text(seal_header({**body, **changed}))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    rows = {name: make_rows([[1.0, 2.0], [3.0, 4.0]]) for name in "ab"}
    return write_features(tmp_path / "toy", rows).path


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"part": ELSEWHERE}, "for the name of a part"),
        ({"part": "/etc/passwd"}, "for the name of a part"),
        ({"part": "A" * 32}, "for the name of a part"),
        ({"start": -2}, "rows before the first"),
        ({"rows": -1}, "rows before the first"),
        ({"rows": 2**62}, "rows before the first or after any last one"),
        ({"part": None}, "none for one with some"),
        ({"rows": 0}, "a part for a clip without rows"),
        ({"status": "fine"}, "status 'fine'"),
        ({"key": None}, "no key for a clip"),
        ({"clip_id": "b"}, "clips that are not sorted, each once"),
    ],
)
def test_an_index_that_no_writer_leaves_is_refused_and_found(
    store: Path, change: dict[str, Any], told: str
) -> None:
    rewrite_index(store, lambda rows: rows[0].update(change))
    with pytest.raises(StoreError, match=told):
        open_features(store)
    (found,) = verify_paths([store])
    assert told in " ".join(found.problems)


def test_a_part_that_the_header_does_not_name_is_refused_and_found(store: Path) -> None:
    rewrite_index(store, lambda rows: rows[0].update(part="0" * 32))
    with pytest.raises(StoreError, match=r"the index names part 0{32}, which the header does not"):
        open_features(store)
    (found,) = verify_paths([store])
    assert f"parts/{'0' * 32}: the index names it, and store.json does not" in found.problems


def test_rows_behind_the_last_of_a_part_are_refused(store: Path) -> None:
    rewrite_index(store, lambda rows: rows[1].update(start=3))
    with pytest.raises(StoreError, match="the index names 5 rows, the part has 4"):
        open_features(store)["a"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"row_shape": [-2]}, r"settings\.row_shape\.0"),
        ({"row_shape": "wide"}, r"settings\.row_shape"),
        ({"row_shape": [1] * 65}, r"settings\.row_shape"),
        ({"row_shape": [2**40]}, r"settings\.row_shape"),
        ({"row_shape": [2**20] * 7}, "expected rows that a file can hold"),
        ({"dtype": "object"}, r"settings\.dtype"),
        ({"row_shape": [3]}, "expected rows of shape"),
        ({"dtype": "float32"}, "expected rows of shape"),
    ],
)
def test_settings_that_rows_cannot_be_read_by_are_refused(
    store: Path, settings: dict[str, Any], told: str
) -> None:
    provenance = read_header(store)["provenance"]
    provenance["settings"] |= settings
    reseal(store, {}, provenance=provenance)
    with pytest.raises(StoreError, match=told):
        open_features(store)["a"]


def test_more_settings_than_a_page_can_show_are_refused(store: Path) -> None:
    provenance = read_header(store)["provenance"]
    provenance["settings"]["more"] = [0] * 10**5
    reseal(store, {}, provenance=provenance)
    with pytest.raises(StoreError, match=r"expected at most 100,000 values, got 100,0\d\d"):
        read_header(store)


def test_a_ledger_of_more_reasons_than_there_are_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.parquet"
    write_ledger(path, [Entry(f"{n}", "clean", "left_out", f"{n}", "") for n in range(1000)])
    assert len(read_ledger(path)) == 1000
    write_ledger(path, [Entry(f"{n}", "clean", "left_out", f"{n}", "") for n in range(1001)])
    with pytest.raises(StoreError, match="expected at most 1,000 reasons, got 1,001"):
        read_ledger(path)


@pytest.mark.parametrize("count", [10**9, -1, "many"])
def test_more_views_than_anybody_makes_are_refused(store: Path, count: object) -> None:
    provenance = {**read_header(store)["provenance"], "views": {"count": count}}
    reseal(store, {}, provenance=provenance)
    with pytest.raises(StoreError, match=r"provenance\.views\.count"):
        open_features(store)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"shape": [-4, 2]}, r"shape\.0"),
        ({"shape": [4.5, 2]}, r"shape\.0"),
        ({"shape": [4] * 99}, "shape"),
        ({"shape": [0, 2**48, 2**48]}, "shape: .* an array that a file can hold"),
        ({"data_type": "object"}, "data_type"),
        ({"codecs": 3}, "codecs"),
        ({"chunk_grid": None}, "chunk_grid"),
        ({"node_type": []}, "node_type"),
    ],
)
def test_an_array_that_cannot_be_is_refused(store: Path, change: dict[str, Any], told: str) -> None:
    part = next(path for path in (store / "parts").iterdir() if path.is_dir())
    rewrite_json(part / "embedding" / "zarr.json", lambda found: found.update(change))
    with pytest.raises(StoreError, match=told):
        open_features(store)._format.open_part(part)


@pytest.mark.parametrize(
    "change",
    [
        lambda clips: clips[0].update(start=-1),
        lambda clips: clips[0].update(rows="two"),
        lambda clips: clips[0].update(status="fine"),
        lambda clips: clips[0].update(more=1),
        lambda clips: clips[0]["facts"].update(frames=math.inf),
        lambda clips: clips.append(7),
    ],
)
def test_a_list_of_clips_that_cannot_be_is_refused(
    store: Path, change: Callable[[Any], object]
) -> None:
    part = next(path for path in (store / "parts").iterdir() if path.is_dir())
    rewrite_json(part / "zarr.json", lambda found: change(found["attributes"]["clips"]))
    with pytest.raises(StoreError, match="not a readable list of clips"):
        open_features(store)._format.read_clips(part)


def test_json_that_is_too_deep_is_refused(store: Path) -> None:
    (store / "store.json").write_text("[" * 100_000)
    with pytest.raises(StoreError, match="not readable JSON"):
        open_features(store)


@pytest.mark.parametrize("way", ["soft", "external", "virtual", "raw"])
def test_hdf5_that_leads_out_of_its_file_is_refused(tmp_path: Path, way: str) -> None:
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["embedding"] = np.ones((1, 2), np.float16)
    path = tmp_path / "part.h5"
    with h5py.File(path, "w") as file:
        file.attrs["format_version"] = 1
        if way == "soft":
            file["inside"] = np.ones((1, 2), np.float16)
            file["embedding"] = h5py.SoftLink("/inside")
        elif way == "external":
            file["embedding"] = h5py.ExternalLink(str(secret), "/embedding")
        elif way == "virtual":
            layout = h5py.VirtualLayout((1, 2), np.float16)
            layout[:] = h5py.VirtualSource(str(secret), "embedding", (1, 2))
            file.create_virtual_dataset("embedding", layout)
        else:
            file.create_dataset(
                "embedding", (1, 2), np.float16, external=[(str(secret), 0, h5py.h5f.UNLIMITED)]
            )
    with pytest.raises(StoreError, match="expected embedding as a dataset of this file"):
        hdf5.PARTS.open_part(path)


class TestSeeding:
    """What a former commit names is fetched, checked, and only then taken."""

    @pytest.fixture
    def project(self, tmp_path: Path) -> Project:
        return make_project(tmp_path)

    def test_a_part_with_the_name_of_a_way_out_is_not_taken(self, project: Project) -> None:
        victim = project.root / "stages" / "extract.py"
        victim.parent.mkdir()
        victim.write_text("as it was")
        publish(project, "toy", "a", change=lambda out: rewrite_index(out, lead_out))
        assert find_missing(project, "toy", "a") == ["a"]
        assert victim.read_text() == "as it was"

    @pytest.mark.parametrize(
        "way", ["parts/../../../../stages/evil.py", "/tmp/evil.py", "parts//x"]
    )
    def test_a_list_of_files_that_leads_out_is_not_followed(
        self, project: Project, capsys: pytest.CaptureFixture[str], way: str
    ) -> None:
        publish(project, "toy", "a")
        relist(project, lambda entries: entries.append({**entries[0], "relpath": way}))
        assert find_missing(project, "toy", "a") == ["a"]
        assert "a path that leads out of the store" in capsys.readouterr().err

    def test_a_list_of_files_that_leads_too_deep_is_not_followed(
        self, project: Project, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def deepen(entries: list[dict[str, str]]) -> None:
            _, part, *_ = next(e["relpath"] for e in entries if "embedding" in e["relpath"]).split(
                "/"
            )
            entries.append({**entries[0], "relpath": f"parts/{part}/{'a/' * 1500}x"})

        publish(project, "toy", "a")
        relist(project, deepen)
        assert find_missing(project, "toy", "a") == ["a"]
        assert "1,503 folders within one another" in capsys.readouterr().err

    @pytest.mark.parametrize(
        "change",
        [
            lambda out: (out / "index.parquet").unlink(),
            lambda out: reseal(out, {}, part_format="../x"),
            lambda out: reseal(out, {"index.parquet": "0" * 32}),
        ],
    )
    def test_a_former_store_that_is_none_is_told_and_its_clips_are_made(
        self,
        project: Project,
        capsys: pytest.CaptureFixture[str],
        change: Callable[[Path], object],
    ) -> None:
        publish(project, "toy", "a", change=change)
        publish(project, "other", "a")
        assert find_missing(project, "toy", "a") == ["a"]
        assert "its clips are made again" in capsys.readouterr().err

    def test_a_part_of_other_bytes_is_not_taken(
        self, project: Project, capsys: pytest.CaptureFixture[str]
    ) -> None:
        publish(project, "toy", "a")
        publish(project, "other", "a")
        for path in (project.root / ".dvc" / "cache").rglob("*"):
            if path.is_file() and path.read_bytes() == make_rows([[1.0, 2.0]]).embedding.tobytes():
                path.chmod(0o644)
                path.write_bytes(bytes(4))
        assert find_missing(project, "toy", "a") == ["a"]
        assert "not the bytes" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("rows", "embedding", "told"),
        [
            (2**63, [[1.0, 2.0]], "not a readable list of clips"),
            (1000, [[1.0, 2.0]], "not the bytes"),
            (1, [[1.0, 2.0, 3.0]], "expected rows of shape"),
        ],
    )
    def test_a_part_that_no_head_could_read_is_not_taken(
        self,
        project: Project,
        capsys: pytest.CaptureFixture[str],
        rows: int,
        embedding: list[list[float]],
        told: str,
    ) -> None:
        publish(project, "toy", "a", change=lambda out: rewrite_part(out, rows, embedding))
        assert find_missing(project, "toy", "a") == ["a"]
        assert told in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("columns", "told"),
        [
            ({"text": ["hello"]}, None),
            ({"words": ["hello"]}, "expected columns clip_id string, .*, got .* words string"),
            ({"text": [5]}, "expected columns clip_id string, .*, got .* text int64"),
            ({"text": pa.array([None], pa.string())}, "expected all of each row, got blanks"),
        ],
    )
    def test_a_part_of_media_that_nobody_could_read_is_not_taken(
        self,
        project: Project,
        capsys: pytest.CaptureFixture[str],
        columns: dict[str, Any],
        told: str | None,
    ) -> None:
        out = project.root / "features" / "toy"
        stretch = {"clip_id": ["a"], "start_seconds": [0.0], "end_seconds": [1.0]}
        with write_words(project.root / "other") as writer:
            writer.add("a", "key a", Made(pa.table({**stretch, **columns})))
            writer.close_part()
            writer.publish(out, writer.locate({"a": "key a"}), [])
        commit(project, out)
        with write_words(project.root / "work") as writer:
            assert writer.missing({"a": "key a"}, out) == ["a"] * (told is not None)
        assert re.search(told or "^$", capsys.readouterr().err)


def write_words(work: Path) -> StoreWriter:
    return StoreWriter(work, PROVENANCE, "parquet", TEXT_SCHEMA)


def rewrite_part(store: Path, rows: int, embedding: list[list[float]]) -> None:
    """Give the part of `store` these rows, and say that there are `rows`; all digests agree."""
    (former,) = (path for path in (store / "parts").iterdir() if path.is_dir())
    content = make_rows(embedding)
    (clip,) = zarr.PARTS.read_clips(former)
    listed = [replace(clip, rows=rows, digest=zarr.PARTS.digest_content(content))]
    part = store / "parts" / name_part(listed)
    shutil.rmtree(former)
    zarr.PARTS.write_part(part, [content], listed)
    rewrite_index(store, lambda index: index[0].update(part=part.name))
    reseal(store, {f"parts/{part.name}": digest_tree(part)})


def lead_out(rows: Rows) -> None:
    rows[0]["part"] = ELSEWHERE


def rewrite_json(path: Path, change: Callable[[Any], object]) -> None:
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))


def relist(project: Project, change: Callable[[list[dict[str, str]]], object]) -> None:
    """Commit another list of the files of the out, as whoever shares the project can."""
    lock = project.root / "dvc.lock"
    former = next(word for word in lock.read_text().split() if word.endswith(".dir"))
    cache = project.root / ".dvc" / "cache" / "files" / "md5"
    entries = json.loads((cache / former[:2] / former[2:]).read_text())
    change(entries)
    listing = json.dumps(entries).encode()
    name = hashlib.md5(listing).hexdigest() + ".dir"
    (cache / name[:2]).mkdir(exist_ok=True)
    (cache / name[:2] / name[2:]).write_bytes(listing)
    lock.write_text(lock.read_text().replace(former, name))
    project.git("commit", "-qam", "work")


def test_a_table_that_unpacks_to_far_more_than_it_weighs_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "UNPACKED_BYTES", 2**24)
    words = pa.array(["x" * 2000] * 10_000)
    path = tmp_path / "ledger.parquet"
    write_table(path, pa.table(dict.fromkeys(SCHEMA.names, words)))
    assert path.stat().st_size < 100_000
    with pytest.raises(StoreError, match="expected a table that unpacks to at most"):
        read_ledger(path)


def test_shapes_that_no_file_can_have_are_refused(store: Path) -> None:
    part = next(path for path in (store / "parts").iterdir() if path.is_dir())
    rewrite_json(part / "embedding" / "zarr.json", lambda found: found.update(shape=[0, 10**30]))
    with pytest.raises(StoreError, match=r"shape\.1"):
        open_features(store)._format.open_part(part)


def test_ids_of_views_are_read_whatever_number_they_have(tmp_path: Path) -> None:
    rows = make_rows([[1.0, 2.0]])
    names = ["a", "a#view1", "a#view0", "a#view" + "9" * 5000]
    store = write_features(tmp_path / "toy", dict.fromkeys(names, rows), views=1)
    assert store.views == {"a#view1"}


def test_clips_that_are_packed_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file.attrs["format_version"] = 1
        file.create_dataset("clips", data=np.zeros(2**20, np.uint8), compression="gzip")
    with pytest.raises(StoreError, match="expected clips as one text"):
        hdf5.PARTS.read_clips(tmp_path / "part.h5")


def test_media_that_unpack_to_more_than_they_weigh_are_refused(tmp_path: Path) -> None:
    words = pa.DictionaryArray.from_arrays(pa.array(np.zeros(5000, np.int32)), ["x" * 5000])
    path = tmp_path / "part.parquet"
    pq.write_table(pa.table({"text": words}), path, store_schema=False, compression="zstd")
    with pytest.raises(StoreError, match="expected a table that unpacks to at most"):
        parquet.PARTS.open_part(path)


def test_a_header_that_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "store.json")
    with pytest.raises(StoreError, match="expected a store, found what cannot be read"):
        open_features(tmp_path)


TEXTS = pa.DictionaryArray.from_arrays(pa.array([0] * 1024, pa.int32()), ["x" * 3_000_000])
OFFSETS = pa.array(range(1025), pa.int32())


@pytest.mark.parametrize(
    "column",
    [
        TEXTS,
        pa.ListArray.from_arrays(OFFSETS, TEXTS),
        pa.MapArray.from_arrays(OFFSETS, TEXTS, pa.array([1.0] * 1024)),
        pa.StructArray.from_arrays([TEXTS], ["text"]),
    ],
    ids=["text", "list", "map", "struct"],
)
def test_one_text_for_many_rows_is_counted_before_it_is_unpacked(
    tmp_path: Path, column: pa.Array
) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"text": column}), path, store_schema=False, compression="zstd")
    assert path.stat().st_size < 1000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (
        pq.ParquetFile(path) as file,
        pytest.raises(StoreError, match="expected a table that unpacks to at most"),
    ):
        tables.read_limited(file, path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before + 500_000


def test_a_table_of_many_different_texts_is_read(tmp_path: Path) -> None:
    words = pa.array([f"corpus/speaker/{number:07}" for number in range(100_000)])
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"text": words}), path)
    with pq.ParquetFile(path) as file:
        assert tables.read_limited(file, path)["text"].combine_chunks().equals(words)


@pytest.mark.parametrize(
    ("start", "end"), [(0.0, np.inf), (0.0, np.nan), (-1.0, 1.0), (2.0, 1.0), (0.0, 1e10)]
)
def test_times_that_no_clip_has_are_refused(tmp_path: Path, start: float, end: float) -> None:
    rows = make_rows([[1.0, 2.0]])
    odd = replace(rows, start_seconds=np.array([start]), end_seconds=np.array([end]))
    store = write_features(tmp_path / "toy", {"a": odd})
    with pytest.raises(StoreError, match="expected each row to begin at 0 s or later"):
        store["a"]
    (found,) = verify_paths([tmp_path / "toy"])
    assert "expected each row to begin at 0 s or later" in found.problems[0]


@pytest.mark.parametrize("part_format", ["zarr", "hdf5"])
def test_a_pipe_in_a_part_is_refused_and_waited_for_by_nobody(
    tmp_path: Path, part_format: str
) -> None:
    path = tmp_path / "toy"
    write_features(path, {"a": make_rows([[1.0]])}, part_format=part_format)
    part = next(path.glob("parts/*.h5" if part_format == "hdf5" else "parts/*/zarr.json"))
    part.chmod(0o600)
    part.unlink()
    os.mkfifo(part)
    (found,) = verify_paths([path])
    assert "expected a file or a folder, got neither" in found.problems[-1]


def test_weights_that_are_a_pipe_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.safetensors")
    with pytest.raises(OSError, match="Not a regular file"):
        read_weights(tmp_path / "model.safetensors")
    with pytest.raises(StoreError, match="not readable weights"):
        count_weights(tmp_path / "model.safetensors")


def test_clips_that_were_never_written_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file.attrs["format_version"] = 1
        file.create_dataset("clips", shape=(3 * 10**9,), dtype="u1")
    assert (tmp_path / "part.h5").stat().st_size < 10_000
    with pytest.raises(StoreError, match="expected clips as one text"):
        hdf5.PARTS.read_clips(tmp_path / "part.h5")


FIRST = {"clip_id": "a", "key": "k", "start": 0, "rows": 2, "digest": "d"}


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"rows": 0}, "a is there twice"),
        ({"clip_id": "b", "start": 1}, "b has rows of another clip"),
        ({"clip_id": "b", "start": 2, "status": "absent"}, "b has rows, and status absent"),
    ],
)
def test_a_part_lists_each_clip_once_with_rows_of_its_own(other: dict[str, Any], told: str) -> None:
    with pytest.raises(StoreError, match=told):
        parse_clips(Path("part"), [FIRST, {**FIRST, **other}])
    beside = {**FIRST, "clip_id": "b", "start": 2, "status": "marked"}
    assert len(parse_clips(Path("part"), [FIRST, beside])) == 2


def test_rows_of_a_clip_that_should_have_none_are_refused(tmp_path: Path) -> None:
    write_features(tmp_path / "toy", {"a": make_rows([[1.0]])})
    rewrite_index(tmp_path / "toy", lambda rows: rows[0].update(status="absent"))
    with pytest.raises(StoreError, match="rows of a clip that should have none"):
        open_features(tmp_path / "toy")


def test_a_header_that_names_no_index_is_no_sound_store(tmp_path: Path) -> None:
    write_features(tmp_path / "toy", {"a": make_rows([[1.0]])})
    header = read_header(tmp_path / "toy")
    body = {key: header[key] for key in header if key not in ("format_version", "digest")}
    (tmp_path / "toy" / "store.json").write_text(seal_header({**body, "digests": {}}))
    (found,) = verify_paths([tmp_path / "toy"])
    assert "index.parquet: store.json does not name it" in found.problems


def read_labelled(path: Path) -> object:
    return read_clips(path, LABELS_SCHEMA)


MISTAKEN = {**FIRST, "facts": {str(number): [] for number in range(99)}}


@pytest.mark.parametrize("listed", [{}, MISTAKEN])
def test_of_a_list_of_mistakes_the_first_is_looked_at(listed: dict[str, Any]) -> None:
    with pytest.raises(StoreError, match="not a readable list of clips") as caught:
        parse_clips(Path("part"), [listed] * 99)
    assert isinstance(caught.value.__cause__, ValidationError)
    assert caught.value.__cause__.error_count() < 6  # pydantic keeps two kilobytes of each


def test_many_mistakes_in_a_record_are_counted_and_too_large_a_record_is_refused(
    tmp_path: Path,
) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"versions": dict.fromkeys(range(2000), 1)}))
    with pytest.raises(StoreError, match=r"got another \(2,0\d\d mistakes\)"):
        read_recipe(tmp_path)
    recipe.write_text(json.dumps({"emotions": [1] * 2**21}))
    with pytest.raises(StoreError, match="the recipe of a head of at most 4,194,304 bytes"):
        read_recipe(tmp_path)


def test_digests_of_a_header_are_looked_at_until_one_is_none(store: Path) -> None:
    reseal(store, {str(number): "none" for number in range(99)})
    with pytest.raises(StoreError, match="digests") as caught:
        read_header(store)
    assert isinstance(caught.value.__cause__, ValidationError)
    assert caught.value.__cause__.error_count() == 1


@pytest.mark.parametrize(
    ("schema", "read"),
    [(SCHEMA, read_ledger), (TRAINED_SCHEMA, read_trained), (LABELS_SCHEMA, read_labelled)],
)
def test_more_rows_than_any_table_of_clips_has_are_refused(
    tmp_path: Path,
    schema: pa.Schema,
    read: Callable[[Path], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (ledger, tables):
        monkeypatch.setattr(module, "MOST_CLIPS", rows := 20_000)
    rows += 1
    columns = {field.name: pa.repeat(pa.scalar(None, field.type), rows) for field in schema}
    write_table(tmp_path / "table.parquet", pa.table(columns, schema=schema))
    assert (tmp_path / "table.parquet").stat().st_size < 100_000
    with pytest.raises(StoreError, match="expected at most 20,000 rows, got 20,001"):
        read(tmp_path / "table.parquet")


def test_an_index_of_more_clips_than_any_is_refused(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "MOST_INDEXED", 1)
    with pytest.raises(StoreError, match="expected at most 1 rows, got 2"):
        open_features(store)
