"""Heads that pool each modality and mix them in one hidden layer."""

from torch import nn

from pipeline.heads.params import MlpParams
from pipeline.heads.shared.encoded import EncodedHead
from pipeline.heads.shared.sequences import Project


class Head(EncodedHead):
    """Each modality projected row by row, pooled by its mask, all concatenated and mixed."""

    def make_encoder(self, stream: str, dim: int, params: MlpParams) -> nn.Module:
        """One hidden layer."""
        return Project(dim, params.width, params.dropout)
