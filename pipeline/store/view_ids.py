"""Views in a feature set: a clip's augmented copies, each under an id of its own.

A view is no clip: what counts, lists or judges clips leaves views out, and only training reads
them. Which ids are views is told by the number of views that the set's provenance states.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any


def name_view(clip_id: str, number: int) -> str:
    """Id of view `number`, from 1 on, of a clip."""
    return f"{clip_id}#view{number}"


def is_like_view(clip_id: str) -> bool:
    """Whether an id has the form of a view's, which no clip may have."""
    return re.search(r"#view\d+\Z", clip_id) is not None


def count_views(provenance: Mapping[str, Any]) -> int:
    """Most views of a clip in a set of this provenance."""
    return int(provenance.get("views", {}).get("count", 0))


def find_views(clip_ids: Collection[str], provenance: Mapping[str, Any]) -> frozenset[str]:
    """Those of `clip_ids`, all ids in a set of this provenance, that are views."""
    if not (count := count_views(provenance)):
        return frozenset()
    known = frozenset(clip_ids)
    like = (match for clip_id in known if (match := _VIEW.fullmatch(clip_id)))
    return frozenset(m[0] for m in like if m[1] in known and int(m[2]) <= count)


_VIEW = re.compile(r"(.*)#view([1-9]\d{0,3})", re.DOTALL | re.ASCII)
