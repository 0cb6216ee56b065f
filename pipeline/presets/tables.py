"""Drafts: the `params.yaml` of a corpus of one's own, as far as its table says what it is."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.errors import CorpusError, ParamsError, show
from pipeline.labels.corpora.cells import is_nothing, read_numbers, read_times
from pipeline.labels.corpora.columns import list_fields
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.params import TableParams
from pipeline.labels.corpora.rows import COLUMNS, NUMBERS, SINGLE, VECTORS, is_of_class
from pipeline.labels.corpora.sheets import READERS, Sheet, read_sheet
from pipeline.labels.corpora.table import read
from pipeline.labels.inside import check_below, check_links
from pipeline.labels.splits import SIDES
from pipeline.params import parse_corpora, read_yaml
from pipeline.presets.media import MediaFiles, find_path, list_media
from pipeline.rows import TIMES
from pipeline.sections import write_flow
from pipeline.targets import PREDICTED, TARGETS

KNOWN: Mapping[str, str] = {
    "subject": "subject_id speaker speaker_id actor actor_id participant participant_id person "
    "person_id talker spk user",
    "group": "group_id",
    "dialogue": "dialogue_id dialog dialog_id conversation conversation_id conv_id",
    "turn": "turn_id utterance_id utt_id utterance_no",
    "transcript": "text utterance sentence transcription transcripts caption said",
    "start_seconds": "start start_time starttime start_sec start_s begin begin_time onset from",
    "end_seconds": "end end_time endtime end_sec end_s stop stop_time finish to",
    "emotion": "label emo emotion_label class category emotions",
    "arousal": "activation aro act",
    "valence": "val",
    "dominance": "dom",
    "split": "set partition subset",
    "fold": "folds",
    "corpus": "dataset database",
    "clip_id": "clip id segment_id",
}
"""Moodline's column → what people call it, in lower case."""

MOST_CLASSES = 40
"""Distinct words up to which a column is taken for classes."""

SCALES = ((1, 5), (1, 7), (1, 9), (0, 10), (0, 100), (-3, 3), (-5, 5), (-10, 10))
"""Scales that ratings are given on; one is taken where both of its ends occur."""

SHOWN = 3
"""Cells that a comment shows of a column."""

Cells = Sequence[Any]


@dataclass(frozen=True)
class Draft:
    """A `params.yaml`, and what was found in the table, in lines for people."""

    text: str
    found: list[str]


@dataclass
class _Found:
    """What is known of a table so far: options, notes on columns, comments on the rest.

    `single` tells whether each row has a file of its own.
    """

    options: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    single: bool = False


def find_table(root: Path, name: str | None = None) -> Path | None:
    """Table of the corpus in `root`: that of this name, `clips.csv`, or the only one there.

    None where there is none; raises CorpusError where there are several, or `name` is not there.
    """
    if name is not None:
        if not (root / name).is_file():
            raise CorpusError(f"{root / name}: no such table; --table is its path below --root")
        return root / name
    tables = [path for path in sorted(root.glob("*")) if path.suffix.lower() in READERS]
    tables = [path for path in tables if path.suffix != ".txt"] or tables
    tables = [path for path in tables if path.stem == "clips"] or tables
    if len(tables) > 1:
        told = ", ".join(path.name for path in tables[:5])
        raise CorpusError(
            f"{root}: expected one table, got {len(tables)} ({told}); add --table NAME"
        )
    return next(iter(tables), None)


def draft_params(preset: Path, folder: Path | None, table: str | None = None) -> Draft:
    """Text of `preset`; one of a table has what the table in `folder` says filled in.

    Raises CorpusError where the table cannot be told or read, and ParamsError where `table` names
    one and the preset has none.
    """
    text = preset.read_text(encoding="utf-8")
    corpus, *_ = parse_corpora(read_yaml(preset)).values()
    if not isinstance(corpus, TableParams):
        if table is not None:
            raise ParamsError(f"preset {preset.stem}: it has no table; leave --table out")
        return Draft(text, [])
    path = None if folder is None else find_table(folder, table)
    if path is None or folder is None:
        return Draft(text, [f"no table in {folder} yet: params.yaml has `{corpus.table}`"])
    return _fill_draft(text, corpus.root, folder, path)


def _fill_draft(text: str, place: str, root: Path, table: Path) -> Draft:
    """`text` with what `table` of the corpus in `root`, which will lie at `place`, says."""
    check_below(table, root)
    sheet, media = read_sheet(table), list_media(root)
    found = _Found({"table": table.relative_to(root).as_posix()})
    _map_columns(found, sheet, media)
    corpus, told = _try(found, root)
    # Heads first: what the table says may look like theirs.
    text = _fill_heads(text, _find_inputs(found, media), _find_targets(found))
    text = _replace_block(text, "corpora", _write_corpus(found, place))
    text = _replace_block(text, "splits", _write_splits(found, corpus))
    size = f"{table.name}: {len(sheet.places)} rows, {len(sheet.columns)} columns"
    return Draft(text, [size, *_list_found(found), *told])


