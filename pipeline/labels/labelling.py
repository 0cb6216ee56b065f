"""Labelling: corpora → the tables of clips, targets and frame labels that every stage reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from pipeline.labels.capping import find_capped
from pipeline.labels.clip_labels import ClipLabels, write_trained
from pipeline.labels.clips import LABELS_SCHEMA, Clip, write_clips
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.params import CorpusParams
from pipeline.labels.dialogues import number_turns
from pipeline.labels.emotions import Names
from pipeline.labels.joining import join_corpora, map_classes, place_corpora
from pipeline.labels.overrides import (
    find_excluded,
    find_kept,
    find_quarantined,
    leave_out,
    read_overrides,
    relabel,
)
from pipeline.labels.params import SplitParams
from pipeline.labels.runs import find_trained
from pipeline.labels.split_files import place_by_file, read_places
from pipeline.labels.splits import assign_splits
from pipeline.labels.target_files import write_target_files
from pipeline.store.ledger import Entry, write_ledger


@dataclass(frozen=True)
class Labelled:
    """Corpora as one, with overrides applied and clips placed.

    `ledger` holds the clips that overrides excluded or relabelled, `kept` those that `clean` must
    keep: a table of its own, so that relabelling never reruns `clean`. `remarks` are the corpora's.
    """

    clips: list[Clip]
    targets: list[ClipLabels]
    frames: pa.Table
    names: Names
    ledger: list[Entry]
    kept: list[Entry]
    remarks: Sequence[str] = ()


def label_corpora(
    read: Mapping[str, Corpus],
    corpora: Mapping[str, CorpusParams],
    splits: SplitParams,
    overrides: Path,
    places: Path,
) -> Labelled:
    """What is `read` of the `corpora`, joined, relabelled, split, without what is excluded.

    `overrides` and `places` are the files that decide on single clips, and on where they stand.
    In this order: splitting before excluding keeps every group where it is when one clip goes.
    Raises CorpusError or ParamsError that names the corpus, the clip or the line at fault.
    """
    mapped = {name: map_classes(corpus, corpora[name], name) for name, corpus in read.items()}
    joined = join_corpora(mapped)
    decisions = read_overrides(overrides)
    relabelled, changed = relabel(joined, decisions)
    targets, told = _place(relabelled, mapped, corpora, splits, places)
    placed = replace(relabelled, targets=targets)
    entries = find_excluded(decisions)
    for name, corpus in mapped.items():
        marked = corpora[name].quarantine == "mark"
        entries += find_quarantined(corpus, decisions, marked=marked)
    whole = leave_out(placed, entries)
    capped = find_capped(whole.targets, splits, whole.clips)
    left = leave_out(whole, capped)
    return Labelled(
        clips=left.clips,
        targets=left.targets,
        frames=left.frames,
        names=left.names,
        ledger=[*changed, *entries, *capped, *joined.entries],
        kept=find_kept(decisions),
        remarks=[*joined.remarks, *told],
    )


def _place(
    joined: Corpus,
    mapped: Mapping[str, Corpus],
    corpora: Mapping[str, CorpusParams],
    splits: SplitParams,
    places: Path,
) -> tuple[list[ClipLabels], list[str]]:
    """Targets with their places, and remarks on these."""
    if splits.protocol != "file":
        return place_corpora(mapped, corpora, joined.targets, splits), []
    targets, told = place_by_file(joined, read_places(places))
    shipped = splits.model_copy(update={"protocol": "corpus"})  # train alone has val cut out
    return assign_splits(replace(joined, targets=targets), shipped), told


def write_labels(labelled: Labelled, folder: Path, told: Path) -> None:
    """Write what is `labelled`: what heads are told into the folder `told`, the rest into `folder`.

    Each file appears whole.
    """
    subjects = {clip.clip_id: clip.subject for clip in labelled.clips}
    targets = (replace(own, subject=subjects.get(own.clip_id)) for own in labelled.targets)
    turns = number_turns(labelled.clips)
    write_target_files(told, targets, labelled.names, frames=labelled.frames, turns=turns)
    write_clips(folder / "clips.parquet", labelled.clips, LABELS_SCHEMA)
    write_trained(folder / "trained.parquet", find_trained(labelled.targets))
    write_ledger(folder / "ledger.parquet", labelled.ledger)
    write_ledger(folder / "kept.parquet", labelled.kept)
