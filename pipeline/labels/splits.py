"""Splits and folds: which clips train, choose and test a head, with no group on two sides."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow.compute as pc
from jaxtyping import Int64

from pipeline.errors import CorpusError, ParamsError
from pipeline.files import digest_json
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import NO_MEDIA, Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.params import SplitParams

SIDES = ("train", "val", "test")


def assign_splits(corpus: Corpus, params: SplitParams) -> list[ClipLabels]:
    """Targets of `corpus`, in their order, with `split` or `fold` filled as `params` ask.

    Folds and splits made here leave unlabelled clips out (both None); a corpus without any label
    is placed nowhere. Raises ParamsError where the corpus ships no split to take, CorpusError
    where it ships half of one or has too few groups.
    """
    labelled = find_labelled(corpus)
    if not labelled:
        return [replace(target, split=None, fold=None) for target in corpus.targets]
    return _PROTOCOLS[params.protocol](corpus, labelled, params)


def find_labelled(corpus: Corpus) -> frozenset[str]:
    """Ids of the clips that have a label of their own, or labelled frames."""
    own = {target.clip_id for target in corpus.targets if target.labels}
    return frozenset(own | set(pc.unique(corpus.frames["clip_id"]).to_pylist()))


def number_folds(targets: Iterable[ClipLabels]) -> list[int]:
    """Fold numbers in order, empty for an official split; raises CorpusError for one or two."""
    folds = sorted({target.fold for target in targets if target.fold is not None})
    if 0 < len(folds) < 3:
        raise CorpusError(
            f"splits: expected at least 3 folds, to train, choose and test on, got {len(folds)} "
            f"({folds}); add clips or choose another protocol"
        )
    return folds


def sides(targets: Sequence[ClipLabels], fold: int | None = None) -> dict[str, str]:
    """Clip id → `train`, `val` or `test`, without the clips that take part in nothing.

    In fold k the clips of fold k test, those of the next fold validate, the rest train. Without
    folds, `fold` is None and the official split stands.

    >>> clips = [ClipLabels(clip_id=name, fold=fold) for name, fold in zip("abc", (0, 1, 2))]
    >>> sides(clips, fold=1)
    {'a': 'train', 'b': 'test', 'c': 'val'}
    """
    folds = number_folds(targets)
    if fold is None and not folds:
        return {target.clip_id: target.split for target in targets if target.split is not None}
    if fold is None or fold not in folds:
        raise ParamsError(f"splits: fold {fold}: expected one of {folds or [None]}")
    following = folds[(folds.index(fold) + 1) % len(folds)]
    named = {fold: "test", following: "val"}
    return {
        target.clip_id: named.get(target.fold, "train")
        for target in targets
        if target.fold is not None
    }


UNKNOWN = -1
"""Stands for what a clip is not of, or is not known to be."""

UNITS: dict[str, Callable[[Clip], Hashable]] = {
    "subject": lambda clip: clip.subject and (clip.corpus, clip.subject),
    "group": lambda clip: clip.group,
    "file": lambda clip: clip.path if clip.path != NO_MEDIA else None,
    "dialogue": lambda clip: clip.dialogue and (clip.corpus, clip.dialogue),
    "text": lambda clip: clip.transcript and clip.transcript.casefold(),
    "media digest": lambda clip: clip.media_digest if clip.path != NO_MEDIA else None,
}
"""What clips may share, and how it is told: None, or nothing, for a clip of which it is not known.

Digests are known once `clean` has seen the media."""


@dataclass(frozen=True)
class Overlap:
    """How many of a unit in `side` also stand on `other`, and the clips on `side`."""

    unit: str
    side: str
    other: str
    shared: int
    total: int
    shared_clips: int
    total_clips: int

    def __str__(self) -> str:
        return (
            f"{self.shared} of {self.total} {self.unit}s in {self.side} ({self.shared_clips} of "
            f"{self.total_clips} clips) are also in {self.other}"
        )


@dataclass(frozen=True)
class Units:
    """What clips are of: `numbers` is unit → a number for each clip's own, or UNKNOWN."""

    clip_ids: Sequence[str]
    numbers: Mapping[str, Int64[np.ndarray, " clips"]]


def number_units(clips: Sequence[Clip]) -> Units:
    """What of UNITS `clips` are of: found once, and looked at for every run."""
    numbers = {}
    for unit, tell in UNITS.items():
        known: dict[Hashable, int] = {}
        names = (tell(clip) for clip in clips)
        found = (known.setdefault(name, len(known)) if name else UNKNOWN for name in names)
        numbers[unit] = np.fromiter(found, np.int64, len(clips))
    return Units([clip.clip_id for clip in clips], numbers)


def overlaps(units: Units, placed: Mapping[str, str]) -> list[Overlap]:
    """What of `units` is on two of the sides that `sides` gave; empty where there is none."""
    places = {side: place for place, side in enumerate(SIDES)}
    found = (places.get(placed.get(clip_id, ""), UNKNOWN) for clip_id in units.clip_ids)
    at = np.fromiter(found, np.int64, len(units.clip_ids))
    pairs = (("val", "train"), ("test", "train"), ("test", "val"))
    every = [
        _overlap(unit, pair, {side: numbers[at == places[side]] for side in pair})
        for unit, numbers in units.numbers.items()
        for pair in pairs
    ]
    return [overlap for overlap in every if overlap.shared]


