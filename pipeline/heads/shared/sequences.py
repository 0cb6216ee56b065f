"""Layers over the rows of a stream: what is absent stays zero, and is seen by none."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from pipeline.heads.params import TemporalTransformerParams
from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.params import RecurrentParams
from pipeline.heads.shared.positions import time_positions


class ConvBlock(nn.Module):
    """Convolution over time, batch norm, ReLU and, if `pooled`, each row's maximum with the next.

    There are as many rows after it as before, so any length will do. Neighbours are those of the
    same stream, `dilation` rows apart; a `causal` block sees none that comes later.
    """

    def __init__(
        self,
        dim: int,
        width: int,
        *,
        kernel: int = 3,
        dilation: int = 1,
        pooled: bool = False,
        causal: bool = False,
    ) -> None:
        super().__init__()
        reach = (kernel - 1) * dilation
        before = reach if causal else reach // 2
        self.padding = (before, reach - before)
        self.conv = nn.Conv1d(dim, width, kernel, dilation=dilation)
        self.norm = RowNorm(width)
        self.pooled = pooled

    def forward(self, stream: StreamRows) -> StreamRows:
        """Rows of size `width`."""
        if not stream.mask.any():
            return clear_rows(stream, self.norm.num_features)
        mixed = self.conv(F.pad(stream.rows.mT, self.padding)).mT
        rows = self.norm(mixed, stream.mask).relu()
        if self.pooled:
            later = F.pad(rows, (0, 0, 0, 1))[:, 1:]  # zero, which is least, where none is
            rows = keep_present(torch.maximum(rows, later), stream.mask)
        return replace(stream, rows=rows)


class Project(nn.Module):
    """Each row by itself through a layer, GELU and dropout."""

    def __init__(self, dim: int, width: int, dropout: float) -> None:
        super().__init__()
        self.layer = nn.Sequential(nn.Linear(dim, width), nn.GELU(), nn.Dropout(dropout))

    def forward(self, stream: StreamRows) -> StreamRows:
        """Rows of size `width`."""
        return replace(stream, rows=keep_present(self.layer(stream.rows), stream.mask))


class ColumnBlock(nn.Module):
    """Convolution along columns, group norm, ReLU and a pool that halves them."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, width, 5, padding=2)
        self.norm = nn.GroupNorm(1, width)

    def forward(
        self, columns: Float[Tensor, "rows channels columns"]
    ) -> Float[Tensor, "rows width halved"]:
        """So many columns, or half of them, rounded up."""
        found = self.norm(self.conv(columns)).relu()
        return F.max_pool1d(found, 2, ceil_mode=True)


class ColumnCnn(nn.Module):
    """Blocks along the columns of each row that is present, and the mean of what is left."""

    def __init__(self, blocks: nn.Module) -> None:
        super().__init__()
        self.blocks = blocks

    def forward(self, stream: StreamRows) -> StreamRows:
        """Rows of the width of the last block."""
        found = self.blocks(stream.rows[stream.mask][:, None]).mean(dim=2)
        return replace(stream, rows=spread_present(found, stream.mask))


