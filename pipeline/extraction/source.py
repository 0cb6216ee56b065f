"""A source of rows: an encoder over a store of media, batch by batch and piece by piece."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import pyarrow as pa

from pipeline.encoders.contract import Encoder, Recall
from pipeline.encoders.params import ENCODERS, FeatureParams
from pipeline.engines.ahead import read_ahead
from pipeline.engines.guard import guard_weights
from pipeline.errors import StoreError
from pipeline.extraction.rates import average_rows
from pipeline.extraction.views import (
    View,
    augment,
    describe_views,
    list_views,
    measure_pace,
    retime_rows,
)
from pipeline.labels.clip_labels import read_trained
from pipeline.media.inputs import read_pieces
from pipeline.rows import ClipInput, Rows
from pipeline.store.provenance import FeatureProvenance, derive_key
from pipeline.store.reader import MediaStore, open_media

DTYPE = np.dtype(np.float16)
"""Precision of stored embeddings: half of float32's bytes; errors stay below 0.1 %."""

KERNELS = "128"
"""Kernels that oneDNN keeps: a few megabytes for each layer and each length of sound. It would keep
1,024, two gigabytes of them; a network with as many layers as 128 shapes is none that is met."""

Item = TypeVar("Item")

BATCH_BYTES = 128_000_000
"""A batch ends with the piece that makes its media, decoded, so many bytes."""


@runtime_checkable
class Media(Protocol):
    """Where the media of clips are read."""

    def __getitem__(self, clip_id: str) -> pa.Table:
        """Rows of a clip in `data/<modality>`."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a clip as its encoder is given it, and whether it is the clip's last.

    In a second of it, `pace` seconds of the clip's own go by.
    """

    clip_id: str
    content: ClipInput
    last: bool
    pace: float = 1.0


@dataclass(frozen=True)
class Source:
    """What makes rows of clips: an encoder with its params, over a store of media.

    What recalls its rows needs the ids of the clips alone. Where the params ask for views, the
    clips in `trained` have some.
    """

    params: FeatureParams
    encoder: Encoder | Recall
    media: MediaStore
    trained: frozenset[str] = frozenset()

    @cached_property
    def provenance(self) -> FeatureProvenance:
        """Provenance of the feature set that it makes: everything that shapes its rows."""
        return describe_rows(self.params, self.encoder, self.media.provenance)

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """Precision of stored embeddings."""
        return find_dtype(self.encoder)

    @cached_property
    def inputs(self) -> Mapping[str, str]:
        """clip_id → key of what its rows are made of, of every clip that has some.

        Raises StoreError where rows are recalled, and none is of a clip.
        """
        if not isinstance(self.encoder, Recall):
            return self.media.list_keys()
        clip_ids, held = self.media.index.clip_ids, self.encoder.list_keys()
        found = {clip_id: held[clip_id] for clip_id in clip_ids if clip_id in held}
        if clip_ids and not found:
            raise StoreError(
                f"{self.media.path}: expected rows of clips such as {', '.join(clip_ids[:3])}, got "
                f"those of {', '.join(list(held)[:3])}; import them by the ids of this corpus"
            )
        return found

    @cached_property
    def views(self) -> dict[str, View]:
        """Id → view, of all views."""
        views = (list_views(self.params, clip_id, self.trained) for clip_id in self.inputs)
        return {view.id: view for some in views for view in some}

    @cached_property
    def keys(self) -> dict[str, str]:
        """Id → key of every clip that has inputs, then of every view, by the index alone."""
        return derive_keys(self.params, self.inputs, self.views, self.provenance.fingerprint)

    def encode(self, clip_ids: Iterable[str]) -> Iterator[tuple[str, Rows]]:
        """Float32 rows of each of `clip_ids`, views among them, in order."""
        return encode_clips(self.encoder, self.params, self.media, clip_ids, self.views)

    def sort(self, clip_ids: Iterable[str]) -> list[str]:
        """`clip_ids`, views among them, in the order in which their media lie in the store."""

        def place(clip_id: str) -> tuple[int, int]:
            view = self.views.get(clip_id)
            return self.media.place_of(view.clip_id if view else clip_id)

        return sorted(clip_ids, key=place)


def find_dtype(encoder: Encoder | Recall) -> np.dtype[Any]:
    """Precision that the rows of an encoder are stored in."""
    return encoder.dtype if isinstance(encoder, Recall) else DTYPE


