"""Any corpus described by one CSV or Parquet table: a row for each clip, `path` its one duty.

Words of the table are taken as they stand ("01" stays "01"); an empty cell is a label not given,
and -5, Aff-Wild2's mark, is one for ratings of frames. Every column must be moodline's, mapped to
one by `columns`, or listed in `ignore`: a misspelt label never goes missing unseen. Votes and
scores have a column for each class: `votes.happy`, `emotions.happy`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from pipeline.errors import CorpusError, ParamsError
from pipeline.families import suggest
from pipeline.labels.clip_labels import ClipLabels, Label
from pipeline.labels.clips import Clip
from pipeline.labels.corpora import Corpus
from pipeline.labels.corpora.params import TableParams
from pipeline.labels.emotions import Names
from pipeline.targets import TARGETS, Target


def _without_mark(value: object) -> object:
    return None if re.fullmatch(r"\s*-5(\.0*)?\s*", str(value)) else value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class PlainRow(BaseModel):
    """One row of the table under moodline's column names, without its labels."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    path: Text
    clip_id: Text | None = None
    start_seconds: Seconds | None = None
    end_seconds: Seconds | None = None
    subject: Text | None = None
    group: Text | None = None
    dialogue: Text | None = None
    turn: int | None = None
    transcript: Text | None = None
    crops: Text | None = None
    split: Literal["train", "val", "test"] | None = None
    fold: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def check_stretch(self) -> "PlainRow":
        """Refuse half a stretch, or one that ends before it starts."""
        start, end = self.start_seconds, self.end_seconds
        if (start is None) != (end is None):
            raise PydanticCustomError("stretch", "start_seconds and end_seconds go together")
        if start is not None and end is not None and end <= start:
            raise PydanticCustomError("stretch", "end_seconds must come after start_seconds")
        return self

    @property
    def labels(self) -> dict[str, Any]:
        """Target → label, of those that are given."""
        found = {name: getattr(self, name) for name in TARGETS}
        return {name: label for name, label in found.items() if label is not None}


def _without_blanks(value: Any) -> Any:
    """None for a label that is blank for every class."""
    return None if isinstance(value, dict) and None in value.values() else value


def _type_label(target: Target) -> Any:
    """Type of a label, and its default."""
    if target.kind == "class":
        return Text | None, None
    if target.behaviour.vector:
        numbers = dict[Text, Annotated[float, Field(ge=0, allow_inf_nan=False)]] | None
        return Annotated[numbers, BeforeValidator(_without_blanks)], None
    rated = Annotated[float, Field(ge=target.low, le=target.high, allow_inf_nan=False)] | None
    return Annotated[rated, BeforeValidator(_without_mark)] if target.framed else rated, None


Row: Any = create_model(
    "Row", __base__=PlainRow, **{name: _type_label(target) for name, target in TARGETS.items()}
)

ROWS = TypeAdapter(list[Row])
VECTORS = [name for name, target in TARGETS.items() if target.behaviour.vector]
"""Targets with a column for each class, such as `votes.happy`."""

COLUMNS = tuple(name for name in Row.model_fields if name not in VECTORS)


def read(params: TableParams) -> Corpus:
    """Clips and targets of the table's rows; raises CorpusError that names row and column."""
    path = Path(params.root) / params.table
    rows = _parse_rows(path, _read_columns(path, params))
    numbered = _number_clips(path, rows)
    clips = [_make_clip(clip_id, Path(params.root), row) for clip_id, (_, row) in numbered]
    if not any(Path(clip.path).exists() for clip in clips):
        raise CorpusError(
            f"{path}: none of its {len(clips)} files exists, the first being {clips[0].path}; "
            "paths are taken below corpus.root, mend one or the other"
        )
    names = _make_names(params, rows)
    targets = [
        _make_target(clip_id, row, names, f"{path}: row {number}")
        for clip_id, (number, row) in numbered
    ]
    return Corpus(clips=clips, targets=targets, names=names)


