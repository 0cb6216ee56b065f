"""Bytes of a store that are not those that were written, and who finds them.

`moodline verify` finds every one of them; a reader those of the files that it uses.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.audits.verification import verify_paths
from pipeline.errors import StoreError
from pipeline.files import remove
from pipeline.rows import Rows
from pipeline.store import PART_FORMATS, ROW_FORMATS
from pipeline.store.contract import Content
from pipeline.store.header import read_header, seal_header
from pipeline.store.ledger import Entry, read_ledger
from pipeline.store.provenance import Provenance
from pipeline.store.reader import open_features, open_media
from pipeline.store.work import WorkParts
from pipeline.store.writer import Made, StoreWriter
from tests.stores import make_rows

SETTINGS = {"encoder": "é", "row_shape": [3], "dtype": "float16", "floor": 1e-05, "top": 1e300}
PROVENANCE = Provenance("extract", SETTINGS)
UNREAD = {"ledger.parquet", "parts/zarr.json"}
"""Files that a reader of clips has no use for."""

Change = Callable[[bytes], bytes]


def make_content(part_format: str, count: int) -> Content:
    if part_format in ROW_FORMATS:
        return make_rows([[count, row, 0.5] for row in range(count)])
    rows = [{"clip_id": "é", "jpeg": f"picture {row} of {count}".encode()} for row in range(count)]
    return pa.Table.from_pylist(rows, schema=pa.schema({"clip_id": "string", "jpeg": "binary"}))


class Published:
    """A store of clips `a` to `d` in two parts, the last without rows, and its work store."""

    def __init__(self, root: Path, part_format: str) -> None:
        self.root = root
        self.part_format = part_format
        self.format = PART_FORMATS.load(part_format).PARTS
        self.path = root / "out"
        self.add(a=2)
        self.add(b=3, c=1, d=0)
        self.publish("abcd")
        self.files = sorted(
            path.relative_to(self.path).as_posix()
            for path in self.path.rglob("*")
            if path.is_file()
        )

    def add(self, **counts: int) -> None:
        """Commit one part, of clips of so many rows."""
        with self.write() as writer:
            for clip_id, count in counts.items():
                content = make_content(self.part_format, count) if count else None
                writer.add(clip_id, clip_id, Made(content, "ok" if count else "left_out"))

    def publish(self, clip_ids: str) -> None:
        with self.write() as writer:
            places = writer.locate({clip_id: clip_id for clip_id in clip_ids})
            writer.publish(self.path, places, [Entry("d", "extract", "left_out", "no_rows", "é")])

    def write(self) -> StoreWriter:
        return StoreWriter(self.root / "work", PROVENANCE, self.part_format)

    def work(self) -> WorkParts:
        return WorkParts(self.root / "work", PROVENANCE.fingerprint, self.part_format)

    def read(self) -> list[str]:
        """Digest of each clip's rows, by a reader that opens the store and reads them all."""
        store = (open_features if self.part_format in ROW_FORMATS else open_media)(self.path)
        return [self.format.digest_content(store.slice_clip(clip_id)) for clip_id in "abc"]

    def parts(self) -> list[Path]:
        return sorted(path for path in (self.path / "parts").iterdir() if path.name != "zarr.json")

    def problems(self) -> list[str]:
        (found,) = verify_paths([self.path])
        return list(found.problems)

    def check_found(self, *names: str) -> None:
        """Whoever uses the damaged files `names` is told which they are, and others read on."""
        problems = self.problems()
        for name in map(part_or_file, names):
            assert any(name in problem for problem in problems)
        if {*names} <= UNREAD:
            assert len(self.read()) == 3
        else:
            with pytest.raises(StoreError) as refused:
                self.read()
            assert any(part_or_file(name) in str(refused.value) for name in names)


def part_or_file(name: str) -> str:
    return "/".join(Path(name).parts[:2])


every_format = pytest.mark.parametrize("part_format", PART_FORMATS.members)


@pytest.fixture(scope="module", params=PART_FORMATS.members)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """One store for many kinds of damage, each of which is undone."""
    return Published(tmp_path_factory.mktemp("store"), request.param)


@contextmanager
def changed(file: Path, change: Change) -> Iterator[None]:
    whole = file.read_bytes()
    file.write_bytes(change(whole))
    try:
        yield
    finally:
        file.write_bytes(whole)


def flip(bit: int) -> Change:
    def change(whole: bytes) -> bytes:
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        return bytes(flipped)

    return change


def draw_flip(data: st.DataObject, file: Path) -> Change:
    return flip(data.draw(st.integers(0, 8 * file.stat().st_size - 1), "bit"))


@given(data=st.data())
@settings(max_examples=40)
def test_a_flipped_bit_is_found_wherever_it_is(store: Published, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(store.files))
    with changed(store.path / name, draw_flip(data, store.path / name)):
        store.check_found(name)


@given(data=st.data())
@settings(max_examples=40)
def test_a_file_that_is_cut_short_or_goes_on_is_found(
    store: Published, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(store.files))
    length = data.draw(st.integers(0, (store.path / name).stat().st_size - 1))
    more = data.draw(st.binary(min_size=1, max_size=3))
    change = data.draw(st.sampled_from([lambda whole: whole[:length], lambda whole: whole + more]))
    with changed(store.path / name, change):
        store.check_found(name)