def deal_groups(sizes: Mapping[str, int], shares: Sequence[float], seed: int) -> dict[str, int]:
    """Group → index of its share, the sums of sizes as near to `shares` as whole groups allow.

    Greedy, largest group first, each to the share it fills least (Graham, SIAM J. Appl. Math.
    1969, for equal shares); no share stays empty. Groups of one size come in an order drawn from
    `seed` and their names alone. Raises CorpusError when groups are fewer than shares.

    >>> sorted(deal_groups({"ann": 6, "bob": 3, "cy": 3}, shares=(1.0, 1.0), seed=0).items())
    [('ann', 0), ('bob', 1), ('cy', 1)]
    """
    if len(sizes) < len(shares):
        raise CorpusError(
            f"splits: expected at least {len(shares)} groups with labels, got {len(sizes)} "
            f"({', '.join(sorted(sizes)) or 'none'}); add clips, ask for fewer sides, or have the "
            "corpus state other groups"
        )
    order = sorted(sizes, key=lambda group: (-sizes[group], digest_json([seed, group])))
    loads = [0.0] * len(shares)
    dealt: dict[str, int] = {}
    for group in order:
        empty = [index for index, load in enumerate(loads) if not load]
        scarce = len(order) - len(dealt) <= len(empty)
        candidates = empty if scarce else range(len(shares))
        index = min(candidates, key=lambda share: (loads[share] + sizes[group]) / shares[share])
        loads[index] += sizes[group]
        dealt[group] = index
    return dealt


def _take_shipped(
    corpus: Corpus, labelled: frozenset[str], params: SplitParams
) -> list[ClipLabels]:
    shipped = {target.split for target in corpus.targets} - {None}
    folds = number_folds(corpus.targets)
    if shipped and folds:
        raise CorpusError("splits: the corpus ships both a split and folds; keep one of the two")
    if not shipped and not folds:
        raise ParamsError(
            "params.yaml: splits.protocol: the corpus ships neither a split nor folds; choose "
            "`folds`, `leave_one_out` or `holdout`"
        )
    if folds or "val" in shipped:
        return corpus.targets
    if "train" not in shipped:
        raise CorpusError(f"splits: expected clips in train, got only {sorted(map(str, shipped))}")
    return _cut_val(corpus, labelled, params)


def _cut_val(corpus: Corpus, labelled: frozenset[str], params: SplitParams) -> list[ClipLabels]:
    """Targets with some groups of train moved to val."""
    group_of = _group_clips(corpus.clips)
    train = {target.clip_id for target in corpus.targets if target.split == "train"}
    sizes = Counter(group_of[clip_id] for clip_id in train & labelled)
    dealt = deal_groups(sizes, (1 - params.val_share, params.val_share), params.seed)
    return [
        replace(target, split="val")
        if target.split == "train" and dealt.get(group_of[target.clip_id]) == 1
        else target
        for target in corpus.targets
    ]


def _make_folds(corpus: Corpus, labelled: frozenset[str], params: SplitParams) -> list[ClipLabels]:
    dealt = _deal_clips(corpus, labelled, [1.0] * params.folds, params.seed)
    return [
        replace(target, split=None, fold=dealt.get(target.clip_id)) for target in corpus.targets
    ]


def _leave_one_out(
    corpus: Corpus, labelled: frozenset[str], params: SplitParams
) -> list[ClipLabels]:
    group_of = _group_clips(corpus.clips)
    folds = {group: n for n, group in enumerate(sorted({group_of[name] for name in labelled}))}
    return [
        replace(
            target,
            split=None,
            fold=folds[group_of[target.clip_id]] if target.clip_id in labelled else None,
        )
        for target in corpus.targets
    ]


def _make_holdout(
    corpus: Corpus, labelled: frozenset[str], params: SplitParams
) -> list[ClipLabels]:
    rest = 1 - params.val_share - params.test_share
    dealt = _deal_clips(corpus, labelled, [rest, params.val_share, params.test_share], params.seed)
    names = {clip_id: SIDES[index] for clip_id, index in dealt.items()}
    return [
        replace(target, split=names.get(target.clip_id), fold=None) for target in corpus.targets
    ]


_PROTOCOLS: dict[str, Callable[[Corpus, frozenset[str], SplitParams], list[ClipLabels]]] = {
    "corpus": _take_shipped,
    "folds": _make_folds,
    "leave_one_out": _leave_one_out,
    "holdout": _make_holdout,
}


def _deal_clips(
    corpus: Corpus, labelled: frozenset[str], shares: Sequence[float], seed: int
) -> dict[str, int]:
    """Labelled clip id → index of the share that its group falls to."""
    group_of = _group_clips(corpus.clips)
    dealt = deal_groups(Counter(group_of[clip_id] for clip_id in labelled), shares, seed)
    return {clip_id: dealt[group_of[clip_id]] for clip_id in labelled}


def _group_clips(clips: Iterable[Clip]) -> dict[str, str]:
    """Clip id → group; a clip without one is a group of its own."""
    return {clip.clip_id: clip.group or clip.clip_id for clip in clips}


def _overlap(
    unit: str, pair: tuple[str, str], numbers: Mapping[str, Int64[np.ndarray, "_"]]
) -> Overlap:
    """`numbers` is side → what its clips are of."""
    here, there = (numbers[side][numbers[side] != UNKNOWN] for side in pair)
    present = np.zeros((2, 1 + max(here.max(initial=0), there.max(initial=0))), bool)
    present[0, here] = present[1, there] = True
    return Overlap(
        unit=unit,
        side=pair[0],
        other=pair[1],
        shared=int(present.all(axis=0).sum()),
        total=int(present[0].sum()),
        shared_clips=int(present[1, here].sum()),
        total_clips=len(here),
    )
