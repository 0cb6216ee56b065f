"""Withholding: modalities that training goes without, so that a head can do without them."""

from collections.abc import Mapping

import torch

from pipeline.heads.reading import StreamRows
from pipeline.modalities import modality_of


def drop_modalities(streams: Mapping[str, StreamRows], share: float) -> dict[str, StreamRows]:
    """`streams` with each modality of each window, all its streams, withheld at chance `share`.

    A window that would lose all it has keeps everything.
    """
    members: dict[str, list[str]] = {}
    for name in streams:
        members.setdefault(modality_of(name), []).append(name)
    present = torch.stack(
        [
            torch.cat([streams[name].mask for name in names], dim=1).any(dim=1)
            for names in members.values()
        ],
        dim=1,
    )
    kept = torch.rand(present.shape, device=present.device) >= share
    kept |= ~(kept & present).any(dim=1, keepdim=True)
    columns = dict(zip(members, kept.unbind(dim=1), strict=True))
    return {name: stream.keep(columns[modality_of(name)]) for name, stream in streams.items()}