def _read_columns(path: Path, params: TableParams) -> list[dict[str, Any]]:
    """Rows of the table at `path` with moodline's columns alone, under moodline's names."""
    for column in params.columns:
        if column not in COLUMNS and not _is_of_class(column):
            raise ParamsError(f"corpus.columns: unknown column {column!r}; {_suggest(column)}")
    if not path.is_file():
        raise CorpusError(f"{path}: no such table; mend corpus.root or corpus.table")
    if path.suffix not in _READERS:
        raise CorpusError(f"{path}: expected {' or '.join(_READERS)}, got {path.suffix!r}")
    sources = {column: params.columns.get(column, column) for column in COLUMNS}
    try:
        table = _READERS[path.suffix](path, sources.values())
    except (pa.ArrowException, OSError) as error:
        raise CorpusError(f"{path}: not a readable table ({error}); mend it") from error
    _check_columns(path, table.column_names, params)
    taken = {
        column: source
        for column, source in sources.items()
        if source in table.column_names and source not in params.ignore
    }
    rows: list[dict[str, Any]] = (
        table.select(list(taken.values())).rename_columns(list(taken)).to_pylist()
    )
    own = {name: name for name in table.column_names if _is_of_class(name)}
    mapped = {name: source for name, source in params.columns.items() if _is_of_class(name)}
    for column, source in (own | mapped).items():
        if source not in params.ignore:
            _add_class(rows, column, table[source].to_pylist(), path)
    return rows


def _is_of_class(column: str) -> bool:
    """Whether a column is about one class of a target, as `votes.happy` is."""
    target, dot, word = column.partition(".")
    return bool(target in VECTORS and dot and word.strip())


def _add_class(
    rows: Sequence[dict[str, Any]], column: str, cells: Sequence[Any], path: Path
) -> None:
    """Add a class's numbers to the label that each of `rows` has of their target."""
    target, _, word = column.partition(".")
    for number, (row, cell) in enumerate(zip(rows, cells, strict=True), start=1):
        label = row.setdefault(target, {})
        if label and (cell is None) is not (None in label.values()):
            raise CorpusError(
                f"{path}: row {number}: {target}: expected a number for each class, or none at "
                f"all, got some; write 0 where there is none of a class"
            )
        label[word.strip()] = cell


def _read_csv(path: Path, columns: Iterable[str]) -> pa.Table:
    """Table of strings: guessing types would turn subject 01 into 1."""
    return pacsv.read_csv(
        path,
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
        ),
    )


def _read_parquet(path: Path, _columns: Iterable[str]) -> pa.Table:
    return pq.read_table(path)


_READERS: Mapping[str, Callable[[Path, Iterable[str]], pa.Table]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}


def _check_columns(path: Path, found: list[str], params: TableParams) -> None:
    """Refuse columns that are doubled, missing or unknown."""
    doubled = [column for column in found if found.count(column) > 1]
    if doubled:
        raise CorpusError(f"{path}: column {doubled[0]!r} occurs twice; rename one")
    for column in [params.columns.get("path", "path"), *params.columns.values()]:
        if column not in found:
            raise CorpusError(f"{path}: no column {column!r}; {suggest(column, found)}")
    known = {params.columns.get(column, column) for column in COLUMNS}
    known |= {name for name in found if _is_of_class(name)}
    known |= {source for name, source in params.columns.items() if _is_of_class(name)}
    unknown = [column for column in found if column not in known | set(params.ignore)]
    if unknown:
        raise CorpusError(
            f"{path}: unknown columns {unknown}; map them in corpus.columns (moodline's name: the "
            f"table's) or list them in corpus.ignore; for {unknown[0]!r}: {_suggest(unknown[0])}"
        )


def _suggest(column: str) -> str:
    return suggest(column, COLUMNS)


