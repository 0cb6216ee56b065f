"""Normalisation by corpus or subject: what rows are standardised by before readers see them.

A corpus has rooms, microphones and cameras of its own, and a person a face and a voice; their
moments take these out of rows.
"""

from collections.abc import Mapping
from types import MappingProxyType

from torch import Tensor

from pipeline.errors import StoreError
from pipeline.modalities import RowShape

PREFIX = "corpora/"
"""Of the names of standards among the tensors of a run."""

ALL = ""
"""Stands for all that trains: a corpus goes by it that had no row in train."""

Standards = Mapping[str, Mapping[str, Tensor]]
"""Clip, corpus, or ALL → stream → mean and scale of rows, `(2, *row)`, where a size of 1 stands for
all places. A clip goes by its own, else by those of its corpus, else by ALL."""

NO_STANDARDS: Standards = MappingProxyType({})
"""Of heads whose readers alone standardise."""


def corpus_of(clip_id: str) -> str:
    """Corpus of a clip, or of a view of one: ids begin with it.

    >>> corpus_of("ravdess/01-01#view1")
    'ravdess'
    """
    return clip_id.partition("/")[0]


def name_standards(standards: Standards) -> dict[str, Tensor]:
    """Name → tensor, as they are saved among those of a run."""
    return {
        f"{PREFIX}{corpus}/{stream}": moments
        for corpus, streams in standards.items()
        for stream, moments in streams.items()
    }


def find_standards(tensors: Mapping[str, Tensor], shapes: Mapping[str, RowShape]) -> Standards:
    """Standards among the `tensors` of a run, of streams whose rows have these `shapes`.

    Raises StoreError where they are not those of such rows.
    """
    found: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(PREFIX):
            corpus, _, stream = name.removeprefix(PREFIX).partition("/")
            moments = tensor.float()
            if stream not in shapes or not _fit(moments, shapes[stream].sizes):
                raise StoreError(
                    f"{name}: expected a mean and a scale of rows of {', '.join(shapes)}, got "
                    f"{tuple(tensor.shape)}"
                )
            found.setdefault(corpus, {})[stream] = moments
    return found


def _fit(moments: Tensor, sizes: tuple[int, ...]) -> bool:
    """Whether rows of these sizes can be standardised by `moments`."""
    if moments.ndim != len(sizes) + 1 or len(moments) != 2:
        return False
    alike = all(own in (1, size) for own, size in zip(moments.shape[1:], sizes, strict=True))
    return alike and bool(moments.isfinite().all()) and bool((moments[1] > 0).all())
