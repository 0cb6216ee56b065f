"""Reading a store: one clip by its id, or the rows of many at once."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Int64, Shaped
from pydantic import BaseModel, Field, ValidationError, model_validator

from pipeline.errors import StoreError, tell_first
from pipeline.limits import MOST_AXES, MOST_ROWS, MOST_SECONDS, MOST_SIZE
from pipeline.modalities import RowShape
from pipeline.rows import Rows
from pipeline.store import PART_FORMATS, ROW_FORMATS
from pipeline.store.contract import PartFormat
from pipeline.store.header import check_digest, read_header
from pipeline.store.index import Index, read_index
from pipeline.store.parquet import PARTS
from pipeline.store.parts import PartClip
from pipeline.store.tables import describe_schema
from pipeline.store.view_ids import find_views

HELD_BYTES = 2**27
"""Of a part of media that is read whole: larger ones are of a single long clip, nearly all."""


class Store:
    """A store opened for reading; parts are opened, and their digests checked, when first needed.

    Raises StoreError for bytes that are not those that were written.
    """

    held_parts: ClassVar[int | None] = None
    """Most parts that are held open; None holds all of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._header = read_header(path)
        self.part_format: str = self._header["part_format"]
        self.provenance: dict[str, Any] = self._header["provenance"]
        check_digest(path, self._header, "index.parquet")
        self.index: Index = read_index(path / "index.parquet")
        self._format: PartFormat = PART_FORMATS.load(self.part_format).PARTS
        self._opened: dict[int, Any] = {}
        for part in self.index.parts:
            if self._name_of(part) not in self._header["digests"]:
                raise StoreError(
                    f"{path}: the index names part {part}, which the header does not; `dvc pull` "
                    f"the store anew"
                )

    def __len__(self) -> int:
        return len(self.index)

    def __contains__(self, clip_id: str) -> bool:
        return clip_id in self.index.positions

    def __iter__(self) -> Iterator[str]:
        return iter(self.index.clip_ids)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r}, {self.describe()})"

    def describe(self) -> str:
        """What is here, for people: clips, views and how they lie."""
        clips, views = len(self) - len(self.views), len(self.views)
        counted = f"{clips} clips" + (f", {views} views of them" if views else "")
        return f"{counted}, in {len(self.index.parts)} {self.part_format} parts"

    @cached_property
    def views(self) -> frozenset[str]:
        """Ids of the views among the clips."""
        return find_views(self.index.positions, self.provenance)

    def has_rows(self, clip_id: str) -> bool:
        """Whether the clip is here with at least one row."""
        position = self.index.positions.get(clip_id)
        return position is not None and bool(self.index.rows[position])

    def list_keys(self) -> dict[str, str]:
        """clip_id → key, of every clip that has rows."""
        clips = zip(self.index.clip_ids, self.index.keys, self.index.rows, strict=True)
        return {clip_id: key for clip_id, key, rows in clips if rows}

    def list_records(self) -> dict[str, PartClip]:
        """clip_id → what the part with its rows says of it, for every clip that has some.

        Raises StoreError where a part is not there, or does not list a clip that the index names.
        """
        index, found = self.index, {}
        paths = [self._format.path_of(self.path / "parts", part) for part in index.parts]
        listed = [{(c.clip_id, c.key): c for c in self._format.read_clips(path)} for path in paths]
        for clip_id, key, number in zip(
            index.clip_ids, index.keys, index.part_numbers, strict=True
        ):
            if number < 0:
                continue
            if (clip_id, key) not in listed[number]:
                raise StoreError(
                    f"{paths[number]}: expected {clip_id} as the index says, found it not listed; "
                    f"run `moodline verify`"
                )
            found[clip_id] = listed[number][clip_id, key]
        return found

    def slice_clip(self, clip_id: str) -> Any:
        """Rows of a clip, None where it has none."""
        index, position = self.index, self._position_of(clip_id)
        if not index.rows.item(position):
            return None
        start = index.starts.item(position)
        opened = self.open_part(index.part_numbers.item(position))
        return self._format.slice_part(opened, start, start + index.rows.item(position))

    def open_part(self, number: int) -> Any:
        """Part `number` of the index, opened once, or again after others where few are held."""
        if number not in self._opened:
            if len(self._opened) == self.held_parts:
                del self._opened[next(iter(self._opened))]
            path = self._check_digest(number)
            opened = self._format.open_part(path)
            self._check_part(path, number, opened)
            self._opened[number] = opened
        return self._opened[number]

    def _check_digest(self, number: int) -> Path:
        """Path of a part of the index; raises StoreError unless it is there as it was written."""
        name = self._name_of(self.index.parts[number])
        if not (self.path / name).exists():
            raise StoreError(
                f"{self.path / name}: the index names this part, expected it here; `dvc pull`"
            )
        check_digest(self.path, self._header, name)
        return self.path / name

    def _name_of(self, part: str) -> str:
        """Path of a part within the store."""
        return f"parts/{self._format.path_of(Path(), part).name}"

    def _check_part(self, path: Path, number: int, opened: Any) -> None:
        """Raise StoreError where the index names rows that an opened part does not have."""
        own = self.index.part_numbers == number
        last = int((self.index.starts[own] + self.index.rows[own]).max(initial=0))
        if last > len(opened):
            raise StoreError(
                f"{path}: the index names {last:,} rows, the part has {len(opened):,}; `dvc pull` "
                f"the store anew"
            )

    def _position_of(self, clip_id: str) -> int:
        position = self.index.positions.get(clip_id)
        if position is None:
            raise StoreError(
                f"{self.path}: no clip {clip_id!r} among {len(self)}; run `dvc repro` to add it"
            )
        return position


