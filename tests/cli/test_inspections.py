import io
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from rich.console import Console, RenderableType
from safetensors.torch import save_file

from pipeline.audits.inspection import inspect_path
from pipeline.cli import inspections
from pipeline.cli.inspections import show_found, show_labels
from pipeline.cli.printing import write_bytes
from pipeline.errors import StoreError
from pipeline.files import write_json
from pipeline.heads.recipes import Input, Recipe
from pipeline.rows import Rows
from pipeline.store.joint import join_sets
from pipeline.store.ledger import SCHEMA, Entry, write_ledger
from pipeline.store.provenance import Provenance
from pipeline.store.tables import write_table
from pipeline.store.writer import Made, StoreWriter
from tests.labels.labels_made import make_overview
from tests.stores import SECTIONS, make_rows, write_features

SOURCE = Provenance("clean", {"codec": "flac"}).to_json()


def show(path: Path) -> str:
    """What the terminal shows of `path`, spaces joined."""
    return print_all(show_found(path, inspect_path(path)))


def print_all(renderables: Iterable[RenderableType]) -> str:
    file = io.StringIO()
    console = Console(file=file, width=200)
    for renderable in renderables:
        console.print(renderable)
    return " ".join(file.getvalue().split())


def build_features(folder: Path, clips: int = 7) -> Path:
    settings = {"encoder": "toy", "row_shape": [3], "dtype": "float16"}
    ledger = [Entry("clip-0", "extract", "left_out", "no_rows", "too short")]
    with StoreWriter(folder / "work", Provenance("extract", settings, SOURCE), "zarr") as writer:
        for number in range(clips):
            times = np.arange(number, dtype=float)
            values = np.zeros((number, 3), np.float16)
            rows = Rows(values, times, times + 1, np.ones(number, bool))
            made = Made(rows) if number else Made(None, "left_out", "no_rows", "too short")
            writer.add(f"clip-{number}", "key", made)
        writer.close_part()
        places = writer.locate({f"clip-{number}": "key" for number in range(clips)})
        writer.publish(folder / "out", places, ledger)
    return folder / "out"


def build_media(folder: Path) -> Path:
    table = pa.table({"clip_id": ["a"], "flac": [b"sound"]})
    with StoreWriter(folder / "work", Provenance("clean", {"codec": "flac"}), "parquet") as writer:
        writer.add("a", "key", Made(table))
        writer.close_part()
        writer.publish(folder / "out", writer.locate({"a": "key"}), [])
    return folder / "out"


def build_head(folder: Path) -> Path:
    folder.mkdir()
    shapes = {"fold-0/weight": (5, 3), "fold-0/bias": (5,), "fold-0/count": ()}
    shapes.update({name.replace("0", "1"): shape for name, shape in shapes.items()})
    tensors = {name: torch.zeros(shape) for name, shape in shapes.items()}
    save_file(tensors, folder / "model.safetensors")
    source = Provenance("extract", {"encoder": "toy"}).to_json()
    recipe = Recipe(
        head="voice",
        params={"kind": "mlp", "training": {"epochs": 13}},
        sections=SECTIONS,
        emotions=["calm", "sad"],
        per={"emotion": "clip", "valence": "frame"},
        inputs={
            "audio": Input(
                name="toys",
                params={},
                row_shape=[3],
                row_axes=["dim"],
                index_digest="abc",
                provenance=source,
            )
        },
        priors={"fold-0": {}, "fold-1": {}},
        layer_shares={},
        unseen={},
        empty_windows={},
        weights_digest="",
        predictions_digest="",
        versions={"torch": "2.11.0"},
        git_revision=None,
    )
    write_json(folder / "recipe.json", recipe.model_dump(mode="json"))
    return folder


def test_a_feature_set_is_summed_up(tmp_path: Path) -> None:
    shown = show(build_features(tmp_path))
    assert "clips 7, left_out 1, ok 6" in shown
    assert "rows 21" in shown
    assert "row float16 (3,)" in shown
    assert "parts 1 of format zarr" in shown


def test_a_features_first_clips_are_listed(tmp_path: Path) -> None:
    shown = show(build_features(tmp_path))
    assert "clip-4 ok 4" in shown
    assert "clip-5" not in shown
    assert "… 2 more" in shown


def test_the_ledgers_reasons_are_counted(tmp_path: Path) -> None:
    assert "left_out no_rows 1" in show(build_features(tmp_path))


def test_provenance_is_shown_back_to_the_source(tmp_path: Path) -> None:
    shown = show(build_features(tmp_path))
    assert 'encoder: "toy"' in shown
    assert '── source │ ├── stage: "clean"' in shown


def test_a_store_of_media_shows_its_columns(tmp_path: Path) -> None:
    shown = show(build_media(tmp_path))
    assert "row clip_id string, flac binary" in shown
    assert "in the ledger" not in shown