def test_a_missing_file_is_found_whichever_it_is(store: Published) -> None:
    for name in store.files:
        file, aside = store.path / name, store.root / "aside"
        file.rename(aside)
        store.check_found(name)
        aside.rename(file)


def test_a_store_as_it_was_written_is_read_and_is_whole(store: Published) -> None:
    assert len({*store.read()}) == 3
    assert store.problems() == []


@every_format
def test_parts_that_changed_places_are_both_found(part_format: str, tmp_path: Path) -> None:
    store = Published(tmp_path, part_format)
    first, second = store.parts()
    first.rename(tmp_path / "aside")
    second.rename(first)
    (tmp_path / "aside").rename(second)
    store.check_found(f"parts/{first.name}", f"parts/{second.name}")


@every_format
def test_a_part_too_many_is_named_and_harms_no_reader(part_format: str, tmp_path: Path) -> None:
    store = Published(tmp_path, part_format)
    part, before = store.parts()[0], store.read()
    extra = part.with_name(f"{'0' * 32}{part.suffix}")
    (shutil.copytree if part.is_dir() else shutil.copy)(part, extra)
    assert store.problems() == [f"parts/{extra.name}: not a file of this store"]
    assert store.read() == before


def test_a_file_too_many_in_a_part_is_found(tmp_path: Path) -> None:
    store = Published(tmp_path, "zarr")
    part = store.parts()[0]
    (part / "embedding" / "c" / "1").write_bytes(b"\0")
    store.check_found(f"parts/{part.name}")


def test_a_number_of_the_header_that_became_infinite_is_found(tmp_path: Path) -> None:
    store = Published(tmp_path, "zarr")
    with changed(store.path / "store.json", lambda whole: whole.replace(b"1e+300", b"1e+700")):
        store.check_found("store.json")


def test_a_header_of_another_version_is_named(tmp_path: Path) -> None:
    store = Published(tmp_path, "zarr")
    text = seal_header({**read_header(store.path), "format_version": 2})
    (store.path / "store.json").write_text(text)
    with pytest.raises(StoreError, match=r"store\.json: expected .* format_version 1, got 2"):
        store.read()


@given(data=st.data())
@settings(max_examples=50)
def test_a_flipped_bit_of_the_ledger_is_found_by_its_reader(
    store: Published, data: st.DataObject
) -> None:
    ledger = store.path / "ledger.parquet"
    refused = pytest.raises(StoreError, match=r"ledger\.parquet")
    with changed(ledger, draw_flip(data, ledger)), refused:
        read_ledger(ledger)


@given(data=st.data())
@settings(max_examples=40)
def test_the_list_of_a_part_in_the_work_store_is_right_or_refused(
    store: Published, data: st.DataObject
) -> None:
    before = store.work()
    path = before.path_of(data.draw(st.sampled_from(sorted(before.parts))))
    listing = path / "zarr.json" if path.is_dir() else path
    with changed(listing, draw_flip(data, listing)):
        try:
            found = store.work().parts
        except StoreError as error:
            told = str(error)
        else:
            told = str(path) if found == before.parts else ""
        assert str(path) in told


def spoil(store: Published) -> Path:
    """Flip a bit of a middle row of clip `b` in the work store; returns its part."""
    part = store.work().path_of(store.work().locate({"b": "b"})["b"].part)
    content = make_content(store.part_format, 3)
    held = content.embedding.tobytes() if isinstance(content, Rows) else b"picture 1 of 3"
    files = [part, *part.rglob("*")]
    (file,) = (path for path in files if path.is_file() and held in path.read_bytes())
    file.write_bytes(flip(8 * file.read_bytes().index(held))(file.read_bytes()))
    return part


@every_format
def test_what_is_damaged_in_the_work_store_is_not_published(
    part_format: str, tmp_path: Path
) -> None:
    store = Published(tmp_path, part_format)
    part = spoil(store)
    remove(store.path)
    with pytest.raises(StoreError, match=f"{part.name}: not the bytes that were written; remove"):
        store.publish("abcd")


@every_format
def test_what_is_damaged_in_the_work_store_is_not_packed_as_good(
    part_format: str, tmp_path: Path
) -> None:
    store = Published(tmp_path, part_format)
    part = spoil(store)
    with pytest.raises(StoreError, match=part.name):
        store.publish("ac")  # one of the part's four rows: it is to be written anew


@pytest.mark.parametrize("part_format", ROW_FORMATS)
def test_what_is_damaged_in_the_work_store_is_not_rewritten_as_good(
    part_format: str, tmp_path: Path
) -> None:
    part = spoil(Published(tmp_path, part_format))
    (other,) = {*ROW_FORMATS} - {part_format}
    with (
        StoreWriter(tmp_path / "work", PROVENANCE, other) as writer,
        pytest.raises(StoreError, match=part.name),
    ):
        writer.missing({"b": "b"}, tmp_path / "other")


@every_format
def test_what_was_damaged_before_its_digest_was_noted_is_not_published_as_good(
    part_format: str, tmp_path: Path
) -> None:
    store = Published(tmp_path, part_format)
    part = spoil(store)
    for note in part.parent.glob(".*.digest"):
        note.unlink()
    with pytest.raises(StoreError, match=part.name):
        store.publish("abcd")


def test_a_recipe_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_bytes(b'{"head": "\xff"}')
    (found,) = verify_paths([tmp_path])
    (problem,) = found.problems
    assert "recipe.json: expected the recipe of a head of this version" in problem
