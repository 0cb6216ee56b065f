"""Any corpus described by one CSV or Parquet table: a row for each clip, by path, words or id.

A clip that has an id alone is one whose features were made elsewhere.

Words of the table are taken as they stand ("01" stays "01"); an empty cell is a label not given,
and -5, Aff-Wild2's mark, is one for ratings of frames. Every column must be moodline's, mapped to
one by `columns`, part of `path`, or listed in `ignore`: a misspelt label never goes missing unseen.
Votes and scores have a column for each class: `votes.happy`, `emotions.happy`.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.errors import CorpusError
from pipeline.families import suggest
from pipeline.files import walk_folders
from pipeline.labels.clip_labels import ClipLabels, Label
from pipeline.labels.clips import NO_MEDIA, Clip
from pipeline.labels.corpora.columns import Taken, check_mapping, take_columns
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.files import enter_unnamed
from pipeline.labels.corpora.params import TableParams
from pipeline.labels.corpora.rows import ROWS, PlainRow
from pipeline.labels.corpora.sheets import Mistake, Sheet, read_sheet, refuse
from pipeline.labels.corpora.words import Meanings, find_meanings
from pipeline.labels.groups import join_clips
from pipeline.labels.inside import check_below
from pipeline.limits import MOST_CLIPS
from pipeline.targets import TARGETS, Target

MEND = "mend the table"


def read(params: TableParams) -> Corpus:
    """Clips and targets of the table's rows; raises CorpusError that names lines and columns."""
    check_mapping(params)
    root, place = Path(params.root), Path(params.root, params.table)
    if not params.follow and not Path(params.table).is_absolute():
        check_below(place, root)
    sheet = read_sheet(place)
    if len(sheet.places) > MOST_CLIPS:
        raise CorpusError(
            f"{place}: expected at most {MOST_CLIPS:,} rows, got {len(sheet.places):,}; make "
            f"several corpora of it"
        )
    taken = take_columns(sheet, params)
    rows = _parse_rows(sheet, taken)
    numbered = _number_clips(sheet, rows, params)
    clips = [_make_clip(clip_id, params, rows[index]) for clip_id, index in numbered]
    _check_media(sheet, clips)
    meanings = find_meanings(_count_words(rows), params)
    _check_words(sheet, rows, meanings)
    return Corpus(
        clips=join_clips(clips, root),
        targets=[_make_target(clip_id, rows[index], meanings) for clip_id, index in numbered],
        names=meanings.names,
        entries=enter_unnamed(_list_media(clips, root), clips, root),
        remarks=[
            *sheet.remarks,
            *(f"{sheet.path}: {told}" for told in taken.remarks),
            *(f"{sheet.path}: the label {told}; `words` can say else" for told in meanings.remarks),
        ],
    )


def _list_media(clips: Iterable[Clip], root: Path) -> Iterator[Path]:
    """Files below `root` that are called as those of `clips` are; none of folders of crops."""
    suffixes = {Path(clip.path).suffix.lower() for clip in clips} - {""}
    crops = {os.path.normpath(clip.crops) for clip in clips if clip.crops is not None}
    for folder, inner, names in walk_folders(root) if suffixes else ():
        inner[:] = [
            name for name in inner if os.path.normpath(os.path.join(folder, name)) not in crops
        ]
        for name in names:
            if os.path.splitext(name)[1].lower() in suffixes and not name.startswith("."):
                yield Path(folder, name)


def _parse_rows(sheet: Sheet, taken: Taken) -> Sequence[PlainRow]:
    if not taken.rows:
        raise CorpusError(f"{sheet.path}: no row; expected one for each clip")
    mistakes = list(taken.mistakes)
    try:
        parsed: Sequence[PlainRow] = ROWS.validate_python(taken.rows)
    except ValidationError as error:
        mistakes += [_tell_mistake(sheet, mistake) for mistake in error.errors()]
    if mistakes:
        order = {place: index for index, place in enumerate(sheet.places)}
        mistakes.sort(key=lambda mistake: order[mistake.place])
        raise refuse(sheet.path, mistakes, MEND)
    return parsed


def _tell_mistake(sheet: Sheet, mistake: Any) -> Mistake:
    """What pydantic found wrong in a row."""
    number, *column = mistake["loc"]
    place = f"{'.'.join(map(str, column))}: " if column else ""
    got = f", got {mistake['input']!r}" if column else ""
    scale = _describe_scale(str(column[0])) if column else ""
    return Mistake(sheet.places[int(number)], f"{place}{mistake['msg']}{got}{scale}")


def _describe_scale(column: str) -> str:
    target = TARGETS.get(column)
    if target is None or target.kind != "rating":
        return ""
    return (
        f" ({column} runs from {target.low:g} to {target.high:g}; `scale` takes ratings on "
        f"another scale)"
    )


