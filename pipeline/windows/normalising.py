"""Normalising: rows of windows less a mean, over a scale, of their corpus or their subject."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from pipeline.heads.normalisation import ALL, Standards, corpus_of
from pipeline.heads.reading import StreamRows


def normalise_rows(
    streams: Mapping[str, StreamRows], clip_ids: Sequence[str], standards: Standards
) -> dict[str, StreamRows]:
    """Rows of windows, each by what `standards` have of its clip and of the stream.

    A stream of which `ALL` has nothing stays as it is.
    """
    found = dict(streams)
    for stream, default in standards.get(ALL, {}).items():
        own = [_find(standards, clip_id, stream, default) for clip_id in clip_ids]
        mean, scale = torch.stack(own).to(streams[stream].rows.device)[:, :, None].unbind(dim=1)
        found[stream] = replace(streams[stream], rows=(streams[stream].rows - mean) / scale)
    return found


def _find(standards: Standards, clip_id: str, stream: str, default: Tensor) -> Tensor:
    for place in (clip_id, corpus_of(clip_id)):
        if stream in standards.get(place, ()):
            return standards[place][stream]
    return default
