import sys

import numpy as np
import pytest

from pipeline.encoders.opensmile import Encoder, compress
from pipeline.encoders.params import OpensmileParams
from pipeline.errors import ParamsError, StoreError
from pipeline.rows import Waveform
from pipeline.sections import parse_section

opensmile = pytest.importorskip("opensmile")
HZ = 16_000


def make_encoder(**options):
    section = {"modality": "audio", "encoder": "opensmile", **options}
    return Encoder(parse_section(OpensmileParams, section, "features.voice"))


def encode(samples, **options):
    (rows,) = make_encoder(**options).encode([Waveform(samples.astype(np.float32), HZ)])
    return rows


def make_voice(samples=8_009, hz=220.0):
    seconds = np.arange(samples) / HZ
    harmonics = sum(np.sin(2 * np.pi * hz * n * seconds) / n for n in range(1, 9))
    return 0.1 * harmonics + 1e-3 * np.random.default_rng(6).standard_normal(samples)


@pytest.mark.parametrize(("name", "dim"), [("eGeMAPSv02", 88), ("ComParE_2016", 6_373)])
def test_functionals_are_one_row_over_the_clip(name, dim):
    rows = encode(make_voice(), feature_set=name)
    assert rows.embedding.shape == (1, dim)
    assert (rows.start_seconds.tolist(), rows.end_seconds.tolist()) == ([0.0], [8_009 / HZ])


def test_functionals_are_those_of_the_package():
    smile = opensmile.Smile("eGeMAPSv02", opensmile.FeatureLevel.Functionals)
    voice = make_voice().astype(np.float32)
    expected = smile.process_signal(voice, HZ).to_numpy()
    assert np.array_equal(encode(voice).embedding, expected)


def test_the_pitch_of_a_voice_is_found():
    names = opensmile.Smile("eGeMAPSv02", opensmile.FeatureLevel.Functionals).feature_names
    pitch = names.index("F0semitoneFrom27.5Hz_sma3nz_amean")
    assert encode(make_voice(hz=220.0)).embedding[0, pitch] == pytest.approx(36, abs=0.3)


def test_low_level_rows_come_every_10_ms_and_tell_when():
    samples = np.random.default_rng(6).standard_normal(32_000) * 1e-4
    samples[16_000:17_600] += make_voice(1_600)
    rows = encode(samples, level="low_level")
    np.testing.assert_allclose(np.diff(rows.start_seconds), 0.01)
    loudness = rows.embedding[:, 0]
    loud = np.flatnonzero(loudness > loudness.max() / 2)
    middle = (rows.start_seconds[loud[0]] + rows.end_seconds[loud[-1]]) / 2
    assert middle == pytest.approx(1.05, abs=0.01)


@pytest.mark.parametrize("samples", [0, 1, 959])
def test_a_clip_shorter_than_the_longest_window_gives_no_row(samples):
    assert encode(np.ones(samples)).embedding.shape == (0, 88)


@pytest.mark.parametrize("name", ["eGeMAPSv02", "ComParE_2016"])
@pytest.mark.parametrize("level", ["functionals", "low_level"])
@pytest.mark.parametrize("samples", [960, 8_009])
def test_rows_are_finite_and_fit_into_float16_whatever_is_heard(name, level, samples):
    encoder = make_encoder(feature_set=name, level=level)
    noise = np.random.default_rng(6).standard_normal(samples)
    click = (np.arange(samples) == 500) * 0.9
    sounds = (noise * 0, noise * 0 + 0.3, click, np.sign(noise), noise * 1e-5, noise * 9)
    for rows in encoder.encode([Waveform(sound.astype(np.float32), HZ) for sound in sounds]):
        assert len(rows) > 0
        assert np.isfinite(rows.embedding).all()
        assert np.abs(rows.embedding).max() < np.finfo(np.float16).max


def test_full_scale_does_not_wrap_around():
    tone = np.sin(2 * np.pi * 440 * np.arange(8_009) / HZ)
    full, nearly = encode(np.sign(tone)), encode(np.sign(tone) * (1 - 2**-15))
    np.testing.assert_allclose(full.embedding, nearly.embedding, rtol=1e-2, atol=1e-2)


def test_many_clips_at_once_are_as_one_by_one():
    encoder = make_encoder(level="low_level")
    clips = [Waveform(make_voice(3_001 + 97 * n).astype(np.float32), HZ) for n in range(12)]
    for clip, rows in zip(clips, encoder.encode(clips), strict=True):
        (alone,) = encoder.encode([clip])
        assert np.array_equal(rows.embedding, alone.embedding)


def test_large_values_are_compressed_by_a_signed_logarithm():
    values = np.array([[-1e13, -1.0, 0.0, 3e-4, 1e6]], np.float32)
    expected = [-29.93, -0.6931, 0.0, 3e-4, 13.816]
    np.testing.assert_allclose(compress(values)[0], expected, rtol=1e-3)


def test_an_absent_package_is_told_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "opensmile", None)
    with pytest.raises(ParamsError, match=r"pip install 'moodline\[opensmile\]'"):
        make_encoder()


def test_sound_at_another_rate_is_refused():
    with pytest.raises(StoreError, match="expected 16000 Hz, got 8000 Hz"):
        make_encoder().encode([Waveform(np.zeros(5_000, np.float32), 8_000)])
