"""Capping: few clips of a corpus for a quick look, as many of each class, side and fold."""

from collections.abc import Iterable, Mapping, Sequence

from pipeline.files import digest_json
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.params import SplitParams
from pipeline.store.ledger import Entry

Stratum = tuple[str, str, int]
"""Class, side and fold, empty or -1 where a clip has none; where it has no class, its corpus."""


def find_capped(
    targets: Sequence[ClipLabels], params: SplitParams, clips: Iterable[Clip]
) -> list[Entry]:
    """Entry for each clip that `max_per_class` and `max_clips` leave out; none where both are None.

    Those that take part in nothing are left out first, unless that is all of them. Clips without a
    class count by their corpus, which `clips` tell. Clips come in an order drawn from `seed` and
    their ids alone, so one that is added moves none.
    """
    if params.max_per_class is None and params.max_clips is None:
        return []
    corpora = {clip.clip_id: clip.corpus for clip in clips}
    placed = [target for target in targets if target.split or target.fold is not None] or targets
    kept = {target.clip_id for target in placed}
    if params.max_per_class is not None:
        classes: dict[str, list[ClipLabels]] = {}
        for target in placed:
            classes.setdefault(_find_stratum(target, corpora)[0], []).append(target)
        kept = {
            clip_id
            for members in classes.values()
            for clip_id in _order(members, params.seed, corpora)[: params.max_per_class]
        }
    if params.max_clips is not None:
        left = [target for target in placed if target.clip_id in kept]
        kept = set(_order(left, params.seed, corpora)[: params.max_clips])
    told = f"max_per_class {params.max_per_class}, max_clips {params.max_clips}"
    return [
        Entry(target.clip_id, "labels", "left_out", "capped", told)
        for target in targets
        if target.clip_id not in kept
    ]


def _order(targets: Iterable[ClipLabels], seed: int, corpora: Mapping[str, str]) -> list[str]:
    """Ids in turn from each stratum, each in an order drawn from `seed`."""
    strata: dict[Stratum, list[str]] = {}
    for target in targets:
        strata.setdefault(_find_stratum(target, corpora), []).append(target.clip_id)
    turns = [
        (turn, stratum, clip_id)
        for stratum, members in strata.items()
        for turn, clip_id in enumerate(
            sorted(members, key=lambda clip_id: digest_json([seed, clip_id]))
        )
    ]
    return [clip_id for _, _, clip_id in sorted(turns)]


def _find_stratum(target: ClipLabels, corpora: Mapping[str, str]) -> Stratum:
    fold = -1 if target.fold is None else target.fold
    unnamed = f"/{corpora[target.clip_id]}"
    return str(target.labels.get("emotion", unnamed)), target.split or "", fold
