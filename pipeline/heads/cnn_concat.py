"""Heads that lay convolutions of each stream side by side, of spectra in two dimensions.

The intermediate fusion that the RAVDESS system's description tells of: faces by convolutions over
time, log-mel spectra by convolutions over time and frequency, both concatenated, of windows of 1 s.
"""

from itertools import pairwise

from torch import nn

from pipeline.heads.params import CnnConcatParams
from pipeline.heads.shared.encoded import EncodedHead
from pipeline.heads.shared.sequences import ConvBlock, SpectrumCnn
from pipeline.modalities import modality_of


class Head(EncodedHead):
    """Conv blocks over each stream; rows of sound are taken for spectra."""

    def make_encoder(self, stream: str, dim: int, params: CnnConcatParams) -> nn.Module:
        """Two blocks over rows, or four over spectra."""
        if modality_of(stream) == "audio":
            return SpectrumCnn(params.width)
        sizes = (dim, params.width, params.width)
        return nn.Sequential(*(ConvBlock(*pair) for pair in pairwise(sizes)))