class SpectrumCnn(nn.Module):
    """Four conv blocks over rows that are spectra, in time and frequency: 16, 32, 64 and 128.

    Each halves the frequencies and leaves all times, for any length will do; the mean over what
    is left of the frequencies goes through a layer of `width`.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(*pair, 3, padding=1) for pair in pairwise(CHANNELS))
        self.norms = nn.ModuleList(RowNorm(channels) for channels in CHANNELS[1:])
        self.last = nn.Linear(CHANNELS[-1], width)

    def forward(self, stream: StreamRows) -> StreamRows:
        """Rows of size `width`."""
        if not stream.mask.any():
            return clear_rows(stream, self.last.out_features)
        maps, absent = stream.rows[:, None], ~stream.mask[:, None, :, None]
        for conv, norm in zip(self.convs, self.norms, strict=True):
            found = conv(maps).movedim(1, -1)  # clips, time, frequencies, channels
            cells = stream.mask[..., None].expand(found.shape[:3])
            normed = norm(found.flatten(1, 2), cells.flatten(1)).reshape(found.shape).movedim(-1, 1)
            maps = F.max_pool2d(normed.relu(), (1, 2), ceil_mode=True).masked_fill(absent, 0.0)
        rows = self.last(maps.mean(dim=3).mT)
        return replace(stream, rows=keep_present(rows, stream.mask))


CHANNELS = (1, 16, 32, 64, 128)


class RowNorm(nn.BatchNorm1d):
    """Batch norm over the rows that are present, and no padding."""

    def forward(  # type: ignore[override]
        self, rows: Float[Tensor, "clips time width"], mask: Bool[Tensor, "clips time"]
    ) -> Float[Tensor, "clips time width"]:
        """Rows normalised by column; those that are absent are zero."""
        present = rows[mask]
        learns = self.training and len(present) > 1  # a lone row has no variance
        normed = F.batch_norm(
            present,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=learns,
            momentum=self.momentum or 0.0,
            eps=self.eps,
        )
        return spread_present(normed, mask)


class Lstm(nn.Module):
    """LSTM layers over the rows that are present, in both directions unless `causal`."""

    def __init__(self, dim: int, width: int, params: RecurrentParams) -> None:
        super().__init__()
        self.width = width
        causal = params.windows.causal
        self.lstm = nn.LSTM(
            dim,
            width if causal else width // 2,
            params.layers,
            dropout=params.dropout if params.layers > 1 else 0.0,
            bidirectional=not causal,
            batch_first=True,
        )

    def forward(self, stream: StreamRows) -> StreamRows:
        """Rows of size `width`, one for each that is present."""
        if not stream.mask.any():
            return clear_rows(stream, self.width)
        heard = stream.mask.any(dim=1)
        mask = stream.mask[heard]
        counts = mask.sum(dim=1).cpu()
        series = torch.split(stream.rows[heard][mask], counts.tolist())
        packed = nn.utils.rnn.pack_sequence(list(series), enforce_sorted=False)
        found, _ = nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        kept = torch.arange(found.shape[1], device=found.device) < counts.to(found.device)[:, None]
        return replace(stream, rows=spread_present(found[kept], stream.mask))


class Transformer(nn.Module):
    """Transformer layers (pre-norm) over the rows that are present, which know when they are."""

    def __init__(self, params: TemporalTransformerParams) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            params.width,
            params.heads,
            4 * params.width,
            params.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        norm = nn.LayerNorm(params.width)
        self.encoder = nn.TransformerEncoder(layer, params.layers, norm, enable_nested_tensor=False)

    def forward(self, stream: StreamRows) -> StreamRows:
        """Rows of the same size."""
        if not stream.mask.any():
            return clear_rows(stream, stream.rows.shape[2])
        placed = stream.rows + time_positions(stream.seconds, stream.rows.shape[2])
        ignored = ~stream.mask
        ignored = ignored & ~ignored.all(dim=1, keepdim=True)  # a softmax over nothing is NaN
        rows = self.encoder(placed, src_key_padding_mask=ignored)
        return replace(stream, rows=keep_present(rows, stream.mask))


def clear_rows(stream: StreamRows, width: int) -> StreamRows:
    """Rows of zeros, as a layer makes of a stream that is absent from all clips."""
    return replace(stream, rows=stream.rows.new_zeros(*stream.mask.shape, width))


def spread_present(
    found: Float[Tensor, "present width"], mask: Bool[Tensor, "clips time"]
) -> Float[Tensor, "clips time width"]:
    """Rows with `found` where `mask` is True, and zeros elsewhere."""
    rows = found.new_zeros(*mask.shape, found.shape[1])
    return rows.masked_scatter(mask[..., None], found)


def project_each(layers: nn.ModuleDict, streams: Mapping[str, StreamRows]) -> dict[str, StreamRows]:
    """Rows of each stream by the layer that has its name."""
    return {
        name: replace(stream, rows=layers[name](stream.rows)) for name, stream in streams.items()
    }


def keep_present(
    rows: Float[Tensor, "clips time width"], mask: Bool[Tensor, "clips time"]
) -> Float[Tensor, "clips time width"]:
    """Rows with zeros where `mask` is False."""
    return rows.masked_fill(~mask[..., None], 0.0)
