"""Overrides: what a person decided about single clips, kept in git with the reason.

`data/overrides.csv` has a row for each decision. `exclude` takes a clip out of everything, `keep`
keeps one that `clean` would leave out, any other action is the name of the label to replace.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import CorpusError
from pipeline.families import suggest
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.decisions import read_decisions
from pipeline.store.ledger import Entry
from pipeline.targets import TARGETS, Target

COLUMNS = ["clip_id", "action", "value", "reason"]

ACTIONS = ("exclude", "keep", *(name for name, t in TARGETS.items() if not t.behaviour.vector))
"""What a line may ask for: two decisions of their own, or the label that it replaces."""


@dataclass(frozen=True)
class Override:
    """One decision; `value` is the new label, None for `exclude` and `keep`."""

    clip_id: str
    action: str
    value: str | float | None
    reason: str


def read_overrides(path: Path) -> list[Override]:
    """Decisions in the CSV at `path`; raises CorpusError that names the line at fault."""
    header, lines = read_decisions(path, f"restore it, or write {','.join(COLUMNS)} in it")
    if header != COLUMNS:
        raise CorpusError(f"{path}: expected columns {COLUMNS}, got {header}")
    overrides = [_parse_line(cells, where) for where, cells in lines]
    _check_agreement(path, overrides)
    return overrides


def relabel(corpus: Corpus, overrides: Iterable[Override]) -> tuple[Corpus, list[Entry]]:
    """Corpus with the labels that `overrides` replace, and a remark for each.

    Raises CorpusError for a clip or an emotion that the corpus does not have.
    """
    targets = {target.clip_id: target for target in corpus.targets}
    entries = []
    for override in overrides:
        _check_known(override, targets)
        if override.action not in ("exclude", "keep"):
            old = targets[override.clip_id]
            targets[override.clip_id] = _replace_label(old, override, corpus.names.emotion)
            change = f"{override.action} {old.labels.get(override.action)} → {override.value}"
            entries.append(_enter(override, "marked", "relabelled", f"{change}: {override.reason}"))
    return replace(corpus, targets=list(targets.values())), entries


def find_excluded(overrides: Iterable[Override]) -> list[Entry]:
    """Entry for each clip that `overrides` exclude."""
    return [
        _enter(override, "left_out", "excluded", override.reason)
        for override in overrides
        if override.action == "exclude"
    ]


def find_quarantined(corpus: Corpus, overrides: Iterable[Override], *, marked: bool) -> list[Entry]:
    """Entry for each clip that is known to be bad; `marked` ones stay, as those that are kept do.

    Those that are excluded anyway have none.
    """
    decided = {override.clip_id: override.action for override in overrides}
    entries = []
    for clip_id, told in corpus.quarantine.items():
        stays = marked or decided.get(clip_id) == "keep"
        if decided.get(clip_id) != "exclude":
            status = "marked" if stays else "left_out"
            entries.append(Entry(clip_id, "labels", status, "quarantined", told))
    return entries


def leave_out(corpus: Corpus, entries: Iterable[Entry]) -> Corpus:
    """Corpus without the clips that `entries` leave out; raises CorpusError where none is left."""
    gone = {entry.clip_id for entry in entries if entry.status == "left_out"}
    left = {clip.clip_id for clip in corpus.clips} - gone
    if not left:
        raise CorpusError("overrides: every clip is excluded; take some of them back")
    return _keep_clips(corpus, left)


def find_kept(overrides: Iterable[Override]) -> list[Entry]:
    """Entry for each clip that `clean` must keep whatever it finds."""
    return [
        _enter(override, "marked", "kept", override.reason)
        for override in overrides
        if override.action == "keep"
    ]


def _parse_line(cells: list[str], where: str) -> Override:
    if len(cells) != len(COLUMNS):
        raise CorpusError(f"{where}: expected {len(COLUMNS)} fields; quote a text with commas")
    clip_id, action, text, reason = map(str.strip, cells)
    if action not in ACTIONS:
        raise CorpusError(f"{where}: unknown action {action!r}; {suggest(action, ACTIONS)}")
    if not reason:
        raise CorpusError(f"{where}: {clip_id}: expected a reason, got none; write one")
    return Override(clip_id, action, _parse_value(action, text, where), reason)


def _parse_value(action: str, text: str, where: str) -> str | float | None:
    if action in ("exclude", "keep"):
        if text:
            raise CorpusError(f"{where}: {action} takes no value, got {text!r}; remove it")
        return None
    if not text:
        raise CorpusError(f"{where}: {action} expects the new label as its value, got none")
    target = TARGETS[action]
    return text if target.kind == "class" else _parse_number(target, text, where)


def _parse_number(target: Target, text: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise CorpusError(f"{where}: {target.name}: expected a number, got {text!r}") from error
    if not target.low <= number <= target.high:
        raise CorpusError(
            f"{where}: {target.name}: expected {target.low:g} to {target.high:g}, got {text}"
        )
    return number


def _check_agreement(path: Path, overrides: list[Override]) -> None:
    """Refuse the same decision twice for a clip, and an excluded clip with another decision."""
    actions: dict[str, set[str]] = {}
    for override in overrides:
        taken = actions.setdefault(override.clip_id, set())
        if override.action in taken:
            raise CorpusError(f"{path}: {override.clip_id}: {override.action} twice; keep one")
        taken.add(override.action)
        if "exclude" in taken and len(taken) > 1:
            other = min(taken - {"exclude"})
            raise CorpusError(f"{path}: {override.clip_id}: both exclude and {other}; keep one")


def _check_known(override: Override, known: Iterable[str]) -> None:
    if override.clip_id in known:
        return
    nearest = difflib.get_close_matches(override.clip_id, list(known), n=1)
    hint = f"did you mean {nearest[0]!r}?" if nearest else "mend or remove its line"
    raise CorpusError(f"overrides: unknown clip {override.clip_id!r}; {hint}")


def _replace_label(target: ClipLabels, override: Override, emotions: list[str]) -> ClipLabels:
    assert override.value is not None
    if TARGETS[override.action].kind == "class" and override.value not in emotions:
        raise CorpusError(
            f"overrides: {override.clip_id}: unknown emotion {override.value!r}; "
            f"{suggest(str(override.value), emotions)}"
        )
    return replace(target, labels={**target.labels, override.action: override.value})


def _keep_clips(corpus: Corpus, left: set[str]) -> Corpus:
    kept = pa.array(sorted(left), pa.string())
    return replace(
        corpus,
        clips=[clip for clip in corpus.clips if clip.clip_id in left],
        targets=[target for target in corpus.targets if target.clip_id in left],
        frames=corpus.frames.filter(pc.is_in(corpus.frames["clip_id"], value_set=kept)),
    )


def _enter(override: Override, status: str, reason: str, detail: str) -> Entry:
    return Entry(override.clip_id, "labels", status, reason, detail)
