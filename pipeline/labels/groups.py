"""Groups: clips that must not stand on two sides of a split, for they share something."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.labels.clips import NO_MEDIA, Clip


def join_clips(clips: Sequence[Clip], root: Path) -> list[Clip]:
    """`clips`, those without a group in one: all that share a subject, a file or a dialogue.

    Sharing goes on from clip to clip: whoever speaks in two dialogues makes one group of both. A
    group is named after its first subject, else its first file below `root`, dialogue or clip.
    """
    free = [clip for clip in clips if clip.group is None]
    roots = _find_roots([list_ties(clip) for clip in free])
    members: dict[int, list[Clip]] = {}
    for clip, first in zip(free, roots, strict=True):
        members.setdefault(first, []).append(clip)
    several = len({clip.corpus for clip in clips}) > 1
    names = {
        first: f"{found[0].corpus}/{_name_group(found, root)}"
        if several
        else _name_group(found, root)
        for first, found in members.items()
    }
    named = {clip.clip_id: names[first] for clip, first in zip(free, roots, strict=True)}
    return [replace(clip, group=clip.group or named[clip.clip_id]) for clip in clips]


def list_ties(clip: Clip) -> list[tuple[str, ...]]:
    """What binds a clip to others: its subject, its file, its dialogue, each of its corpus."""
    ties: list[tuple[str, ...]] = []
    if clip.subject is not None:
        ties.append(("subject", clip.corpus, clip.subject))
    if clip.path != NO_MEDIA:
        ties.append(("file", clip.path))
    if clip.dialogue is not None:
        ties.append(("dialogue", clip.corpus, clip.dialogue))
    return ties


def _find_roots(ties: Sequence[Iterable[Hashable]]) -> list[int]:
    """For each set of ties the index of the first set that it hangs together with."""
    parents = list(range(len(ties)))

    def find(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    first: dict[Hashable, int] = {}
    for index, found in enumerate(ties):
        for tie in found:
            one, other = sorted((find(index), find(first.setdefault(tie, index))))
            parents[other] = one
    return [find(index) for index in range(len(ties))]


def _name_group(clips: Sequence[Clip], root: Path) -> str:
    """Name of a group, the same as where one subject or one file alone makes it."""
    if subjects := [clip.subject for clip in clips if clip.subject is not None]:
        return min(subjects)
    if paths := [clip.path for clip in clips if clip.path != NO_MEDIA]:
        return _shorten(min(paths), root)
    return min(clip.dialogue or clip.clip_id for clip in clips)


def _shorten(path: str, root: Path) -> str:
    inside = Path(path).is_relative_to(root)
    return Path(path).relative_to(root).as_posix() if inside else path
