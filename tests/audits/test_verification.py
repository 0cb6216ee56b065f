import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline.audits.verification import Verified, verify_paths
from pipeline.errors import StoreError
from pipeline.files import digest_file, remove, write_json
from pipeline.heads.building import build_head
from pipeline.heads.params import MlpParams
from pipeline.heads.recipes import Input, Recipe
from pipeline.modalities import RowShape
from pipeline.rows import Rows
from pipeline.store.header import digest_tree, seal_header
from pipeline.store.index import INDEX_SCHEMA
from pipeline.store.joint import join_sets
from pipeline.store.ledger import Entry
from pipeline.store.provenance import Provenance
from pipeline.store.tables import read_table, write_table
from pipeline.store.writer import Made, StoreWriter
from tests.makers import lay_deep
from tests.stores import SECTIONS, write_features
from tests.stores import make_rows as make_vectors


def make_rows(count: int) -> Rows:
    values = np.random.default_rng(count).normal(size=(count, 7)).astype(np.float16)
    starts = np.arange(count) * 0.5
    return Rows(values, starts, starts + 0.5, np.ones(count, bool))


def make_table(count: int) -> pa.Table:
    rows = [{"clip_id": "a", "jpeg": bytes([i]) * (i + 1)} for i in range(count)]
    return pa.Table.from_pylist(rows, schema=pa.schema({"clip_id": "string", "jpeg": "binary"}))


CONTENTS = {"zarr": make_rows, "parquet": make_table}
FORMATS = tuple(CONTENTS)


def build_store(folder: Path, part_format: str) -> Path:
    """Store of three clips in two parts, the third without rows."""
    settings = {"row_shape": [7], "dtype": "float16", "floor": 1e-5}
    provenance = Provenance("extract", settings)
    with StoreWriter(folder / "work", provenance, part_format) as writer:
        writer.add("a", "key a", Made(CONTENTS[part_format](2)))
    with StoreWriter(folder / "work", provenance, part_format) as writer:
        writer.add("b", "key b", Made(CONTENTS[part_format](3)))
        writer.add("c", "key c", Made(None, "left_out", "no_rows", "too short"))
        writer.close_part()
        places = writer.locate({clip_id: f"key {clip_id}" for clip_id in "abc"})
        ledger = [Entry("c", "extract", "left_out", "no_rows", "too short")]
        writer.publish(folder / "out", places, ledger)
    return folder / "out"


def find_problems(path: Path) -> list[str]:
    (found,) = verify_paths([path])
    return list(found.problems)


def seal(store: Path, header: dict) -> None:
    body = {key: header[key] for key in header if key not in ("format_version", "digest")}
    body["digests"] = {**body["digests"], "index.parquet": digest_file(store / "index.parquet")}
    (store / "store.json").write_text(seal_header(body))


def read_header(store: Path) -> dict:
    return json.loads((store / "store.json").read_text())


def list_files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.parametrize("part_format", FORMATS)
def test_a_store_as_it_was_written_is_whole(part_format: str, tmp_path: Path) -> None:
    store = build_store(tmp_path, part_format)
    assert list(verify_paths([store])) == [Verified("store", store, ())]


@pytest.mark.parametrize("part_format", FORMATS)
def test_a_flipped_bit_is_found_wherever_it_is(part_format: str, tmp_path: Path) -> None:
    store, step = build_store(tmp_path, part_format), 211
    for file in list_files(store):
        whole = file.read_bytes()
        remove(file)
        for place in [*range(0, len(whole), step), len(whole) - 1]:
            flipped = bytearray(whole)
            flipped[place] ^= 1 << place % 8
            file.write_bytes(flipped)
            assert find_problems(store), f"{file}: bit {place % 8} of byte {place}"
        file.write_bytes(whole)
    assert not find_problems(store)


def test_every_byte_of_the_header_counts(tmp_path: Path) -> None:
    store = build_store(tmp_path, "zarr")
    file = store / "store.json"
    whole = file.read_bytes()
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 0x20  # in 1e-05, this writes the same number in another way
        file.write_bytes(flipped)
        assert find_problems(store), place


def test_a_damaged_part_is_named_with_its_clips(tmp_path: Path) -> None:
    store = build_store(tmp_path, "zarr")
    chunk = next(path for path in list_files(store) if path.match("embedding/c/0/0"))
    data = bytearray(chunk.read_bytes())
    data[5] ^= 1
    chunk.write_bytes(data)
    (problem,) = find_problems(store)
    assert problem.startswith(f"parts/{chunk.parents[3].name}: not the bytes that were written")
    assert problem.endswith(("; it holds a", "; it holds b"))


@pytest.mark.parametrize("part_format", FORMATS)
def test_a_missing_part_is_named(part_format: str, tmp_path: Path) -> None:
    store = build_store(tmp_path, part_format)
    part = sorted(path for path in (store / "parts").iterdir() if path.name != "zarr.json")[0]
    remove(part)
    (problem,) = find_problems(store)
    assert problem.startswith(f"parts/{part.name}: missing; it holds ")


