"""Ids: what a file calls its entries, and which clip each is.

An id is a clip's as it stands, or behind the name of its corpus, or written as others do:

- MMSA has `<video>$_$<segment>`, moodline `<corpus>/<video>/<segment>`;
- the CMU Multimodal SDK has `<video>[<number>]` for a segment that rows were aligned to, which
  moodline counts in three digits, and `<video>` for all of a video, which is cut by its segments.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from pipeline.errors import StoreError
from pipeline.imports.series import Series
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.sheets import read_sheet
from pipeline.labels.texts import open_text
from pipeline.limits import MOST_IDS, MOST_SECONDS

ID_COLUMN = "clip_id"
TOLD = 3
"""Ids of each side that a message shows."""

_ALIGNED = re.compile(r"(.+)\[(\d{1,9})\]")


def read_ids(path: Path) -> list[str]:
    """Ids in order: lines of a text, or column `clip_id`, or the only one, of a table.

    Raises StoreError where there is no such column, CorpusError where it is no table.
    """
    if path.suffix.lower() == ".txt":
        try:
            with open_text(path) as file:
                text = file.read()
            if text.count("\n") > MOST_IDS:
                raise ValueError(f"expected at most {MOST_IDS:,} lines, got more")
            return text.removesuffix("\n").split("\n")
        except (OSError, ValueError) as error:
            raise StoreError(f"{path}: not a readable list of ids ({error})") from error
    columns = read_sheet(path).columns
    name = ID_COLUMN if ID_COLUMN in columns else next(iter(columns)) if len(columns) == 1 else None
    if name is None:
        raise StoreError(
            f"{path}: expected a column {ID_COLUMN}, got {', '.join(columns)}; rename one"
        )
    return [str(cell) for cell in columns[name]]


def spell_id(name: str, prefix: str) -> list[str]:
    """All that `name` may be as the id of a clip, the likeliest last.

    >>> spell_id("a$_$7", "mosi/"), spell_id("a[7]", "")
    (['mosi/a$_$7', 'mosi/a/7'], ['a[7]', 'a/007'])
    """
    spelt = [name]
    if "$_$" in name:
        spelt.append(name.replace("$_$", "/"))
    if aligned := _ALIGNED.fullmatch(name):
        spelt.append(f"{aligned[1]}/{int(aligned[2]):03}")
    return [f"{prefix}{one}" for one in spelt]


@dataclass
class Matching:
    """Which series are of which of `clips` (clip_id → clip); None where no corpus is known.

    `strange` are names that no clip has, `backward` counts rows that end before they begin.
    """

    clips: Mapping[str, Clip] | None
    prefix: str = ""
    strange: list[str] = field(default_factory=list)
    backward: int = 0

    def match(self, series: Series) -> Iterator[tuple[str, Series]]:
        """Id of each clip that a series is of, or holds, with its part in the clip's own time."""
        spelt = spell_id(series.name, self.prefix)
        aligned = _ALIGNED.fullmatch(series.name) is not None
        if self.clips is None:
            yield spelt[-1], self._start_at(series, None if aligned else 0.0)
            return
        clip_id = next(filter(None, map(self._find, spelt)), None)
        if clip_id is not None:
            start = self.clips[clip_id].start_seconds
            yield clip_id, self._start_at(series, None if start is None and aligned else start)
        elif held := self._held.get(series.name):
            yield from (part for clip in held if (part := self._cut(series, clip)))
        else:
            self.strange.append(series.name)

    def _find(self, name: str) -> str | None:
        """Id of the clip that `name` is, with or without its corpus; None where several may be."""
        if name in (self.clips or {}):
            return name
        found = self._shortened.get(name, [])
        return found[0] if len(found) == 1 else None

    @cached_property
    def _shortened(self) -> Mapping[str, list[str]]:
        """Id of a clip without its corpus → the clips it may be."""
        shortened: dict[str, list[str]] = defaultdict(list)
        for clip_id, clip in (self.clips or {}).items():
            if clip_id.startswith(f"{clip.corpus}/"):
                shortened[clip_id.removeprefix(f"{clip.corpus}/")].append(clip_id)
        return shortened

    @cached_property
    def _held(self) -> Mapping[str, list[Clip]]:
        """Video → the clips that are stretches of it."""
        held: dict[str, list[Clip]] = defaultdict(list)
        for clip in (self.clips or {}).values():
            if clip.group is not None and clip.start_seconds is not None:
                held[clip.group.removeprefix(f"{clip.corpus}/")].append(clip)
        return held

    def _cut(self, series: Series, clip: Clip) -> tuple[str, Series] | None:
        """Rows of a video whose middle lies in a clip, None where there are none."""
        if series.stretches is None or clip.start_seconds is None or clip.end_seconds is None:
            return None
        middles = series.stretches.mean(axis=1)
        inside = (middles >= clip.start_seconds) & (middles < clip.end_seconds)
        part = replace(series, rows=series.rows[inside], stretches=series.stretches[inside])
        return (clip.clip_id, self._start_at(part, clip.start_seconds)) if inside.any() else None

    def _start_at(self, series: Series, start: float | None) -> Series:
        """Rows in order of their seconds, counted from `start`, or from the first where None.

        Those that end before they begin are left out.
        """
        if series.stretches is None or not len(series.stretches):
            return series
        # Half of a float's bytes take a billion for infinity; the least integer has no absolute.
        seconds = series.stretches.astype(np.float64)
        if not (np.abs(seconds) <= MOST_SECONDS).all():  # False of NaN
            raise StoreError(
                f"{series.told}: expected seconds of each row up to {MOST_SECONDS:g}, got more, "
                f"NaN or infinity"
            )
        forward = seconds[:, 1] >= seconds[:, 0]
        self.backward += int((~forward).sum())
        order = np.flatnonzero(forward)
        order = order[np.argsort(seconds[order, 0], kind="stable")]
        stretches = seconds[order]
        first = float(stretches[:, 0].min(initial=np.inf)) if start is None else start
        moved = np.maximum(stretches - (first or 0.0), 0.0)
        if len(moved) and not moved[:, 1].any() and stretches[:, 1].any():
            raise StoreError(
                f"{series.told}: expected seconds of the file that its clip is a stretch of, which "
                f"begins at {first:g} s, got none after {stretches[:, 1].max():g} s"
            )
        return replace(series, rows=series.rows[order], stretches=moved)


def refuse_names(place: str, names: Sequence[str], clip_ids: Sequence[str]) -> StoreError:
    """Error where no name is a clip's, with a few of both sides."""
    return StoreError(
        f"{place}: expected ids of clips such as {_tell(clip_ids)}, got {_tell(names)}; none is "
        f"the same, mend them or name what they lack by --clip-prefix"
    )


def _tell(names: Sequence[str]) -> str:
    return ", ".join(names[:TOLD]) or "none"
