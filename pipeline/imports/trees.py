"""Trees: arrays by their names, and names within names, whatever file holds them.

Three layouts are known, each of them also within `train`, `valid` and `test`:

- one of `IDS` names the entries of the arrays beside it, whose padding `<array>_lengths` tells;
- a name is an id: its array is the clip's rows, `features` and `intervals` below it are rows with
  their seconds;
- the same, with the array of each modality below the id, or with all ids below the modality.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import StoreError
from pipeline.families import suggest
from pipeline.imports.series import Series, Wanted, as_rows, split_array
from pipeline.limits import MOST_ID_LETTERS, MOST_IDS
from pipeline.modalities import Modality

SPLITS = frozenset({"train", "valid", "val", "dev", "test"})
IDS = ("clip_id", "clip_ids", "id", "ids")
"""Names of what holds ids, the first that is there."""

USUAL: Mapping[Modality, tuple[str, ...]] = {
    "text": ("text", "features", "embedding", "embeddings"),
    "audio": ("audio", "features", "embedding", "embeddings"),
    "face": ("vision", "video", "features", "embedding", "embeddings"),
    "scene": ("vision", "video", "features", "embedding", "embeddings"),
}
"""Modality → names that its features usually have, the first that is there."""


@dataclass(frozen=True)
class Leaf:
    """An array, or several, that are read when they are asked for; `shape` is known before."""

    shape: tuple[int, ...]
    load: Callable[[], NDArray[Any] | Sequence[NDArray[Any]]]


Tree: TypeAlias = Mapping[str, Any]
"""Name → leaf, or tree below it."""


def read_tree(place: str, tree: Tree, wanted: Wanted) -> Iterator[Series]:
    """Series of all that is wanted in `tree`; raises StoreError where its layout is none known."""
    if tree and tree.keys() <= SPLITS and all(isinstance(one, Mapping) for one in tree.values()):
        for name, branch in tree.items():
            assert isinstance(branch, Mapping)
            yield from read_tree(f"{place}: {name}", branch, wanted)
        return
    ids = _find_ids(place, tree, wanted)
    if ids is not None:
        key = choose_key(place, _list_entries(tree, len(ids)), wanted)
        values, lengths = _load(place, tree[key]), _find_lengths(place, tree, key)
        yield from split_array(f"{place}: {key}", ids, values, lengths)
        return
    chosen = tree.get(wanted.key or "")
    yield from _read_each(place, chosen if isinstance(chosen, Mapping) else tree, wanted)


def choose_key(place: str, names: Sequence[str], wanted: Wanted) -> str:
    """Which of `names` is wanted; raises StoreError where none is, or several may be."""
    if wanted.key is not None:
        if wanted.key not in names:
            raise StoreError(f"{place}: no array {wanted.key!r}; {suggest(wanted.key, names)}")
        return wanted.key
    usual = (name for name in USUAL[wanted.modality] if name in names)
    found = next(usual, names[0] if len(names) == 1 else None)
    if found is None:
        raise StoreError(
            f"{place}: expected one array of features, got {', '.join(names) or 'none'}; name one "
            f"by --key"
        )
    return found


def read_names(place: str, values: Any) -> list[str]:
    """Ids as text; raises StoreError where they are something else."""
    listed = values.ravel() if isinstance(values, np.ndarray) else values
    if len(listed) > MOST_IDS:
        raise StoreError(f"{place}: expected at most {MOST_IDS:,} ids, got {len(listed):,}")
    try:
        names = [_read_name(value) for value in listed]
    except (ValueError, SystemError) as error:  # numbers that no letter has
        raise StoreError(f"{place}: expected ids in Unicode, got others") from error
    if None in names:
        raise StoreError(f"{place}: expected ids as text or whole numbers, got others")
    found = [name for name in names if name is not None]
    if max(map(len, found), default=0) > MOST_ID_LETTERS:
        raise StoreError(f"{place}: expected ids of at most {MOST_ID_LETTERS:,} letters, got more")
    return found


def _read_name(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value) if isinstance(value, (str, int, np.integer)) else None


def _find_ids(place: str, tree: Tree, wanted: Wanted) -> Sequence[str] | None:
    """Ids of the entries of all arrays, None where each array is a clip's."""
    for name in IDS:
        leaf = tree.get(name)
        if isinstance(leaf, Leaf):
            return read_names(f"{place}: {name}", _load(place, leaf))
    return wanted.ids


def _find_lengths(place: str, tree: Tree, key: str) -> Sequence[int] | None:
    leaf = tree.get(f"{key}_lengths")
    if leaf is None:
        return None
    try:
        lengths = np.ravel(np.asarray(_load(place, leaf)))
        return [int(one) for one in lengths[: MOST_IDS + 1]]  # as many as ids, or refused
    except (TypeError, ValueError, OverflowError) as error:
        raise StoreError(f"{place}: {key}_lengths: expected whole numbers, got others") from error


def _list_entries(tree: Tree, count: int) -> list[str]:
    """Names of arrays that have `count` entries of more than one number each, as far as known."""
    leaves = {name: leaf for name, leaf in tree.items() if isinstance(leaf, Leaf)}
    entries = {name: leaf for name, leaf in leaves.items() if leaf.shape[:1] == (count,)}
    return [name for name, leaf in entries.items() if len(leaf.shape) > 1]


def _load(place: str, node: Leaf | Tree) -> Any:
    if not isinstance(node, Leaf):
        raise StoreError(f"{place}: expected an array, got names below one")
    return node.load()


def _read_each(place: str, tree: Tree, wanted: Wanted, above: str = "") -> Iterator[Series]:
    """Series of a tree whose names are ids, or parts of ids with `/` between."""
    for name, node in tree.items():
        full = f"{above}{name}"
        told = f"{place}: {full}"
        intervals = None
        if isinstance(node, Leaf):
            features: Leaf | Tree = node
        elif {"features", "intervals"} <= node.keys():
            features, intervals = node["features"], _load(told, node["intervals"])
        elif node and all(isinstance(one, Leaf) for one in node.values()) and _is_clip(node):
            features = node[choose_key(told, list(node), wanted)]
        else:
            yield from _read_each(place, node, wanted, f"{full}/")
            continue
        yield Series(place, full, as_rows(told, _load(told, features)), intervals)


def _is_clip(node: Tree) -> bool:
    """Whether the names below an id are those of modalities."""
    usual = {name for names in USUAL.values() for name in names}
    return not usual.isdisjoint(node.keys())
