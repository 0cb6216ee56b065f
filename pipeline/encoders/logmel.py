"""Logarithm of the mel spectrum: how loud each band of hearing is, frame by frame."""

import torch

from pipeline.encoders.params import LogmelParams
from pipeline.encoders.shared.spectra import SpectralEncoder


class Encoder(SpectralEncoder):
    """Natural logarithm of the power in each mel band (HTK scale, 0 to 8 kHz)."""

    version = 1

    def __init__(self, params: LogmelParams, device: str = "cpu") -> None:
        super().__init__(params, device, basis=torch.eye(params.mels))