def _map_columns(found: _Found, sheet: Sheet, media: MediaFiles) -> None:
    """Find for each of the table's columns what it is, by its name and its cells."""
    taken = _map_path(found, sheet, media)
    columns = found.options.setdefault("columns", {})
    for column in COLUMNS:
        if column == "path":
            continue
        for name in _list_names(column, sheet):
            told = _judge(column, sheet.columns[name])
            if told is None and name == column in (*TIMES, *NUMBERS):
                told = "not all of them numbers"  # moodline's own name: it is to be mended
            if name in taken or told is None or _is_elsewhere(found, column, name):
                continue
            taken.add(name)
            found.notes[column] = told
            if name != column:
                columns[column] = name
            break
    for target in VECTORS:
        names = [name for name in sheet.columns if is_of_class(name) and name.startswith(target)]
        taken |= set(names)
        if names:
            found.notes[target] = f"{len(names)} classes"
    if not columns:
        del found.options["columns"]
    _set_rest(found, sheet, [name for name in sheet.columns if name not in taken])
    _set_scales(found, sheet)


def _map_path(found: _Found, sheet: Sheet, media: MediaFiles) -> set[str]:
    """Find what names the clips' files; returns the columns that nothing else is to be made of."""
    made = find_path(sheet, media)
    if made is None:
        return set()
    found.notes["path"] = f"{made.there} of {len(sheet.places)} files are there"
    found.single = made.single
    if made.template is not None:
        found.options["path"] = made.template
        return set()
    assert made.column is not None
    if made.column != "path":
        found.options["columns"] = {"path": made.column}
    return {made.column}


def _is_elsewhere(found: _Found, column: str, name: str) -> bool:
    """Whether times are those of another recording: each row has a file of its own, as in MELD."""
    return column in TIMES and name != column and found.single


def _list_names(column: str, sheet: Sheet) -> Iterator[str]:
    """Columns of the table that may be moodline's `column`, the likeliest first."""
    plain = {name: _simplify(name) for name in sheet.columns}
    for known in (column, *KNOWN.get(column, "").split()):
        yield from (name for name, simple in plain.items() if simple == known)