def _parse_rows(path: Path, rows: list[dict[str, Any]]) -> Sequence[PlainRow]:
    if not rows:
        raise CorpusError(f"{path}: no row; expected one for each clip")
    try:
        return ROWS.validate_python(rows)
    except ValidationError as error:
        mistake = error.errors()[0]
        number, *column = mistake["loc"]
        place = f": {'.'.join(map(str, column))}" if column else ""
        got = f", got {mistake['input']!r}" if column else ""
        scale = _describe_scale(str(column[0])) if column else ""
        raise CorpusError(
            f"{path}: row {int(number) + 1}{place}: {mistake['msg']}{got}; mend the table{scale}"
        ) from error


def _describe_scale(column: str) -> str:
    target = TARGETS.get(column)
    if target is None or target.kind != "rating":
        return ""
    return f" ({column} runs from {target.low:g} to {target.high:g})"


def _number_clips(path: Path, rows: Sequence[PlainRow]) -> list[tuple[str, tuple[int, PlainRow]]]:
    """Clip ids in order, each with its row and that row's number, counted from 1."""
    numbered: dict[str, tuple[int, PlainRow]] = {}
    for number, row in enumerate(rows, start=1):
        clip_id = row.clip_id or _name_clip(row)
        if clip_id in numbered:
            raise CorpusError(
                f"{path}: rows {numbered[clip_id][0]} and {number}: both are clip {clip_id!r}; "
                "remove one, or tell them apart in a column clip_id"
            )
        numbered[clip_id] = (number, row)
    return sorted(numbered.items())


def _name_clip(row: PlainRow) -> str:
    stem = Path(row.path).with_suffix("").as_posix()
    if row.start_seconds is None:
        return f"table/{stem}"
    return f"table/{stem}@{row.start_seconds:.3f}-{row.end_seconds:.3f}"


def _make_clip(clip_id: str, root: Path, row: PlainRow) -> Clip:
    """Clip of `row`; without a group or subject, the stretches of one file are one group."""
    return Clip(
        clip_id=clip_id,
        corpus="table",
        path=(root / row.path).as_posix(),
        start_seconds=row.start_seconds,
        end_seconds=row.end_seconds,
        subject=row.subject,
        group=row.group or row.subject or Path(row.path).as_posix(),
        dialogue=row.dialogue,
        turn=row.turn,
        transcript=row.transcript,
        crops=None if row.crops is None else (root / row.crops).as_posix(),
    )


def _make_names(params: TableParams, rows: Sequence[PlainRow]) -> Names:
    found = {word for row in rows for label in row.labels.values() for word in _list_words(label)}
    found = {params.words.get(word, word) for word in found}
    emotions = params.emotions if params.emotions is not None else sorted(found)
    strange = sorted(set(params.words.values()) - set(emotions))
    if params.emotions is not None and strange:
        raise ParamsError(f"corpus.words: {strange[0]!r}: {suggest(strange[0], emotions)}")
    words = {word: emotion for word, emotion in params.words.items() if emotion in emotions}
    return Names(emotion=emotions, words={**{emotion: emotion for emotion in emotions}, **words})


def _make_target(clip_id: str, row: PlainRow, names: Names, where: str) -> ClipLabels:
    return ClipLabels(
        clip_id=clip_id,
        split=row.split,
        fold=row.fold,
        labels={
            name: _read_label(TARGETS[name], label, names, f"{where}: {name}")
            for name, label in row.labels.items()
        },
    )


def _list_words(label: Any) -> Iterable[str]:
    """Classes, in the table's words, that a label names; none where it is a rating."""
    if isinstance(label, str):
        return (label,)
    return label if isinstance(label, dict) else ()


def _read_label(target: Target, label: Any, names: Names, where: str) -> Label:
    """Label in moodline's words; raises CorpusError for a class that is not among `names`.

    Of several columns that mean one class, votes are added, and of scores the highest counts.
    """
    if isinstance(label, str):
        return names.emotion_of(label, where)
    if isinstance(label, dict):
        joined: dict[str, float] = {}
        for word, number in label.items():
            name = names.emotion_of(word, where)
            held = joined.get(name, 0.0)
            joined[name] = held + number if target.kind == "votes" else max(held, number)
        return tuple(joined.items())
    rating: float = label
    return rating