@pytest.mark.parametrize("name", ["index.parquet", "ledger.parquet", "parts/zarr.json"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    store = build_store(tmp_path, "zarr")
    (store / name).unlink()
    assert find_problems(store) == [f"{name}: missing"]


def test_loops_of_links_are_walked_once(tmp_path: Path) -> None:
    store = build_store(tmp_path / "kept", "parquet")
    (tmp_path / "kept" / "loop").symlink_to(tmp_path)
    places = [found.path.resolve() for found in verify_paths([tmp_path])]
    assert places.count(store) == 1


def test_a_store_without_its_header_is_told(tmp_path: Path) -> None:
    store = build_store(tmp_path, "zarr")
    (store / "store.json").unlink()
    (problem,) = find_problems(store)
    assert "store.json: expected a store, found no file" in problem


def test_a_part_that_nobody_asked_for_is_reported(tmp_path: Path) -> None:
    store = build_store(tmp_path, "zarr")
    (store / "parts" / "stray").mkdir()
    assert find_problems(store) == ["parts/stray: not a file of this store"]


def test_an_index_that_disagrees_with_a_part_is_found(tmp_path: Path) -> None:
    store = build_store(tmp_path, "zarr")
    rows = read_table(store / "index.parquet", INDEX_SCHEMA).to_pylist()
    rows[1]["start"] = 1
    write_table(store / "index.parquet", pa.Table.from_pylist(rows, schema=INDEX_SCHEMA))
    seal(store, read_header(store))
    (problem,) = find_problems(store)
    assert problem.endswith("b: the index and the part disagree on where its rows are")


def test_rows_that_a_clips_digest_does_not_cover_are_found(tmp_path: Path) -> None:
    store = build_store(tmp_path, "zarr")
    chunk = next(path for path in list_files(store) if path.match("embedding/c/0/0"))
    chunk.write_bytes(bytes(len(chunk.read_bytes())))
    header, part = read_header(store), chunk.parents[3]
    header["digests"][f"parts/{part.name}"] = digest_tree(part)
    seal(store, header)
    (problem,) = find_problems(store)
    assert problem.endswith(": its rows are not those that were written")


def test_a_fingerprint_that_is_not_its_settings_is_found(tmp_path: Path) -> None:
    store = build_store(tmp_path, "zarr")
    header = read_header(store)
    header["provenance"]["settings"]["floor"] = 1e-4
    seal(store, header)
    assert find_problems(store) == [
        "store.json: its fingerprint is not that of its stage and settings"
    ]


def test_a_fingerprint_of_a_source_that_is_not_its_settings_is_found(tmp_path: Path) -> None:
    store = build_store(tmp_path, "zarr")
    header = read_header(store)
    source = Provenance("clean", {"gain": 1}).to_json()
    header["provenance"]["source"] = {**source, "settings": {"gain": 99}}
    seal(store, header)
    assert find_problems(store) == [
        "store.json: the fingerprint of clean is not that of its stage and settings"
    ]


def test_folders_that_lie_too_deep_are_told(tmp_path: Path) -> None:
    with (
        lay_deep(tmp_path / "store") as deep,
        pytest.raises(StoreError, match="folders lie too deep within one another"),
    ):
        list(verify_paths([deep]))


def test_folders_that_lie_too_deep_in_a_part_are_told(tmp_path: Path) -> None:
    store = build_store(tmp_path, "zarr")
    with lay_deep(next((store / "parts").iterdir()) / "deep"):
        (found,) = verify_paths([store])
    assert "Folders lie too deep within one another; remove it" in " ".join(found.problems)


@pytest.fixture
def head(tmp_path: Path) -> Callable[[dict[str, torch.Tensor] | None], Path]:
    """Maker of a head's folder, with its own weights or those given."""

    def make(tensors: dict[str, torch.Tensor] | None = None) -> Path:
        folder = tmp_path / "head"
        inputs = {"face": "none", "scene": "none", "audio": "mfcc", "text": "none"}
        fields = {"kind": "mlp", "inputs": inputs, "targets": ["emotion"], "width": 3}
        params = MlpParams.model_validate(fields)
        shapes = {"audio": RowShape.of((5,))}
        weights = build_head(params, shapes, {"emotion": "clip"}, 2).state_dict()
        folder.mkdir()
        made = {f"official/{name}": value.contiguous() for name, value in weights.items()}
        save_file(made if tensors is None else tensors, folder / "model.safetensors")
        (folder / "predictions.parquet").write_bytes(b"said")
        recipe = Recipe(
            head="head",
            params=params.model_dump(mode="json"),
            sections=SECTIONS,
            emotions=["calm", "sad"],
            per={"emotion": "clip"},
            inputs={
                "audio": Input(
                    name="mfcc",
                    params={},
                    row_shape=[5],
                    row_axes=["dim"],
                    index_digest="",
                    provenance=Provenance("extract", {"encoder": "mfcc"}).to_json(),
                )
            },
            priors={"official": {"emotion": 1.0}},
            layer_shares={},
            unseen={},
            empty_windows={},
            weights_digest=digest_file(folder / "model.safetensors"),
            predictions_digest=digest_file(folder / "predictions.parquet"),
            versions={},
            git_revision=None,
        )
        write_json(folder / "recipe.json", recipe.model_dump(mode="json"))
        return folder

    return make


def test_a_recipe_of_far_more_heads_than_there_are_weights_for_builds_few(
    head: Callable[..., Path],
) -> None:
    path = head() / "recipe.json"
    recipe = json.loads(path.read_text())
    members = [{"kind": "temporal_transformer", "layers": 100}] * 20
    given = {name: recipe["params"][name] for name in ("inputs", "targets")}
    ensemble = {"kind": "ensemble", "members": members, "seeds": list(range(20)), **given}
    write_json(path, {**recipe, "params": ensemble})
    (problem,) = find_problems(path.parent)
    assert "a head of more modules than 10 tensors are for" in problem


def test_a_head_as_it_was_written_is_whole(head: Callable[..., Path]) -> None:
    assert find_problems(head()) == []


@pytest.mark.parametrize("name", ["model.safetensors", "predictions.parquet"])
def test_a_bit_flipped_in_a_heads_file_is_found(head: Callable[..., Path], name: str) -> None:
    path = head() / name
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert find_problems(path.parent) == [f"{name}: not the file that the recipe was written with"]


def test_weights_of_another_head_are_found(head: Callable[..., Path]) -> None:
    (problem,) = find_problems(head({"official/other": torch.zeros(2)}))
    assert "expected the weights of the head in its recipe, got others (Error" in problem
    assert "Missing key(s)" in problem


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda weight: weight.to(torch.complex64), "expected torch.float32, got torch.complex64"),
        (lambda weight: weight * torch.nan, "expected finite numbers, got others"),
    ],
)
def test_weights_that_nothing_can_be_reckoned_with_are_found(
    head: Callable[..., Path], change: Callable[[torch.Tensor], torch.Tensor], told: str
) -> None:
    whole = head()
    tensors = load_file(whole / "model.safetensors")
    name = next(name for name, tensor in tensors.items() if tensor.is_floating_point())
    remove(whole)
    (problem,) = find_problems(head({**tensors, name: change(tensors[name])}))
    assert told in problem


