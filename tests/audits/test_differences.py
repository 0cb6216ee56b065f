from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline.audits.differences import Differences, compare_stores
from pipeline.audits.differences.settings import Change, compare_provenance
from pipeline.audits.differences.values import BLOCK_VALUES, Largest, measure_row_differences
from pipeline.cli import main
from pipeline.cli.comparisons import list_differences
from pipeline.errors import StoreError
from pipeline.rows import Rows
from pipeline.store import RowFormat
from pipeline.store.index import rowless
from pipeline.store.parts import Status
from pipeline.store.provenance import Provenance, derive_key
from pipeline.store.writer import Made, StoreWriter
from tests.stores import make_rows

SETTINGS = {"encoder": "toy", "coefficients": 20, "row_shape": [3], "dtype": "float16"}
CLEAN = Provenance("clean", {"codec": "flac", "version": 1})
VALUES = [[3.0, 0.0, 4.0], [1.0, 2.0, 2.0]]
ROWS = make_rows(VALUES)


def write_store(
    out: Path,
    contents: Mapping[str, Rows | pa.Table | None],
    settings: Mapping[str, Any] = SETTINGS,
    *,
    source: Provenance = CLEAN,
    media: str = "bytes",
    status: Status = "ok",
    row_format: RowFormat = "zarr",
) -> Path:
    """Store at `out`: clip → content, None for an absent one; `media` stands for all clips' own."""
    made = Provenance("extract", dict(settings), source.to_json())
    tables = any(isinstance(content, pa.Table) for content in contents.values())
    keys = {
        clip_id: derive_key(
            derive_key(f"{media} of {clip_id}", source.fingerprint), made.fingerprint
        )
        for clip_id in contents
    }
    filled = {clip_id: content for clip_id, content in contents.items() if content is not None}
    work = out.parent / f".{out.name}.work"
    with StoreWriter(work, made, "parquet" if tables else row_format) as writer:
        for clip_id, content in filled.items():
            writer.add(clip_id, keys[clip_id], Made(content, status))
        writer.close_part()
        places = {clip_id: rowless(clip_id) for clip_id in contents}
        places |= writer.locate({clip_id: keys[clip_id] for clip_id in filled})
        writer.publish(out, places, [])
    return out


def compare(first: Path, second: Path, tolerance: float = 1e-3) -> tuple[Differences, str]:
    found = compare_stores(first, second, tolerance)
    return found, "\n".join(list_differences(found))


def compare_rows(folder: Path, first: Rows, second: Rows) -> tuple[Differences, str]:
    """One clip of `first` in A, of `second` in B."""
    return compare(
        write_store(folder / "a", {"x": first}), write_store(folder / "b", {"x": second})
    )


def make_faces(*jpegs: bytes, score: float = 0.5) -> pa.Table:
    rows = [{"jpeg": jpeg, "score": score, "landmarks": [float("nan")]} for jpeg in jpegs]
    return pa.Table.from_pylist(rows)


def test_a_store_is_the_same_as_its_copy(tmp_path: Path) -> None:
    clips = {"x": ROWS, "y": ROWS, "z": None}
    found, shown = compare(*(write_store(tmp_path / name, clips) for name in "ab"))
    assert found.same
    assert shown.splitlines()[2:] == [
        "made in the same way",
        "clips: 3 in both",
        "  keys equal: 3",
        "values of 2 clips: 2 equal bit for bit, 0 within 0.001, 0 beyond",
        "the content is the same",
    ]


def test_every_setting_that_differs_is_told_through_the_chain(tmp_path: Path) -> None:
    first = write_store(tmp_path / "a", {"x": ROWS})
    cleaner = Provenance("clean", {"codec": "flac", "version": 2})
    second = write_store(
        tmp_path / "b", {"x": ROWS}, {**SETTINGS, "coefficients": 7}, source=cleaner
    )
    found, shown = compare(first, second)
    assert found.same
    assert found.changes == (
        Change("extract", "settings.coefficients", ("20", "7")),
        Change("clean", "settings.version", ("1", "2")),
    )
    assert (
        "\n  extract  settings.coefficients: 20 → 7\n  clean    settings.version: 1 → 2\n" in shown
    )
    assert "\n  keys differ by the settings above: 1 (x)\n" in shown


