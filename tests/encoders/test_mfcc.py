import numpy as np
import pytest
import torch
from torchaudio.transforms import MFCC

from pipeline.encoders.mfcc import Encoder
from pipeline.encoders.params import MfccParams
from pipeline.errors import ParamsError
from pipeline.rows import Waveform
from pipeline.sections import parse_section

HZ = 16_000


def make_encoder(**options):
    section = {"modality": "audio", "encoder": "mfcc", **options}
    return Encoder(parse_section(MfccParams, section, "features.mfcc"))


def encode_frames(samples, **options):
    encoder = make_encoder(statistics=[], deltas=0, **options)
    return encoder.encode([Waveform(samples.astype(np.float32), HZ)])[0].embedding


def make_noise(samples):
    return np.random.default_rng(11).standard_normal(samples) * 0.1


def test_row_length_is_coefficients_times_series_times_statistics():
    assert make_encoder().row_shape == (20 * 3 * 6,)
    assert make_encoder(coefficients=13, deltas=1, statistics=[]).row_shape == (13 * 2,)


def test_frames_are_those_of_torchaudio():
    noise = make_noise(4_801)
    mel = {"n_fft": 1024, "win_length": 400, "hop_length": 160, "n_mels": 64, "center": False}
    # torchaudio lays the window in the middle of the zero-padded frame.
    padded = torch.from_numpy(np.pad(noise, 312)).float()
    expected = MFCC(HZ, n_mfcc=13, log_mels=True, melkwargs=mel)(padded).T
    found = encode_frames(noise, coefficients=13, floor=1e-6)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_loudness_is_the_first_coefficient_alone():
    noise = make_noise(3_200)
    change = encode_frames(noise * 2) - encode_frames(noise)
    np.testing.assert_allclose(change[:, 0], np.log(4) * np.sqrt(64), rtol=1e-3)
    np.testing.assert_allclose(change[:, 1:], 0, atol=0.02)


def test_more_coefficients_than_bands_are_refused():
    with pytest.raises(ParamsError, match="at most 16 coefficients, one per mel band"):
        make_encoder(mels=16)
