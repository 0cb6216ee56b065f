"""Differences between two stores as lines for people: what made them, their clips, their values."""

from collections.abc import Iterator, Sequence

from pipeline.audits.differences import Differences
from pipeline.audits.differences.clips import ClipDifferences
from pipeline.audits.differences.media import MediaDifferences
from pipeline.audits.differences.settings import Change
from pipeline.audits.differences.values import Largest, ValueDifferences

NAMED = 3
"""Clips that are named of many."""


def list_differences(differences: Differences) -> Iterator[str]:
    """Lines that say why the stores differ and by how much, the verdict last."""
    for letter, path in zip("AB", differences.paths, strict=True):
        yield f"{letter}: {path}"
    yield from list_changes(differences.changes)
    formats = differences.part_formats
    if formats[0] != formats[1]:
        yield f"part format: {formats[0]} → {formats[1]}, no difference of content"
    listed = {"clips": differences.clips}
    if differences.views.found:
        listed["views"] = differences.views
    for what, found in listed.items():
        yield from _list_clips(found, what)
        yield from _list_keys(found, differences.changes)
    match differences.contents:
        case ValueDifferences() as values:
            yield from list_values(values, " and ".join(listed))
        case MediaDifferences() as media:
            yield from _list_media(media)
        case None:
            yield "values: not compared, for their rows have other shapes"
    yield f"the content {'is the same' if differences.same else 'differs'}"


def list_changes(changes: Sequence[Change]) -> Iterator[str]:
    """Lines that name every setting that differs."""
    if not changes:
        yield "made in the same way"
        return
    yield "made with other settings:"
    width = max(len(change.stage) for change in changes)
    for change in changes:
        yield f"  {change.stage:{width}}  {change.path}: {change.texts[0]} → {change.texts[1]}"


def _list_clips(clips: ClipDifferences, what: str) -> Iterator[str]:
    alone = [
        f"{len(clip_ids):,} only in {letter}{_name_clips(clip_ids)}"
        for letter, clip_ids in (("A", clips.only_first), ("B", clips.only_second))
        if clip_ids
    ]
    yield "; ".join([f"{what}: {len(clips.shared):,} in both", *alone])
    if clips.statuses:
        clip_id, (first, second) = next(iter(clips.statuses.items()))
        example = f"{clip_id}: {first} → {second}"
        yield f"  status differs, or rows in one alone: {len(clips.statuses):,}, as {example}"


def _list_keys(clips: ClipDifferences, changes: Sequence[Change]) -> Iterator[str]:
    if clips.shared:
        yield f"  keys equal: {clips.equal_keys:,}"
    own = "the clip's own input (other media bytes, stretch or words)"
    cause = "the settings above" if changes else own
    yield from _list_some(f"  keys differ by {cause}", clips.other_keys)
    yield from _list_some("  a key in one alone, nothing made in the other", clips.keyless)


def list_values(values: ValueDifferences, what: str) -> Iterator[str]:
    """Lines on how many clips differ, and on the largest differences; `what` says what they are."""
    equal, beyond, count = len(values.equal), values.beyond, len(values.gaps)
    yield (
        f"values of {count:,} {what}: {equal:,} equal bit for bit, "
        f"{count - equal - len(beyond):,} within {values.tolerance:g}, "
        f"{len(beyond):,} beyond{_name_clips(beyond)}"
    )
    if equal < count:
        largest = values.find_largest()
        yield f"  largest absolute difference: {_describe(largest[0])}"
        yield f"  largest |a - b| / max(|a|, |b|) of a row: {_describe(largest[1])}"
    yield from _list_some("  another number of rows, not compared", values.other_rows)
    yield from _list_some("  other times", values.other_times)
    yield from _list_some("  other valid flags", values.other_valid)


def _list_media(media: MediaDifferences) -> Iterator[str]:
    count = len(media.equal) + len(media.other)
    columns = f", in {', '.join(media.columns)}" if media.columns else ""
    yield (
        f"content of {count:,} clips: {len(media.equal):,} equal, "
        f"{len(media.other):,} not{_name_clips(media.other)}{columns}"
    )


def _list_some(what: str, clip_ids: Sequence[str]) -> Iterator[str]:
    """One line for `clip_ids`, none where there are none."""
    if clip_ids:
        yield f"{what}: {len(clip_ids):,}{_name_clips(clip_ids)}"


def _name_clips(clip_ids: Sequence[str]) -> str:
    """The first few in brackets, nothing where there are none."""
    if not clip_ids:
        return ""
    more = ", …" if len(clip_ids) > NAMED else ""
    return f" ({', '.join(clip_ids[:NAMED])}{more})"


def _describe(largest: Largest) -> str:
    return f"{largest.amount:.3g} ({largest.clip_id}, row {largest.row})"