@pytest.mark.parametrize(
    ("first", "second", "path", "texts"),
    [
        ({"hop": 1}, {"hop": 1.0}, "settings.hop", ("1", "1.0")),
        ({"on": True}, {"on": 1}, "settings.on", ("true", "1")),
        ({"trunk": {"layer": 9}}, {"trunk": {"layer": 7}}, "settings.trunk.layer", ("9", "7")),
        ({"hop": None}, {}, "settings.hop", ("null", "none")),
        ({}, {"trunk": {"layer": 7}}, "settings.trunk.layer", ("none", "7")),
    ],
)
def test_a_setting_is_told_by_its_path_as_json(first, second, path, texts) -> None:
    records = (Provenance("extract", settings).to_json() for settings in (first, second))
    assert list(compare_provenance(*records)) == [Change("extract", path, texts)]


def test_another_source_is_told_by_its_stage() -> None:
    faces = Provenance("faces", {"rate_hz": 5.0})
    both = [Provenance("extract", {}, source.to_json()).to_json() for source in (CLEAN, faces)]
    assert list(compare_provenance(*both)) == [Change("clean", "stage", ("clean", "faces"))]
    alone = Provenance("extract", {}).to_json()
    assert list(compare_provenance(alone, both[0])) == [Change("clean", "stage", ("none", "clean"))]
    assert list(compare_provenance(both[1], alone)) == [Change("faces", "stage", ("faces", "none"))]


def test_a_fingerprint_that_is_not_its_settings_is_told() -> None:
    record = CLEAN.to_json()
    (change,) = compare_provenance(record, {**record, "fingerprint": "other"})
    assert change == Change("clean", "fingerprint", (CLEAN.fingerprint, "other"))


def test_another_part_format_is_no_other_content(tmp_path: Path) -> None:
    contents = {"x": ROWS, "y": None}
    first = write_store(tmp_path / "a", contents)
    second = write_store(tmp_path / "b", contents, row_format="hdf5")
    found, shown = compare(first, second)
    assert found.same
    assert "made in the same way\npart format: zarr → hdf5, no difference of content\n" in shown


def test_clips_in_one_store_alone_are_named(tmp_path: Path) -> None:
    first = write_store(tmp_path / "a", dict.fromkeys("stuvx", ROWS))
    second = write_store(tmp_path / "b", dict.fromkeys("xyz", ROWS))
    found, shown = compare(first, second)
    assert not found.same
    assert "\nclips: 1 in both; 4 only in A (s, t, u, …); 2 only in B (y, z)\n" in shown


def test_a_key_may_differ_by_the_clips_own_input(tmp_path: Path) -> None:
    first = write_store(tmp_path / "a", {"x": ROWS})
    found, shown = compare(first, write_store(tmp_path / "b", {"x": ROWS}, media="other bytes"))
    assert found.same
    cause = "by the clip's own input (other media bytes, stretch or words): 1 (x)"
    assert (
        f"made in the same way\nclips: 1 in both\n  keys equal: 0\n  keys differ {cause}" in shown
    )


def test_a_clip_without_rows_in_one_store_is_told(tmp_path: Path) -> None:
    first = write_store(tmp_path / "a", {"x": ROWS, "y": ROWS})
    found, shown = compare(first, write_store(tmp_path / "b", {"x": ROWS, "y": None}))
    assert not found.same
    told = "status differs, or rows in one alone: 1, as y: ok, 2 rows → absent, 0 rows"
    assert (
        f"\n  {told}\n  keys equal: 1\n  a key in one alone, nothing made in the other: 1 (y)"
        in shown
    )


def test_another_status_is_a_difference(tmp_path: Path) -> None:
    first = write_store(tmp_path / "a", {"x": ROWS})
    found, shown = compare(first, write_store(tmp_path / "b", {"x": ROWS}, status="marked"))
    assert not found.same
    assert "x: ok, 2 rows → marked, 2 rows" in shown