class MediaStore(Store):
    """A store of media: `store[clip_id]` is a table of the clip's rows, None where it has none.

    A part is read into memory, so few are held: clips are best read in the order of `place_of`.
    """

    held_parts = 2

    def __init__(self, path: Path, schema: pa.Schema | None = None) -> None:
        super().__init__(path)
        _check_format(self, ("parquet",))
        self._schema = schema

    def __getitem__(self, clip_id: str) -> pa.Table | None:
        return self.slice_clip(clip_id)

    def read_rows(self, clip_id: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Rows of a clip, of `columns` alone if told, some at once: it may be of any length.

        Of a part of more than HELD_BYTES nothing is held, and each call reads anew.
        """
        index, position = self.index, self._position_of(clip_id)
        count, number = index.rows.item(position), index.part_numbers.item(position)
        if not count:
            return
        path = self.path / self._name_of(index.parts[number])
        if os.path.isfile(path) and path.stat().st_size <= HELD_BYTES:
            rows = self.slice_clip(clip_id)
            yield rows if columns is None else rows.select(columns)
            return
        start, path = index.starts.item(position), self._check_digest(number)
        for rows in PARTS.read_rows(path, start, start + count, columns):
            if self._schema is not None and columns is None:
                check_table(path, rows, self._schema)
            yield rows

    def read_columns(self, clip_id: str, columns: Sequence[str]) -> pa.Table | None:
        """These columns of a clip's rows, None where it has none."""
        rows = [*self.read_rows(clip_id, columns)]
        return pa.concat_tables(rows) if rows else None

    def read_schema(self) -> pa.Schema | None:
        """Columns of the rows, None where there are none."""
        filled = (clip_id for clip_id in self.index.clip_ids if self.has_rows(clip_id))
        table = next((self[clip_id] for clip_id in filled), None)
        return None if table is None else table.schema

    def _check_part(self, path: Path, number: int, opened: pa.Table) -> None:
        super()._check_part(path, number, opened)
        if self._schema is not None:
            check_table(path, opened, self._schema)

    def place_of(self, clip_id: str) -> tuple[int, int]:
        """Number of the part that a clip lies in, and its first row there."""
        position = self._position_of(clip_id)
        return self.index.part_numbers.item(position), self.index.starts.item(position)


class FeatureStore(Store):
    """A feature set: `store[clip_id]` is the clip's `Rows`, mapped, empty where it has none."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        _check_format(self, ROW_FORMATS)
        self._made = RowsMade.of(path / "store.json", self.provenance)
        self.row_shape: tuple[int, ...] = tuple(self._made.row_shape)
        """Shape of one row."""
        self._dtype = np.dtype(self._made.dtype)

    def describe(self) -> str:
        """What is here, and the shape of one row."""
        encoder = self.provenance["settings"].get("encoder")
        return f"{super().describe()}, {self.shape} a row by {encoder}"

    @property
    def shape(self) -> RowShape:
        """Shape of one row, with what its axes are."""
        layer = self.provenance["settings"].get("layer", 0)
        return RowShape.of(self.row_shape, layered=not isinstance(layer, int))

    def take_layer(self, place: int) -> "FeatureStore":
        """The same set with rows of one of its layers, by its place among them."""
        return _Layer(self, place)

    def rename(self, names: Mapping[str, str]) -> "FeatureStore":
        """The same set, its clips found under the ids of `names` (id → id here), and no others.

        Opened parts are shared with it: nothing is read twice.
        """
        renamed = copy(self)
        renamed.index = self.index.rename(names)
        renamed.views = find_views(renamed.index.positions, self.provenance)
        return renamed

    def __getitem__(self, clip_id: str) -> Rows:
        rows: Rows | None = self.slice_clip(clip_id)
        if rows is not None:
            return rows
        times = np.empty(0)
        return Rows(np.empty((0, *self.row_shape), np.float16), times, times, np.empty(0, bool))

    @cached_property
    def part_offsets(self) -> Int64[np.ndarray, " parts_and_end"]:
        """Number of the first row of each part when all parts' rows are counted through."""
        sizes = [len(self.open_part(number)) for number in range(len(self.index.parts))]
        return np.cumsum([0, *sizes])

    def first_row(self, clip_id: str) -> int:
        """Number of the clip's first row, counted as `part_offsets` does."""
        position = self._position_of(clip_id)
        offset = self.part_offsets[self.index.part_numbers[position]]
        return int(offset + self.index.starts[position])

    def take_rows(self, numbers: Int64[np.ndarray, " rows"]) -> Shaped[np.ndarray, "rows *row"]:
        """Embeddings of the rows of these numbers (see `first_row`), copied from the maps."""
        owners = np.searchsorted(self.part_offsets, numbers, side="right") - 1
        taken = np.empty((len(numbers), *self.row_shape), self._dtype)
        begins = np.flatnonzero(np.diff(owners, prepend=-1))
        for begin, end in zip(begins, [*begins[1:], len(numbers)], strict=False):
            owner = int(owners[begin])
            rows = numbers[begin:end] - self.part_offsets[owner]
            # With `clip`, NumPy copies straight into `out`; no number is beyond its part.
            self.open_part(owner).embedding.take(rows, axis=0, out=taken[begin:end], mode="clip")
        return taken

    def _check_part(self, path: Path, number: int, opened: Rows) -> None:
        super()._check_part(path, number, opened)
        self._made.check(path, opened)


class _Layer(FeatureStore):
    """A feature set of several layers, of which one is read; opened parts are shared with it."""

    def __init__(self, whole: FeatureStore, place: int) -> None:
        self.__dict__.update(whole.__dict__)
        self._whole, self._place = whole, place
        self.row_shape = whole.row_shape[1:]

    @property
    def shape(self) -> RowShape:
        return RowShape.of(self.row_shape)

    def rename(self, names: Mapping[str, str]) -> FeatureStore:
        return self._whole.rename(names).take_layer(self._place)

    def __getitem__(self, clip_id: str) -> Rows:
        rows = self._whole[clip_id]
        return replace(rows, embedding=rows.embedding[:, self._place])

    def take_rows(self, numbers: Int64[np.ndarray, " rows"]) -> Shaped[np.ndarray, "rows *row"]:
        return self._whole.take_rows(numbers)[:, self._place]


Size = Annotated[int, Field(ge=0, le=MOST_SIZE)]


class RowsMade(BaseModel):
    """What of a feature set's settings its rows are read by."""

    row_shape: list[Size] = Field(max_length=MOST_AXES - 1)
    dtype: Literal["float16", "float32", "float64", "uint8"]

    @model_validator(mode="after")
    def _check_size(self) -> "RowsMade":
        if math.prod(self.row_shape) > MOST_ROWS:
            raise ValueError("row_shape: expected rows that a file can hold")
        return self

    @staticmethod
    def of(header: Path, provenance: Mapping[str, Any]) -> "RowsMade":
        """That of a set of this provenance; raises StoreError, for its `header`, without any."""
        try:
            return RowsMade.model_validate(provenance["settings"])
        except ValidationError as error:
            raise StoreError(
                f"{header}: settings.{tell_first(error)}; extract the set again"
            ) from error

    def check(self, path: Path, opened: Rows) -> None:
        """Raise StoreError unless the part at `path`, which was `opened`, has such rows."""
        times = (opened.start_seconds, opened.end_seconds, opened.valid)
        shape, dtype = opened.embedding.shape[1:], opened.embedding.dtype
        expected = tuple(self.row_shape), np.dtype(self.dtype)
        if (shape, dtype) != expected or {x.shape for x in times} != {(len(opened),)}:
            raise StoreError(
                f"{path}: expected rows of shape {expected[0]} and {expected[1]}, got "
                f"{shape} and {dtype}, or times of other rows; extract the set again"
            )
        start, end, valid = times
        inside = (start >= 0) & (start <= end) & (end < MOST_SECONDS)
        if not inside.all() or valid.dtype != bool or (valid.view(np.uint8) > 1).any():
            raise StoreError(
                f"{path}: expected each row to begin at 0 s or later and end after that, got "
                f"others; extract the set again"
            )


def open_features(path: Path | str) -> FeatureStore:
    """Feature set at `path`; `open_features(path)[clip_id].embedding` is the clip's array.

    >>> features = open_features("features/none")  # the empty set, which comes with the project
    >>> len(features), "demo/speaker_01/clip_01" in features
    (0, False)
    """
    return FeatureStore(Path(path))


def open_media(path: Path | str, schema: pa.Schema | None = None) -> MediaStore:
    """Store of faces, scenes, audio or text at `path`, whose rows are of `schema`, if one is given.

    Rows of others, or with blanks, raise StoreError when they are first read.
    """
    return MediaStore(Path(path), schema)


def open_store(path: Path | str) -> FeatureStore | MediaStore:
    """Feature set or store of media at `path`, whichever it is."""
    features = read_header(Path(path))["part_format"] in ROW_FORMATS
    return open_features(path) if features else open_media(path)


def check_table(path: Path, opened: pa.Table, schema: pa.Schema) -> None:
    """Raise StoreError unless the part at `path`, which was `opened`, has rows of `schema`."""
    if not opened.schema.equals(schema):
        raise StoreError(
            f"{path}: expected columns {describe_schema(schema)}, got "
            f"{describe_schema(opened.schema)}; `dvc pull` the store anew"
        )
    if any(map(_has_blanks, opened.columns)):
        raise StoreError(f"{path}: expected all of each row, got blanks; `dvc pull` it anew")
    if "seconds" in schema.names:
        seconds = opened["seconds"].to_numpy()
        if not ((seconds >= 0) & (seconds < MOST_SECONDS)).all():
            raise StoreError(f"{path}: expected seconds from 0 on, got others; `dvc pull` it")


def _has_blanks(column: pa.ChunkedArray) -> bool:
    """Whether a value of a column, or one in its lists, is null."""
    listed = isinstance(column.type, (pa.ListType, pa.FixedSizeListType))
    return bool(column.null_count or (listed and column.combine_chunks().flatten().null_count))


def _check_format(store: Store, expected: Sequence[str]) -> None:
    if store.part_format not in expected:
        stage = store.provenance.get("stage")
        raise StoreError(
            f"{store.path}: expected a store of {' or '.join(expected)} parts, "
            f"got {store.part_format} parts made by stage {stage!r}"
        )
