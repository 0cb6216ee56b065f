"""Heads that run an LSTM over each stream, over spectra as convolutions see them.

The CNN+LSTM system on MELD: an LSTM of two layers each over MobileFaceNet rows of faces and of
scenes, and over a convolutional network of log-mel spectra that is trained with it; their means
over time, side by side. Corrected: rows of padding are neither run over nor averaged, an utterance
without sound has none, for six blank chunks, and spectra are not cut into chunks of 0.64 s.
"""

from torch import nn

from pipeline.heads.params import CnnLstmParams
from pipeline.heads.shared.encoded import EncodedHead
from pipeline.heads.shared.sequences import Lstm, Project, SpectrumCnn
from pipeline.modalities import modality_of


class Head(EncodedHead):
    """Each stream by an LSTM of its own; rows of sound are taken for spectra."""

    def make_encoder(self, stream: str, dim: int, params: CnnLstmParams) -> nn.Module:
        """LSTM layers over projected rows, or over what convolutions make of spectra."""
        width = params.width
        heard = modality_of(stream) == "audio"
        first = SpectrumCnn(width) if heard else Project(dim, width, params.dropout)
        return nn.Sequential(first, Lstm(width, width, params))
