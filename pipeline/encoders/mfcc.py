"""Mel-frequency cepstral coefficients: the shape of the log-mel spectrum, pitch smoothed away."""

from torchaudio.functional import create_dct

from pipeline.encoders.params import MfccParams
from pipeline.encoders.shared.spectra import SpectralEncoder


class Encoder(SpectralEncoder):
    """Orthonormal cosine transform of the log-mel spectrum, as `torchaudio.transforms.MFCC`."""

    version = 1

    def __init__(self, params: MfccParams, device: str = "cpu") -> None:
        super().__init__(params, device, create_dct(params.coefficients, params.mels, "ortho"))
