"""Layers over the rows of a stream: what is absent stays zero, and is seen by none."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from pipeline.heads.reading import StreamRows
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
            rows = stream.rows.new_zeros(*stream.mask.shape, self.norm.num_features)
            return replace(stream, rows=rows)
        mixed = self.conv(F.pad(stream.rows.mT, self.padding)).mT
        rows = keep_present(self.norm(mixed, stream.mask).relu(), stream.mask)
        if self.pooled:
            later = F.pad(rows, (0, 0, 0, 1))[:, 1:]  # zero, which is least, where none is
            rows = keep_present(torch.maximum(rows, later), stream.mask)
        return replace(stream, rows=rows)


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
        return torch.zeros_like(rows).masked_scatter(mask[..., None], normed)


class Lstm(nn.Module):
    """LSTM layers over the rows that are present, in both directions unless `causal`."""

    def __init__(self, dim: int, width: int, *, layers: int, dropout: float, causal: bool) -> None:
        super().__init__()
        self.width = width
        self.lstm = nn.LSTM(
            dim,
            width if causal else width // 2,
            layers,
            dropout=dropout if layers > 1 else 0.0,
            bidirectional=not causal,
            batch_first=True,
        )

    def forward(self, stream: StreamRows) -> StreamRows:
        """Rows of size `width`, one for each that is present."""
        if not stream.mask.any():
            return replace(stream, rows=stream.rows.new_zeros(*stream.mask.shape, self.width))
        heard = stream.mask.any(dim=1)
        mask = stream.mask[heard]
        counts = mask.sum(dim=1).cpu()
        series = torch.split(stream.rows[heard][mask], counts.tolist())
        packed = nn.utils.rnn.pack_sequence(list(series), enforce_sorted=False)
        found, _ = nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        kept = torch.arange(found.shape[1], device=found.device) < counts.to(found.device)[:, None]
        rows = found.new_zeros(*stream.mask.shape, self.width)
        return replace(stream, rows=rows.masked_scatter(stream.mask[..., None], found[kept]))


class Transformer(nn.Module):
    """Transformer layers (pre-norm) over the rows that are present, which know when they are."""

    def __init__(self, width: int, *, layers: int, heads: int, dropout: float) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            width,
            heads,
            4 * width,
            dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        norm = nn.LayerNorm(width)
        self.encoder = nn.TransformerEncoder(layer, layers, norm, enable_nested_tensor=False)

    def forward(self, stream: StreamRows) -> StreamRows:
        """Rows of the same size."""
        placed = stream.rows + time_positions(stream.seconds, stream.rows.shape[2])
        if not stream.mask.shape[1]:
            return stream
        ignored = ~stream.mask
        ignored = ignored & ~ignored.all(dim=1, keepdim=True)  # a softmax over nothing is NaN
        rows = self.encoder(placed, src_key_padding_mask=ignored)
        return replace(stream, rows=keep_present(rows, stream.mask))


def keep_present(
    rows: Float[Tensor, "clips time width"], mask: Bool[Tensor, "clips time"]
) -> Float[Tensor, "clips time width"]:
    """Rows with zeros where `mask` is False."""
    return rows.masked_fill(~mask[..., None], 0.0)
