"""Splits from a file: `data/splits.csv`, kept in git, says where each clip or group stands.

Two columns, in this order: `clip_id` or `group`, then `split` (`train`, `val`, `test`) or `fold` (a
number from 0 on).
"""

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pipeline.errors import CorpusError
from pipeline.families import suggest
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.decisions import read_decisions
from pipeline.labels.splits import SIDES, find_labelled

Unit = Literal["clip_id", "group"]

COLUMNS: tuple[list[str], ...] = tuple(
    [unit, place] for unit in ("clip_id", "group") for place in ("split", "fold")
)
"""What the first line may name."""


@dataclass(frozen=True)
class Places:
    """Where clips or groups stand: name → side of the split, or number of the fold."""

    path: Path
    unit: Unit
    sides: Mapping[str, str | int]


def read_places(path: Path) -> Places:
    """Places in the CSV at `path`; raises CorpusError that names the line at fault."""
    header, lines = read_decisions(path, "splits.protocol file takes every clip's place from it")
    if header not in COLUMNS:
        known = " or ".join(",".join(columns) for columns in COLUMNS)
        raise CorpusError(f"{path}: expected columns {known}, got {','.join(header) or 'none'}")
    sides: dict[str, str | int] = {}
    for where, cells in lines:
        if len(cells) != len(header):
            raise CorpusError(f"{where}: expected {' and '.join(header)}, got {len(cells)} cells")
        name, place = (cell.strip() for cell in cells)
        if name in sides:
            raise CorpusError(f"{where}: {name} is there twice; keep one")
        sides[name] = _read_place(place, header[1], where)
    unit: Unit = "clip_id" if header[0] == "clip_id" else "group"
    return Places(path, unit, sides)


def place_by_file(corpus: Corpus, places: Places) -> tuple[list[ClipLabels], list[str]]:
    """Targets of `corpus` where `places` have them, and a remark on labelled clips that it lacks.

    Raises CorpusError for a name that no clip has, and for a group in two places.
    """
    names = {clip.clip_id: _name(clip.clip_id, clip.group, places.unit) for clip in corpus.clips}
    _check_known(places, {*names.values(), *_list_absent(corpus)})
    labelled = find_labelled(corpus)
    found = {
        clip_id: places.sides[name]
        for clip_id, name in names.items()
        if clip_id in labelled and name in places.sides
    }
    _check_groups(corpus, found, places.path)
    lacking = len(labelled - found.keys())
    told = f"{lacking} of {len(labelled)} labelled clips are not in {places.path}, and have no part"
    return [_place(own, found.get(own.clip_id)) for own in corpus.targets], [told] * bool(lacking)


def _read_place(cell: str, column: str, where: str) -> str | int:
    if column == "split":
        if cell not in SIDES:
            raise CorpusError(f"{where}: unknown split {cell!r}; {suggest(cell, SIDES)}")
        return cell
    if not (cell.isascii() and cell.isdigit() and len(cell) < 10):
        raise CorpusError(f"{where}: expected the number of a fold, from 0 on, got {cell!r}")
    return int(cell)


def _name(clip_id: str, group: str | None, unit: Unit) -> str:
    return clip_id if unit == "clip_id" or group is None else group


def _list_absent(corpus: Corpus) -> Iterator[str]:
    """Clips that are not here, though the corpus has them."""
    yield from (entry.clip_id for entry in corpus.entries if entry.status == "left_out")


def _check_known(places: Places, known: Collection[str]) -> None:
    """Refuse a name that is neither of a clip nor of one whose file is not here."""
    for name in places.sides:
        if name not in known:
            noun = "clip" if places.unit == "clip_id" else "group"
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else "mend or remove its line"
            raise CorpusError(f"{places.path}: no {noun} {name!r} in any corpus; {hint}")


def _check_groups(corpus: Corpus, found: Mapping[str, str | int], path: Path) -> None:
    """Refuse a group in two places: it would be known from training."""
    first: dict[str, tuple[str, str | int]] = {}
    for clip in corpus.clips:
        if clip.group is None or clip.clip_id not in found:
            continue
        place = found[clip.clip_id]
        other, there = first.setdefault(clip.group, (clip.clip_id, place))
        if there != place:
            raise CorpusError(
                f"{path}: {clip.clip_id} is in {place} and {other} in {there}, both of group "
                f"{clip.group}; place whole groups, or have the corpus state others"
            )


def _place(target: ClipLabels, place: str | int | None) -> ClipLabels:
    if isinstance(place, int):
        return replace(target, split=None, fold=place)
    return replace(target, split=place, fold=None)
