"""Withholding: modalities that training goes without, so that a head can do without them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.distributions import Dirichlet

from pipeline.heads.reading import Reader, StreamRows
from pipeline.modalities import modality_of

Streams = Mapping[str, StreamRows]
Copying = Literal["soft_hard", "noise"]


def drop_modalities(streams: Streams, share: float) -> dict[str, StreamRows]:
    """`streams` with each modality of each window, all its streams, withheld at chance `share`.

    A window that would lose all it has keeps everything.
    """
    modalities = list(dict.fromkeys(map(modality_of, streams)))
    mask = next(iter(streams.values())).mask
    drawn = torch.rand((len(mask), len(modalities)), device=mask.device)
    # Drawn for all the same: heads of other shares differ by what is withheld alone.
    if not share or len(modalities) == 1:
        return dict(streams)
    held, kept = torch.stack(list(find_present(streams).values()), dim=1), drawn >= share
    kept |= ~(kept & held).any(dim=1, keepdim=True)
    columns = dict(zip(modalities, kept.unbind(dim=1), strict=True))
    return {name: stream.keep(columns[modality_of(name)]) for name, stream in streams.items()}


def copy_windows(
    streams: Streams, readers: Mapping[str, Reader], how: Copying
) -> list[dict[str, StreamRows]]:
    """`streams` themselves, and copies of them that lack modalities.

    For each modality one copy is without it: withheld for `soft_hard`, and noise for `noise`. For
    `soft_hard` one more has all of them, faded by shares that sum to 1. Chumachenko, Iosifidis and
    Gabbouj, Self-attention fusion for audiovisual emotion recognition with incomplete data, ICPR
    2022, for two modalities, whose rows became zeros. A window keeps a modality that is all it has.
    """
    present = find_present(streams)
    copies = [dict(streams)]
    if how == "soft_hard":
        copies.append(fade(streams, readers, list(present)))
    for modality in present:
        others = [held for other, held in present.items() if other != modality]
        lost = torch.stack(others).any(dim=0)
        copies.append(dict(streams))
        for name in (name for name in streams if modality_of(name) == modality):
            stream = streams[name]
            copies[-1][name] = (
                stream.keep(~lost) if how == "soft_hard" else drown(stream, readers[name], lost)
            )
    return copies


def join_copies(copies: Sequence[Streams]) -> dict[str, StreamRows]:
    """Windows of all copies, one copy after another."""
    return {
        name: StreamRows(
            torch.cat([copy[name].rows for copy in copies]),
            torch.cat([copy[name].mask for copy in copies]),
            torch.cat([copy[name].seconds for copy in copies]),
        )
        for name in copies[0]
    }


def find_present(streams: Streams) -> dict[str, Bool[Tensor, " windows"]]:
    """Modality → windows that have a row in any stream of it."""
    found: dict[str, Tensor] = {}
    for name, stream in streams.items():
        modality, held = modality_of(name), stream.mask.any(dim=1)
        found[modality] = found[modality] | held if modality in found else held
    return found


def fade(
    streams: Streams, readers: Mapping[str, Reader], modalities: Sequence[str]
) -> dict[str, StreamRows]:
    """Each modality of each window drawn towards the mean of the training rows.

    What is left of it is a share; those of a window are uniform among all that sum to 1.
    """
    first = next(iter(streams.values()))
    shares = Dirichlet(torch.ones(len(modalities))).sample((len(first.mask),)).to(first.mask.device)
    columns = dict(zip(modalities, shares.unbind(dim=1), strict=True))
    return {
        name: _fade(stream, readers[name].spread("mean"), columns[modality_of(name)])
        for name, stream in streams.items()
    }


def _fade(stream: StreamRows, mean: Tensor, shares: Float[Tensor, " windows"]) -> StreamRows:
    left = shares.reshape(-1, *[1] * (stream.rows.ndim - 1))
    return replace(stream, rows=mean + left * (stream.rows - mean))


def drown(stream: StreamRows, reader: Reader, lost: Bool[Tensor, " windows"]) -> StreamRows:
    """`stream` with rows of `lost` windows replaced by normal noise of the training rows' size."""
    noise = reader.spread("mean") + reader.spread("scale") * torch.randn_like(stream.rows)
    gone = lost.reshape(-1, *[1] * (stream.rows.ndim - 1))
    return replace(stream, rows=torch.where(gone, noise, stream.rows))
