"""Rows of a table of clips: moodline's columns, and what each may hold."""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from pipeline.labels.clips import NO_MEDIA
from pipeline.targets import TARGETS, Target

_MARK = re.compile(r"\s*-5(\.0*)?\s*")


def is_mark(value: object) -> bool:
    """Whether a rating is -5, Aff-Wild2's mark for none."""
    return _MARK.fullmatch(str(value)) is not None


def _without_mark(value: object) -> object:
    return None if is_mark(value) else value


MOST_NUMBERED = 2**31
"""Of turns and folds, either way."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
CorpusName = Annotated[Text, StringConstraints(pattern=r"^[^/#]+$")]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class PlainRow(BaseModel):
    """One row of the table under moodline's column names, without its labels."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    path: Text = NO_MEDIA
    clip_id: Text | None = None
    corpus: CorpusName | None = None
    start_seconds: Seconds | None = None
    end_seconds: Seconds | None = None
    subject: Text | None = None
    group: Text | None = None
    dialogue: Text | None = None
    turn: Annotated[int, Field(gt=-MOST_NUMBERED, lt=MOST_NUMBERED)] | None = None
    transcript: Text | None = None
    crops: Text | None = None
    sex: Text | None = None
    age: Annotated[float, Field(ge=0, le=150)] | None = None
    split: Literal["train", "val", "test"] | None = None
    fold: Annotated[int, Field(ge=0, lt=MOST_NUMBERED)] | None = None

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

SINGLE = [name for name, target in TARGETS.items() if target.behaviour.number]
"""Targets with one number, such as `valence`."""

COLUMNS = tuple(name for name in Row.model_fields if name not in VECTORS)
"""Moodline's columns, those of single classes apart."""

NUMBERS = ("turn", "fold", "age", *SINGLE)


def is_of_class(column: str) -> bool:
    """Whether a column is about one class of a target, as `votes.happy` is."""
    target, dot, word = column.partition(".")
    return bool(target in VECTORS and dot and word.strip())