def _simplify(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")


def _judge(column: str, cells: Cells) -> str | None:
    """What a column holds, for people; None where it is not what moodline's `column` must be."""
    filled = [cell for cell in cells if cell is not None and not is_nothing(cell)]
    if not filled:
        return None
    if column in TIMES:
        return None if _list_numbers(read_times(filled)) is None else "seconds"
    if column in NUMBERS:
        return _judge_numbers(filled, whole=column not in SINGLE)
    counts = Counter(str(cell).strip() for cell in filled)
    fits = {"split": counts.keys() <= set(SIDES), "emotion": len(counts) <= MOST_CLASSES}
    if column in fits:
        told = ", ".join(f"{word} {count}" for word, count in counts.most_common())
    else:
        told = f"{len(counts)} different ones in {len(filled)} rows"
    alone = column != "clip_id" or len(counts) == len(cells)
    return told if fits.get(column, alone) else None


def _judge_numbers(cells: Cells, *, whole: bool) -> str | None:
    """The least and the greatest of `cells`; None where one is no number, or no `whole` one."""
    numbers = _list_numbers(read_numbers(cells))
    if not numbers or (whole and not all(number.is_integer() for number in numbers)):
        return None
    return f"{min(numbers):g} to {max(numbers):g}"


def _list_numbers(cells: Iterable[Any]) -> list[float] | None:
    """Cells as numbers; None where any is none."""
    try:
        return [float(cell) for cell in cells]
    except (TypeError, ValueError):
        return None


def _set_rest(found: _Found, sheet: Sheet, rest: Sequence[str]) -> None:
    """Leave out the columns that are nothing known, with a comment on each."""
    made_of = list_fields(found.options.get("path", ""))
    rest = [name for name in rest if name not in made_of]
    if not rest:
        return
    found.options["ignore"] = list(rest)
    for name in rest:
        filled = (" ".join(str(c).split())[:40] for c in sheet.columns[name] if c is not None)
        cells = list(islice(dict.fromkeys(filled), SHOWN))
        found.comments.append(f"{name}: {', '.join(cells) or 'blank'}")


def _set_scales(found: _Found, sheet: Sheet) -> None:
    """State the scale of ratings beyond moodline's where both its ends occur, else ask for it."""
    columns = found.options.get("columns", {})
    for name, target in TARGETS.items():
        if target.kind != "rating" or name not in found.notes:
            continue
        filled = [cell for cell in sheet.columns[columns.get(name, name)] if cell is not None]
        numbers = [n for n in _list_numbers(filter(None, read_numbers(filled))) or [] if n != -5]
        if not numbers or target.low <= min(numbers) <= max(numbers) <= target.high:
            continue
        ends = (min(numbers), max(numbers))
        if ends in SCALES:
            found.options.setdefault("scale", {})[name] = [int(end) for end in ends]
        else:
            found.comments.append(
                f"{name} runs from {ends[0]:g} to {ends[1]:g}: give its scale, as in "
                f"scale: {{{name}: [1, 5]}}"
            )


def _try(found: _Found, root: Path) -> tuple[Corpus | None, list[str]]:
    """The corpus as these options have it, and what is remarkable, or wrong, with it."""
    params = TableParams(kind="table", root=str(root), depends_on=str(root), **found.options)
    try:
        check_links(root)
        corpus = read(params)
    except (CorpusError, ParamsError) as error:
        return None, [f"to mend: {error}"]
    groups = len({clip.group for clip in corpus.clips})
    if corpus.names.emotion:
        found.options["emotions"] = list(corpus.names.emotion)
    told = f"{len(corpus.clips)} clips in {groups} groups that share a subject, file or dialogue"
    return corpus, [told, *corpus.remarks]


def _write_corpus(found: _Found, place: str) -> list[str]:
    """Lines of the section `corpora`."""
    lines = ["kind: table", f"root: {place}", f"depends_on: {place}"]
    lines += [f"{key}: {write_flow(value)}" for key, value in found.options.items()]
    if found.comments:
        lines.append("# Not recognised: map them in `columns`, or leave them in `ignore`.")
        # Names of columns may hold anything, ends of lines among it.
        lines += [f"# {show(' '.join(comment.split()))}" for comment in found.comments]
    return ["corpora:", "  table:", *(f"    {line}" for line in lines)]


def _write_splits(found: _Found, corpus: Corpus | None) -> list[str]:
    """Lines of the section `splits`: the table's own, else as many folds as groups allow."""
    if "split" in found.notes or "fold" in found.notes:
        return [
            "splits:",
            "  protocol: corpus       # the table's own; `folds` for folds of groups",
        ]
    groups = len({clip.group for clip in corpus.clips}) if corpus else 5
    few = "" if groups >= 3 else f"  # only {groups} groups: give a column `group` that has more"
    return [
        "splits:",
        "  protocol: folds        # of whole groups",
        f"  folds: {min(5, max(3, groups))}{few}",
    ]


def _find_inputs(found: _Found, media: MediaFiles) -> dict[str, str]:
    """Modality → feature set, of those that the corpus has anything for."""
    inputs = {"face": "hog"} if media.filmed else {}
    if media.filmed or media.sounding:
        inputs["audio"] = "mfcc"
    if "transcript" in found.notes:
        inputs["text"] = "minilm"
    return inputs or {"face": "hog", "audio": "mfcc", "text": "minilm"}


def _find_targets(found: _Found) -> list[str]:
    """Targets that the table labels, of those that heads predict by default, else the others."""
    labelled = [name for name in TARGETS if name in found.notes]
    return [name for name in labelled if name in PREDICTED] or labelled or ["emotion"]


def _fill_heads(text: str, inputs: Mapping[str, str], targets: Sequence[str]) -> str:
    """`text` with heads that read `inputs` and predict `targets`, and only their feature sets."""
    sets = {name: inputs.get(name, "none") for name in ("face", "scene", "audio", "text")}
    text = re.sub(r"inputs: \{.*\}", f"inputs: {write_flow(sets)}", text)
    text = re.sub(r"targets: \[.*\].*", f"targets: {write_flow(list(targets))}", text)
    lines = text.splitlines(keepends=True)
    unread = [f"  {name}: {{modality" for name in {"hog", "mfcc", "minilm"} - {*inputs.values()}]
    return "".join(line for line in lines if not line.startswith(tuple(unread)))


def _list_found(found: _Found) -> list[str]:
    """What each column is, for people."""
    columns = found.options.get("columns", {})
    sources = {**{name: name for name in found.notes}, **columns}
    if "path" in found.options:
        sources["path"] = found.options["path"]
    told = [f"{name} ← {sources[name]}: {note}" for name, note in found.notes.items()]
    scale = [
        f"{name} runs from {low} to {high}"
        for name, (low, high) in found.options.get("scale", {}).items()
    ]
    ignored = found.options.get("ignore", [])
    return [*told, *scale, *([f"ignored: {', '.join(ignored)}"] if ignored else [])]


def _replace_block(text: str, section: str, lines: Sequence[str]) -> str:
    """`text` with other `lines` for a section, which a blank line ends."""
    pattern = re.compile(rf"^{section}:\n(?:.+\n)*", re.MULTILINE)
    return pattern.sub(lambda _: "".join(f"{line}\n" for line in lines), text, count=1)
