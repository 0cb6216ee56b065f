"""Heads that run a transformer over the cells of each row: places of a map, or tokens.

The hybrid of ResNet-50 and ViT on FER2013 (`ResNetViTHybrid`): a map of 2048 channels at 7 x 7
places, each a vector of 512 with a learned position, four pre-norm layers with a class token, and a
layer of 256. The map comes from a feature set (`output: stage` of timm), of a network that is
frozen whole, or from a `trunk` that is trained on pictures (encoder `pixels`), of which
`training.learning_rates` freezes layers or slows them down. Corrected: validation chooses the
weights, never test; one remedy against rare classes at a time; what is said to be frozen is.
"""

from collections.abc import Mapping
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipeline.heads.params import ResnetVitParams
from pipeline.heads.reading import CELLS, StreamRows, measure_grid
from pipeline.heads.recipes import name_source
from pipeline.heads.shared.encoded import EncodedHead
from pipeline.heads.shared.sequences import spread_present
from pipeline.heads.shared.trunk import Trunk


class Head(EncodedHead):
    """Each row by its cells, rows pooled by their mask, streams side by side."""

    params: ResnetVitParams
    reading = CELLS
    mixed = False

    def make_encoder(self, stream: str, dim: int, params: ResnetVitParams) -> nn.Module:
        """Transformer over cells of twice the width, those of a trunk where one is named."""
        shape = self.readers[stream].shape
        height, width = measure_grid(shape)
        cells, channels, trunk = height * width, dim // (height * width), None
        if params.trunk is not None and shape.axes[0] == "channels":
            trunk = Trunk(params.trunk, height, width, channels)
            cells, channels = trunk.cells, trunk.dim
        return CellTransformer(cells, channels, params, trunk)

    def start(self) -> None:
        """Load the weights of trunks, if some are named; raises ParamsError as `Trunk.start`."""
        for trunk in (self.find_encoder(stream).trunk for stream in self.dims):
            if self.params.pretrained is not None and trunk is not None:
                source, revision = self.params.pretrained, self.params.revision
                self.started = {name_source(source, revision): trunk.start(source, revision)}

    def find_encoder(self, stream: str) -> "CellTransformer":
        """What encodes a stream."""
        encoder = self.encoders[stream]
        assert isinstance(encoder, CellTransformer)
        return encoder

    def count_weights(self, times: Mapping[str, int]) -> int:
        """One for each pair of cells of a row, the class token too, in each head and layer."""
        each = {name: (self.find_encoder(name).cells + 1) ** 2 for name in times}
        pairs = sum(time * each[name] for name, time in times.items())
        return pairs * self.params.heads * self.params.layers


class CellTransformer(nn.Module):
    """Cells of a row projected, with learned positions → what a class token makes of them."""

    def __init__(self, cells: int, dim: int, params: ResnetVitParams, trunk: Trunk | None) -> None:
        super().__init__()
        width = 2 * params.width
        self.cells, self.trunk = cells, trunk
        self.projection = nn.Linear(dim, width)
        self.summary = nn.Parameter(0.02 * torch.randn(width))
        self.places = nn.Parameter(0.02 * torch.randn(cells + 1, width))
        self.dropout = nn.Dropout(params.dropout)
        layer = nn.TransformerEncoderLayer(
            width,
            params.heads,
            4 * width,
            params.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.encoder = nn.TransformerEncoder(layer, params.layers, enable_nested_tensor=False)
        self.readout = nn.Sequential(
            nn.LayerNorm(width),
            nn.Dropout(params.dropout),
            nn.Linear(width, params.width),
            nn.GELU(),
            nn.Dropout(params.dropout),
        )

    def forward(self, stream: StreamRows) -> StreamRows:
        """Rows of size `width`."""
        found = self.encode(stream.rows[stream.mask])
        return replace(stream, rows=spread_present(found, stream.mask))

    def encode(self, rows: Float[Tensor, "rows dim"]) -> Float[Tensor, "rows width"]:
        """Vector of each row, whose cells lie one after another."""
        sizes = (len(rows), self.cells, self.projection.in_features)
        cells = rows.reshape(sizes) if self.trunk is None else self.trunk(rows)
        tokens = torch.cat([self.summary.expand(len(rows), 1, -1), self.projection(cells)], dim=1)
        encoded = self.encoder(self.dropout(tokens + self.places))
        vectors: Tensor = self.readout(encoded[:, 0])
        return vectors