def test_a_head_of_more_runs_than_any_is_refused(head: Callable[..., Path]) -> None:
    folder = head()
    recipe = json.loads((folder / "recipe.json").read_text())
    recipe["priors"] = {f"fold-{number}": {"emotion": 1.0} for number in range(10_001)}
    write_json(folder / "recipe.json", recipe)
    (found,) = verify_paths([folder])
    assert "priors: Dictionary should have at most 10000 items" in found.problems[0]


def test_a_head_without_weights_or_recipe_is_told(head: Callable[..., Path]) -> None:
    folder = head()
    (folder / "model.safetensors").rename(folder / "aside")
    assert find_problems(folder) == ["model.safetensors: missing"]
    (folder / "aside").rename(folder / "model.safetensors")
    (folder / "recipe.json").unlink()
    (problem,) = find_problems(folder)
    assert "recipe.json: expected the recipe of a head, found no file" in problem


def test_a_bit_flipped_in_the_page_of_a_table_is_found(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    write_table(path, pa.table({"clip_id": ["the first clip"]}))
    assert find_problems(path) == []
    path.write_bytes(path.read_bytes().replace(b"the first", b"the fifst", 1))
    (problem,) = find_problems(path)
    assert problem.startswith("not a readable Parquet file")


def test_a_folder_is_walked(tmp_path: Path) -> None:
    for name in FORMATS:
        build_store(tmp_path / name, name)
        shutil.rmtree(tmp_path / name / "work")
    write_table(tmp_path / "table.parquet", pa.table({"clip_id": ["a"]}))
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "foreign.parquet").write_bytes(b"a corpus's own")
    found = [(item.kind, item.path.name, item.problems) for item in verify_paths([tmp_path])]
    assert found == [("store", "out", ()), ("table", "table.parquet", ()), ("store", "out", ())]


def test_a_folder_without_anything_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="expected a store, a head, a table or a folder of them"):
        list(verify_paths([tmp_path]))
    with pytest.raises(StoreError, match="nothing: no such file or folder"):
        list(verify_paths([tmp_path / "nothing"]))


def test_a_joint_set_is_whole_while_its_members_are_those_that_were_joined(tmp_path: Path) -> None:
    for name in ("logmel", "mfcc"):
        write_features(tmp_path / name, {"a": make_vectors([[1.0]])})
    join_sets(tmp_path / "spectra", ["logmel", "mfcc"])
    assert Verified("joint", tmp_path / "spectra", ()) in verify_paths([tmp_path])
    write_features(tmp_path / "mfcc", {"b": make_vectors([[2.0]])})
    (problem,) = find_problems(tmp_path / "spectra")
    assert "'mfcc'" in problem
    (tmp_path / "spectra" / "joint.json").write_text("[]")
    assert (
        "joint.json: expected a joint set of this version, got another"
        in find_problems(tmp_path / "spectra")[0]
    )
