"""Mel-frequency cepstral coefficients: the shape of the log-mel spectrum, pitch smoothed away."""

from typing import Literal

from pydantic import PositiveInt, model_validator
from torchaudio.functional import create_dct

from pipeline.encoders.shared.spectra import SpectralEncoder, SpectraParams


class Params(SpectraParams):
    """`coefficients` of the cosine transform are kept, the first of which is the loudness."""

    encoder: Literal["mfcc"]
    coefficients: PositiveInt = 20

    @model_validator(mode="after")
    def check_sizes(self) -> "Params":
        """Refuse more coefficients than there are bands to take them from."""
        if self.coefficients > self.mels:
            raise ValueError(f"expected at most {self.mels} coefficients, one per mel band")
        return self


class Encoder(SpectralEncoder):
    """Orthonormal cosine transform of the log-mel spectrum, as `torchaudio.transforms.MFCC`."""

    version = 1

    def __init__(self, params: Params, device: str = "cpu") -> None:
        super().__init__(params, device, create_dct(params.coefficients, params.mels, "ortho"))
