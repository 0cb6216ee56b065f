"""A replay as lines for people: what was encoded again, and whether it is what is published."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.audits.differences.values import ValueDifferences
from pipeline.audits.replaying import Replay
from pipeline.cli.comparisons import list_changes, list_values
from pipeline.errors import StoreError


def list_replay(path: Path, replay: Replay) -> Iterator[str]:
    """Lines on the replay of the set at `path`, the clips that differ last."""
    if replay.changes:
        yield f"A: {path}"
        yield "B: what params.yaml and the media make now"
        yield from list_changes(replay.changes)
    if replay.other_inputs:
        yield f"{len(replay.other_inputs):,} of {replay.clips:,} clips are made of something else"
    if replay.values is not None:
        clips, views = _count(replay.values) - replay.views, replay.views
        with_views = f", with {views:,} views of them" if views else ""
        yield f"{path}: {clips:,} of {replay.clips:,} clips encoded again{with_views}"
        yield from list_values(replay.values, "clips and views" if views else "clips")
        yield from _list_differing(replay.values)


def _list_differing(values: ValueDifferences) -> Iterator[str]:
    for clip_id in values.other_rows:
        yield f"  differs: {clip_id}, another number of rows"
    for clip_id in sorted({*values.beyond, *values.other_times, *values.other_valid}):
        gap = values.gaps[clip_id]
        reasons = [
            f"{gap.relative.amount:.3g} in row {gap.relative.row}" * (clip_id in values.beyond),
            "other times" * gap.other_times,
            "other valid flags" * gap.other_valid,
        ]
        yield f"  differs: {clip_id}, {', '.join(filter(None, reasons))}"


def _count(values: ValueDifferences) -> int:
    return len(values.gaps) + len(values.other_rows)


def conclude(path: Path, replay: Replay) -> None:
    """Raise StoreError unless clips could be encoded again and gave the rows of the set."""
    if replay.values is None:
        raise StoreError(
            f"{path}: expected a set made as params.yaml says of the media that are here, got one "
            f"made otherwise; go back to the params and media above, or make it anew by "
            f"`dvc repro extract@{path.name}`"
        )
    if not replay.values.same:
        raise StoreError(
            f"{path}: expected the same rows within {replay.values.tolerance:g}, got others; if "
            f"code or libraries changed the encoder's output, raise its version, else extract anew"
        )