def test_an_empty_store_is_shown(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "work", Provenance("clean", {}), "parquet") as writer:
        writer.publish(tmp_path / "out", {}, [])
    assert "clips 0" in show(tmp_path / "out")


def test_a_head_is_summed_up(tmp_path: Path) -> None:
    shown = show(build_head(tmp_path / "voice"))
    assert "predicts emotion per clip, valence per frame" in shown
    assert "runs fold-0, fold-1" in shown
    assert "weights 21 numbers per run" in shown
    assert "audio toys dim (3) toy abc" in shown
    assert "epochs: 13" in shown


def test_a_table_shows_columns_and_first_rows(tmp_path: Path) -> None:
    path = tmp_path / "some.parquet"
    write_table(path, pa.table({"clip_id": ["a", None], "jpeg": [b"12345", b""]}))
    shown = show(path)
    assert "rows 2" in shown
    assert "clip_id string a –" in shown
    assert "jpeg binary <5 bytes> <0 bytes>" in shown


def test_a_ledger_is_counted_as_well(tmp_path: Path) -> None:
    entries = [Entry(f"c{n}", "clean", "left_out", "too_short", "0.1 s") for n in range(3)]
    write_ledger(tmp_path / "ledger.parquet", entries)
    shown = show(tmp_path / "ledger.parquet")
    assert "left_out too_short 3" in shown
    assert SCHEMA.names[-1] in shown


def test_a_folder_lists_what_is_in_it(tmp_path: Path) -> None:
    build_features(tmp_path / "features").rename(tmp_path / "set")
    build_head(tmp_path / "voice")
    shown = show(tmp_path / "set") + show(tmp_path)
    assert "set store 7 clips, 21 rows" in shown
    assert "voice head mlp over audio, 2 runs" in shown


def test_anything_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "note.txt").touch()
    with pytest.raises(StoreError, match=r"note\.txt: expected a store, a head, a table"):
        show(tmp_path / "note.txt")
    (tmp_path / "broken.parquet").touch()
    for path in (tmp_path / "broken.parquet", tmp_path):
        with pytest.raises(StoreError, match=r"broken\.parquet: not a readable Parquet file"):
            show(path)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"{}")])
def test_a_head_without_readable_weights_is_refused(
    damage: Callable[[Path], object], tmp_path: Path
) -> None:
    damage(build_head(tmp_path / "voice") / "model.safetensors")
    with pytest.raises(StoreError, match=r"model\.safetensors: not readable weights"):
        show(tmp_path / "voice")


def test_sizes_have_units() -> None:
    assert [write_bytes(size) for size in (0, 999, 1000, 64_000_000)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "64.0 MB",
    ]


def test_a_joint_set_is_told_with_its_members(tmp_path: Path) -> None:
    for name in ("logmel", "mfcc"):
        write_features(tmp_path / name, {"a": make_rows([[1.0]])})
    join_sets(tmp_path / "spectra", ["logmel", "mfcc"])
    assert show(tmp_path / "spectra").endswith("spectra feature sets logmel, mfcc")
    assert "spectra joint logmel + mfcc" in show(tmp_path)


def test_labels_are_told_by_side_with_what_clean_left_out(tmp_path: Path) -> None:
    labels = [{"emotion": "sad", "valence": 0.5, "votes": (("sad", 3.0), ("happy", 1.0))}] * 2
    losses = [Entry("toy/1", "clean", "left_out", "too_short", "0.2 s")]
    places = [{"split": "train"}, {"split": "val"}]
    make_overview(tmp_path, labels, places, seconds={"toy/0": 1.25}, losses=losses)
    told = print_all(show_labels(tmp_path / "labels"))
    for line in (
        "train val all",
        "usable 1 0 1",
        "sad 1 1 2",
        "valence 2 0.500 0.500 0.500",
        "voters agree: 75% of votes go to a clip's first class; 0 of 2 clips have several",
        "1.25 s toy/0 1.25 s toy/0",
        "left_out too_short 1",
    ):
        assert line in told


def test_labels_that_nobody_cleaned_are_told_without_it(tmp_path: Path) -> None:
    make_overview(tmp_path, [{"emotion": "sad"}])
    told = print_all(show_labels(tmp_path / "labels"))
    assert "clips 1 1" in told
    assert "usable" not in told


def test_of_a_table_of_very_many_columns_the_first_are_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(inspections, "MOST_COLUMNS", 3)
    write_table(tmp_path / "wide.parquet", pa.table({f"c{n}": [1.5, 2.5] for n in range(10)}))
    shown = show(tmp_path / "wide.parquet")
    assert "columns 10" in shown
    assert "c2 double 1.5 2.5 … 7 more" in shown
    assert "c3" not in shown