def _number_clips(
    sheet: Sheet, rows: Sequence[PlainRow], params: TableParams
) -> list[tuple[str, int]]:
    """Clip ids in order, each with the index of its row."""
    numbered: dict[str, int] = {}
    mistakes = []
    for index, row in enumerate(rows):
        place = sheet.places[index]
        clip_id = _name_clip(row, params, place)
        if clip_id in numbered:
            told = f"the same clip, {clip_id!r}, as {sheet.places[numbered[clip_id]]}"
            mistakes.append(Mistake(place, told))
        numbered.setdefault(clip_id, index)
    if mistakes:
        cure = "remove one of each, or tell them apart in a column clip_id"
        raise refuse(sheet.path, mistakes, cure)
    return sorted(numbered.items())


def _name_clip(row: PlainRow, params: TableParams, place: str) -> str:
    """Id of a clip: the table's own, else of its path and stretch, else of its place.

    It begins with the corpus where the table states one, for so `seen_corpora` tells corpora apart.
    """
    corpus = name_corpus(row, params)
    if row.clip_id is not None:
        stated = corpus != TableParams.model_fields["called"].default
        own = not stated or row.clip_id.startswith(f"{corpus}/")
        return row.clip_id if own else f"{corpus}/{row.clip_id}"
    if row.path == NO_MEDIA:
        kind, number = place.split()
        return f"{corpus}/{kind}_{int(number):06}"
    path = Path(row.path)
    stem = (path.with_suffix("") if path.name else path).as_posix()
    if row.start_seconds is None:
        return f"{corpus}/{stem}"
    return f"{corpus}/{stem}@{row.start_seconds:.3f}-{row.end_seconds:.3f}"


def name_corpus(row: PlainRow, params: TableParams) -> str:
    """Corpus that a row's clip is of."""
    return row.corpus or params.called


def _make_clip(clip_id: str, params: TableParams, row: PlainRow) -> Clip:
    root = Path(params.root)
    return Clip(
        clip_id=clip_id,
        corpus=name_corpus(row, params),
        path=NO_MEDIA if row.path == NO_MEDIA else (root / row.path).as_posix(),
        start_seconds=row.start_seconds,
        end_seconds=row.end_seconds,
        subject=row.subject,
        group=row.group,
        dialogue=row.dialogue,
        turn=row.turn,
        transcript=row.transcript,
        crops=None if row.crops is None else (root / row.crops).as_posix(),
        sex=row.sex,
        age=row.age,
    )


def _check_media(sheet: Sheet, clips: Sequence[Clip]) -> None:
    """Refuse a table none of whose files is there: one or the other is left to stage `clean`."""
    named = [clip for clip in clips if clip.path != NO_MEDIA]
    if named and not any(os.path.exists(clip.path) for clip in named):
        raise CorpusError(
            f"{sheet.path}: none of its {len(named)} files exists, the first being "
            f"{named[0].path}; paths are taken below `root`, mend one or the other"
        )


def _count_words(rows: Iterable[PlainRow]) -> Counter[str]:
    """How often the rows name each class, in the table's words."""
    return Counter(
        word for row in rows for label in row.labels.values() for word in _list_words(label)
    )


def _check_words(sheet: Sheet, rows: Iterable[PlainRow], meanings: Meanings) -> None:
    """Refuse words that are no class."""
    known = [word for word, name in meanings.names.words.items() if name]
    mistakes = [
        Mistake(place, f"{name}: unknown emotion {word!r}; {suggest(word, known)}")
        for place, row in zip(sheet.places, rows, strict=True)
        for name, label in row.labels.items()
        for word in _list_words(label)
        if word not in meanings.of
    ]
    if mistakes:
        raise refuse(sheet.path, mistakes, "mend the table, or map the word in `words`")


def _list_words(label: Any) -> Iterable[str]:
    """Classes, in the table's words, that a label names; none where it is a rating."""
    if isinstance(label, str):
        return (label,)
    return label if isinstance(label, dict) else ()


def _make_target(clip_id: str, row: PlainRow, meanings: Meanings) -> ClipLabels:
    read = {name: _read_label(TARGETS[name], label, meanings) for name, label in row.labels.items()}
    return ClipLabels.of(clip_id, read, split=row.split, fold=row.fold)


def _read_label(target: Target, label: Any, meanings: Meanings) -> Label | None:
    """Label in moodline's words, None where it means none.

    Of several columns that mean one class, votes are added, and of scores the highest counts;
    those of a word that means no label are left out.
    """
    if isinstance(label, str):
        return meanings.of[label]
    if isinstance(label, dict):
        joined: dict[str, float] = {}
        for word, number in label.items():
            if (name := meanings.of[word]) is not None:
                held = joined.get(name, 0.0)
                joined[name] = held + number if target.kind == "votes" else max(held, number)
        emptied = len(joined) < len(label) and not any(joined.values())
        return None if emptied and target.kind == "votes" else tuple(joined.items()) or None
    rating: float = label
    return rating