def describe_rows(
    params: FeatureParams, encoder: Encoder | Recall, media: dict[str, Any] | None = None
) -> FeatureProvenance:
    """Provenance of what `encoder` makes: all that shapes its rows; `media` is that of its input.

    The fingerprint is the same whatever the input. Rows that are recalled are of their own source.
    """
    settings = {
        **params.settings(),
        "version": encoder.version,
        **encoder.provenance,
        "row_shape": list(encoder.row_shape),
        "dtype": find_dtype(encoder).name,
    }
    source, seen = media, params.list_seen()
    if isinstance(encoder, Recall):
        source, seen = encoder.source, sorted({*seen, *encoder.seen_corpora})
    return FeatureProvenance("extract", settings, source, seen, describe_views(params))


def derive_keys(
    params: FeatureParams,
    inputs: Mapping[str, str],
    views: Mapping[str, View],
    fingerprint: str,
) -> dict[str, str]:
    """Id → key of every clip of `inputs` (clip_id → key of its media), then of every view."""
    keys = {clip_id: derive_key(key, fingerprint) for clip_id, key in inputs.items()}
    for view_id, view in views.items():
        keys[view_id] = view.derive_key(params, inputs[view.clip_id], fingerprint)
    return keys


def make_encoder(params: FeatureParams, device: str = "cpu") -> Encoder | Recall:
    """The encoder that `params` name, on `device`.

    Raises ParamsError, too, for whatever nobody foresaw where its weights are a stranger's.
    """
    kind = ENCODERS.load(params.encoder).Encoder
    weighed = "weights" in type(params).model_fields
    with guard_weights(f"encoder {params.encoder}") if weighed else nullcontext():
        encoder: Encoder | Recall = kind(params, device)
    return encoder


def open_source(params: FeatureParams, media: Path, trained: Path | None = None) -> Source:
    """Encoder of `params` over the store at `media`.

    `trained` is the table of the clips that views are made of, if the params ask for some.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", KERNELS)
    encoder = make_encoder(params, params.device)
    clips = read_trained(trained) if trained is not None and params.views else frozenset()
    return Source(params, encoder, open_media(media), clips)


def encode_clips(
    encoder: Encoder | Recall,
    params: FeatureParams,
    media: Media,
    clip_ids: Iterable[str],
    views: Mapping[str, View] | None = None,
) -> Iterator[tuple[str, Rows]]:
    """Float32 rows of each of `clip_ids`, in order; the next batch is read meanwhile.

    Those that are in `views` (id → view) are views, their rows in the clip's own time. Of rows that
    are recalled, no media are read.
    """
    if isinstance(encoder, Recall):
        yield from ((clip_id, lower_rate(encoder.recall(clip_id), params)) for clip_id in clip_ids)
        return
    pieces = _read_pieces(encoder, params, media, clip_ids, views or {})
    done: list[Rows] = []
    for batch in read_ahead(_batch_pieces(pieces, params.batch)):
        encoded = encoder.encode([piece.content for piece in batch])
        for piece, rows in zip(batch, encoded, strict=True):
            done.append(rows)
            if piece.last:
                whole = retime_rows(join_pieces(done), piece.pace)
                done = []
                yield piece.clip_id, lower_rate(whole, params)


def lower_rate(rows: Rows, params: FeatureParams) -> Rows:
    """`rows` at the rate that `params` ask for, or as they are."""
    return average_rows(rows, params.rate_hz) if params.rate_hz else rows


def _read_pieces(
    encoder: Encoder,
    params: FeatureParams,
    media: Media,
    clip_ids: Iterable[str],
    views: Mapping[str, View],
) -> Iterator[Piece]:
    run = getattr(encoder, "run", None)
    for clip_id in clip_ids:
        view = views.get(clip_id)
        table = media[view.clip_id if view else clip_id]
        for content, last in mark_last(read_pieces(params.modality, table, run)):
            shown = augment(content, view) if view else content
            yield Piece(clip_id, shown, last, measure_pace(content, shown))


def _batch_pieces(pieces: Iterable[Piece], count: int) -> Iterator[list[Piece]]:
    """At most `count` pieces together; a batch ends with the one that fills BATCH_BYTES."""
    batch: list[Piece] = []
    held = 0
    for piece in pieces:
        batch.append(piece)
        held += piece.content.nbytes
        if len(batch) == count or held >= BATCH_BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def join_pieces(pieces: Sequence[Rows]) -> Rows:
    """Rows of a clip's pieces, one after another."""
    if len(pieces) == 1:
        return pieces[0]
    names = ("embedding", "start_seconds", "end_seconds", "valid")
    return Rows(*(np.concatenate([getattr(rows, name) for rows in pieces]) for name in names))


def mark_last(items: Iterable[Item]) -> Iterator[tuple[Item, bool]]:
    """Each of `items`, and whether it is the last."""
    source = iter(items)
    held = list(islice(source, 1))
    for following in source:
        yield held[0], False
        held = [following]
    for item in held:
        yield item, True
