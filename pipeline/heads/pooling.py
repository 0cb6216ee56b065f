"""Pooling: the rows of a clip as one vector."""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.params import Per, PoolName

LEAST_VARIANCE = 1e-6
"""Of a column, whose deviation has a finite gradient then."""


class Pool(nn.Module):
    """The mean of the rows that are present; `width` is the size of what it gives."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.width = dim

    def forward(
        self, stream: StreamRows, per: Per
    ) -> tuple[Float[Tensor, "clips *grid width"], Bool[Tensor, "clips *grid"]]:
        """Vectors of a stream, and where it is present: pooled per clip, row by row per frame."""
        if per == "frame":
            return self.widen(stream.rows), stream.mask
        return self.pool(stream.rows, stream.mask), stream.mask.any(dim=1)

    def widen(self, rows: Float[Tensor, "clips time dim"]) -> Float[Tensor, "clips time width"]:
        """Each row as if it were pooled alone."""
        return rows

    def pool(
        self, rows: Float[Tensor, "clips time dim"], mask: Bool[Tensor, "clips time"]
    ) -> Float[Tensor, "clips width"]:
        """Vector of each clip; zero for one that keeps none of its rows."""
        return masked_mean(rows, mask)


class StatisticsPool(Pool):
    """Means of the columns, and their standard deviations.

    Snyder et al., X-vectors: Robust DNN embeddings for speaker recognition, ICASSP 2018.
    """

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self.width = 2 * dim

    def widen(self, rows: Float[Tensor, "clips time dim"]) -> Float[Tensor, "clips time width"]:
        """Each row, whose deviation is 0."""
        return torch.cat([rows, torch.zeros_like(rows)], dim=-1)

    def pool(
        self, rows: Float[Tensor, "clips time dim"], mask: Bool[Tensor, "clips time"]
    ) -> Float[Tensor, "clips width"]:
        """Vector of each clip; zero for one that keeps none of its rows."""
        means = masked_mean(rows, mask)
        variances = masked_mean((rows - means[:, None]).square(), mask)
        deviations = variances.clamp(min=LEAST_VARIANCE).sqrt()
        return torch.cat([means, deviations * mask.any(dim=1, keepdim=True)], dim=-1)


class AttentionPool(Pool):
    """The sum of rows by shares that a learned query gives; it begins with their mean.

    Lin et al., A structured self-attentive sentence embedding, ICLR 2017, of one hop.
    """

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self.query = nn.Parameter(torch.zeros(dim))

    def pool(
        self, rows: Float[Tensor, "clips time dim"], mask: Bool[Tensor, "clips time"]
    ) -> Float[Tensor, "clips width"]:
        """Vector of each clip; zero for one that keeps none of its rows."""
        kept = rows.masked_fill(~mask[..., None], 0.0)
        scores = kept @ self.query / self.width**0.5
        shares = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=1)
        return torch.einsum("ctd,ct->cd", kept, shares)


POOLS: dict[PoolName, type[Pool]] = {
    "mean": Pool,
    "statistics": StatisticsPool,
    "attention": AttentionPool,
}
"""Name in params.yaml → what pools."""


def pool_streams(
    pooling: PoolName, dims: Mapping[str, int]
) -> tuple[nn.ModuleDict, dict[str, int]]:
    """A pool for each stream of rows of these sizes, and the sizes of what they give."""
    pools = {name: POOLS[pooling](dim) for name, dim in dims.items()}
    return nn.ModuleDict(pools), {name: pool.width for name, pool in pools.items()}


def masked_mean(
    rows: Float[Tensor, "clips time dim"], mask: Bool[Tensor, "clips time"]
) -> Float[Tensor, "clips dim"]:
    """Mean over the rows that `mask` keeps; zero for a clip that keeps none."""
    kept = rows.masked_fill(~mask[..., None], 0.0).sum(dim=1)
    return kept / mask.sum(dim=1, keepdim=True).clamp(min=1)