def test_differences_are_counted_by_the_tolerance(tmp_path: Path) -> None:
    far, near = np.array(VALUES, np.float16), np.array(VALUES, np.float16)
    far[1, 2], near[0, 2] = 2.5, np.nextafter(np.float16(4), np.float16(5))
    first = write_store(tmp_path / "a", dict.fromkeys("xyz", ROWS))
    second = write_store(
        tmp_path / "b", {"x": ROWS, "y": replace(ROWS, embedding=near), "z": make_rows(far)}
    )
    found, shown = compare(first, second)
    assert "values of 3 clips: 1 equal bit for bit, 1 within 0.001, 1 beyond (z)\n" in shown
    assert "largest absolute difference: 0.5 (z, row 1)\n" in shown
    assert "largest |a - b| / max(|a|, |b|) of a row: 0.149 (z, row 1)\n" in shown
    assert found.contents.find_largest()[1].amount == pytest.approx(0.5 / 11.25**0.5)
    assert [compare(first, second, limit)[0].same for limit in (0.14, 0.15)] == [False, True]


def test_a_relative_difference_is_over_the_norms_of_the_row() -> None:
    first = np.array([[3.0, 4.0], [0.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    second = np.array([[3.0, 4.5], [0.0, 0.0], [0.0, 5.0], [-1.0, 0.0]])
    absolute, relative = measure_row_differences(first, second)
    np.testing.assert_array_equal(absolute, [0.5, 0, 5, 2])
    np.testing.assert_allclose(relative, [0.5 / np.hypot(3, 4.5), 0, 1, 2])


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_a_relative_difference_knows_no_scale(scale: float) -> None:
    rows = np.array([[3.0, 4.0]], np.float32) * np.float32(scale)
    assert measure_row_differences(rows, rows * 2)[1] == pytest.approx(0.5)


def test_values_that_are_not_finite_are_equal_only_to_themselves() -> None:
    first = np.array([[np.nan, 1], [np.inf, 1], [np.nan, 1], [-np.inf, 1], [np.nan, 3]], np.float16)
    second = np.array([[np.nan, 1], [np.inf, 1], [5, 1], [np.inf, 1], [np.nan, 4]], np.float16)
    absolute, relative = measure_row_differences(first, second)
    np.testing.assert_array_equal(absolute, [0, 0, np.inf, np.inf, 1])
    np.testing.assert_allclose(relative, [0, 0, np.inf, np.inf, 0.25])


def test_rows_of_any_shape_are_measured() -> None:
    rows = np.arange(2 * 3 * 5, dtype=np.uint8).reshape(2, 3, 5)
    assert [values.tolist() for values in measure_row_differences(rows, rows)] == [[0, 0], [0, 0]]
    assert measure_row_differences(rows[:, 0, 0], rows[::-1, 0, 0])[0].tolist() == [15, 15]
    assert measure_row_differences(np.empty((2, 0)), np.empty((2, 0)))[1].tolist() == [0, 0]


def test_nan_is_equal_bit_for_bit(tmp_path: Path) -> None:
    rows = make_rows([[np.nan, 1.0, 2.0]])
    found, shown = compare_rows(tmp_path, rows, rows)
    assert found.same
    assert "1 equal bit for bit" in shown


def test_dtypes_may_differ(tmp_path: Path) -> None:
    single = replace(ROWS, embedding=np.array(VALUES, np.float32) * np.float32(1 + 1e-5))
    first = write_store(tmp_path / "a", {"x": ROWS})
    second = write_store(tmp_path / "b", {"x": single}, {**SETTINGS, "dtype": "float32"})
    found, shown = compare(first, second)
    assert found.same
    assert '  extract  settings.dtype: "float16" → "float32"' in shown
    assert "0 equal bit for bit, 1 within 0.001, 0 beyond" in shown


def test_a_clip_of_more_than_a_block_is_compared_to_its_end(tmp_path: Path) -> None:
    rows = BLOCK_VALUES // 3 + 5
    first, second = np.ones((2, rows, 3), np.float16)
    second[-1, 1] = 3
    found, _ = compare_rows(tmp_path, make_rows(first), make_rows(second))
    assert found.contents.find_largest()[0] == Largest(2.0, "x", rows - 1)


def test_another_number_of_rows_is_a_difference(tmp_path: Path) -> None:
    found, shown = compare_rows(tmp_path, ROWS, make_rows(VALUES[:1]))
    assert not found.same
    assert "values of 0 clips: " in shown
    assert "\n  another number of rows, not compared: 1 (x)\n" in shown


def test_other_times_are_a_difference(tmp_path: Path) -> None:
    found, shown = compare_rows(tmp_path, ROWS, make_rows(VALUES, step=1.01))
    assert not found.same
    assert "1 equal bit for bit" in shown
    assert "\n  other times: 1 (x)\n" in shown


def test_times_of_the_same_microsecond_are_the_same(tmp_path: Path) -> None:
    assert compare_rows(tmp_path, ROWS, make_rows(VALUES, step=1 + 1e-9))[0].same


def test_other_valid_flags_are_a_difference(tmp_path: Path) -> None:
    found, shown = compare_rows(tmp_path, ROWS, make_rows(VALUES, valid=[True, False]))
    assert not found.same
    assert "\n  other valid flags: 1 (x)\n" in shown


def test_rows_of_other_shapes_are_not_compared(tmp_path: Path) -> None:
    first = write_store(tmp_path / "a", {"x": ROWS})
    second = write_store(
        tmp_path / "b", {"x": make_rows([[1.0] * 5])}, {**SETTINGS, "row_shape": [5]}
    )
    found, shown = compare(first, second)
    assert not found.same
    assert "settings.row_shape: [3] → [5]" in shown
    assert "\nvalues: not compared, for their rows have other shapes\n" in shown


def test_media_are_compared_by_their_digests(tmp_path: Path) -> None:
    same = make_faces(b"one", b"two")
    first = write_store(tmp_path / "a", {"x": same, "y": make_faces(b"a"), "z": make_faces(b"a")})
    second = write_store(
        tmp_path / "b", {"x": same, "y": make_faces(b"b"), "z": make_faces(b"a", score=0.7)}
    )
    found, shown = compare(first, second)
    assert not found.same
    assert "\ncontent of 3 clips: 1 equal, 2 not (y, z), in jpeg, score\n" in shown
    assert compare(first, first)[0].same


def test_media_are_not_compared_with_features(tmp_path: Path) -> None:
    first = write_store(tmp_path / "a", {"x": ROWS})
    second = write_store(tmp_path / "b", {"x": make_faces(b"a")})
    with pytest.raises(StoreError, match=r"b: expected features as in .*a, got media; compare two"):
        compare_stores(first, second, 1e-3)


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    store = write_store(tmp_path / "a", {"x": ROWS})
    with pytest.raises(StoreError, match=r"nothing/store\.json: expected a store, found no file"):
        compare_stores(store, tmp_path / "nothing", 1e-3)
    with pytest.raises(StoreError, match=r"index\.parquet: expected the folder of a store"):
        compare_stores(store / "index.parquet", store, 1e-3)


def run_diff(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main(["diff", *map(str, arguments)])
    return ended.value.code


def test_the_status_is_that_of_the_content(tmp_path: Path, capsys) -> None:
    first = write_store(tmp_path / "a", {"x": ROWS})
    second = write_store(tmp_path / "b", {"x": make_rows(np.multiply(VALUES, 1.25))})
    assert run_diff(first, first) == 0
    assert capsys.readouterr().out.endswith("\nthe content is the same\n")
    assert run_diff(first, second) == 1
    assert capsys.readouterr().out.endswith("\nthe content differs\n")
    assert run_diff(first, second, "--tolerance", "0.25") == 0
    told = f"moodline: {tmp_path}/store.json: expected a store"
    assert str(run_diff(first, tmp_path)).startswith(told)
