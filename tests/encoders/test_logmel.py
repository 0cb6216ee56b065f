import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchaudio.transforms import MelSpectrogram

from pipeline.encoders.logmel import Encoder
from pipeline.encoders.params import LogmelParams
from pipeline.encoders.shared.activity import find_active
from pipeline.encoders.shared.spectra import BLOCK_FRAMES, derive_deltas, summarise
from pipeline.errors import ParamsError, StoreError
from pipeline.rows import Waveform
from pipeline.sections import parse_section

HZ = 16_000
FRAMES = {"deltas": 0, "statistics": []}
SILENCE = np.float32(np.log(1e-4))


def make_encoder(**options):
    section = {"modality": "audio", "encoder": "logmel", **options}
    return Encoder(parse_section(LogmelParams, section, "features.logmel"))


def encode(samples, **options):
    (rows,) = make_encoder(**options).encode([Waveform(samples.astype(np.float32), HZ)])
    return rows


def make_noise(samples, seed=3):
    return np.random.default_rng(seed).standard_normal(samples) * 0.1


def test_frames_are_those_of_torchaudio():
    noise = make_noise(4_801)
    mel = MelSpectrogram(HZ, n_fft=1024, win_length=400, hop_length=160, n_mels=23, center=False)
    # torchaudio lays the window in the middle of the zero-padded frame.
    padded = torch.from_numpy(np.pad(noise, 312)).float()
    expected = torch.log(mel(padded) + 1e-4).T
    np.testing.assert_allclose(encode(noise, mels=23, **FRAMES).embedding, expected, atol=1e-3)


def test_a_frame_stands_for_its_hop_centred_on_its_window():
    rows = encode(make_noise(400 + 3 * 160 + 159), **FRAMES)
    np.testing.assert_allclose(rows.start_seconds, [0.0075, 0.0175, 0.0275, 0.0375])
    np.testing.assert_allclose(rows.end_seconds, [0.0175, 0.0275, 0.0375, 0.0475])


def test_a_row_of_statistics_stands_for_the_whole_clip():
    rows = encode(make_noise(4_000), mels=7, statistics=["p50"])
    assert rows.embedding.shape == (1, 21)
    assert (rows.start_seconds[0], rows.end_seconds[0]) == (0.0, 0.25)


def test_frames_beyond_a_block_are_as_if_cut_alone():
    noise = make_noise(400 + 160 * (BLOCK_FRAMES + 2))
    tail = encode(noise[160 * (BLOCK_FRAMES - 1) :], mels=5, **FRAMES)
    whole = encode(noise, mels=5, **FRAMES)
    np.testing.assert_allclose(whole.embedding[-4:], tail.embedding, atol=1e-5)


def test_digital_silence_is_the_floor_and_not_valid():
    frames, clip = (
        encode(np.zeros(1_000), mels=5, deltas=0, statistics=names) for names in ([], ["mean"])
    )
    assert (frames.embedding == SILENCE).all()
    np.testing.assert_allclose(clip.embedding, SILENCE)
    assert not frames.valid.any()
    assert not clip.valid.any()


def test_statistics_leave_out_what_lies_below_the_loud_level():
    noise = make_noise(8_000)
    quiet = make_noise(6_000, seed=7) * 1e-3
    padded = encode(np.concatenate([quiet, noise, quiet]), deltas=0, statistics=["mean"])
    bare = encode(noise, deltas=0, statistics=["mean"])
    np.testing.assert_allclose(padded.embedding, bare.embedding, atol=0.5)


def test_frames_below_the_loud_level_are_not_valid():
    sound = np.concatenate([make_noise(3_200) * 1e-3, make_noise(3_200)])
    assert np.flatnonzero(encode(sound, **FRAMES).valid)[0] == 18
    assert encode(sound, active_db=None, **FRAMES).valid.all()


def test_active_frames_lie_within_the_decibels_of_the_loud_level():
    energy = np.array([0, 9, 11, 1000, 1000], np.float32)
    assert find_active(energy, 20.0).tolist() == [False, False, True, True, True]


def test_deltas_of_a_ramp_are_its_slope_and_no_curve():
    ramp = torch.arange(13.0)[:, None] * 3
    series = derive_deltas(ramp, 2)
    assert [part[6].item() for part in series] == pytest.approx([18, 3, 0])


@given(st.integers(1, 23), st.integers(0, 2**32 - 1))
def test_statistics_are_those_of_numpy(frames, seed):
    values = np.random.default_rng(seed).standard_normal((frames, 3)).astype(np.float32)
    expected = [values.mean(0), *np.quantile(values, [0.05, 0.75], axis=0), values.std(0)]
    found = summarise(values, ["mean", "p05", "p75", "std"])
    np.testing.assert_allclose(found, np.concatenate(expected), atol=1e-5)


def test_the_most_bands_leave_none_empty():
    quietest = encode(make_noise(8_000), mels=128, **FRAMES).embedding.mean(0).min()
    assert quietest > SILENCE + 1


def test_sound_at_another_rate_is_refused():
    with pytest.raises(StoreError, match="expected 16000 Hz, got 44100 Hz"):
        make_encoder().encode([Waveform(np.zeros(7, np.float32), 44_100)])


def test_frames_that_do_not_fit_are_refused():
    with pytest.raises(ParamsError, match=r"whole samples at 16000 Hz, got 160\.16"):
        make_encoder(hop_seconds=0.01001)
    with pytest.raises(ParamsError, match="hop_seconds of at most window_seconds"):
        make_encoder(hop_seconds=0.05)


def test_an_unknown_statistic_is_refused():
    with pytest.raises(ParamsError, match=r"features\.logmel\.statistics\.0: .*'p50'"):
        make_encoder(statistics=["median"])
