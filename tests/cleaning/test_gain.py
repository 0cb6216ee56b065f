"""Gain: as loud as asked for, and a key of its own; without it, the keys of before."""

import numpy as np
import pytest

from pipeline.cleaning.gain import apply_gain, measure_loudness, measure_peak
from pipeline.cleaning.params import CleanParams
from pipeline.cleaning.sound import decode_clip, derive_keys, describe_sound
from pipeline.labels.clips import Clip
from pipeline.media.audio import decode_audio, loudness_dbfs
from pipeline.store.reader import open_media
from tests.cleaning.cleaned import clean_files, tell
from tests.makers import Sound, tone, write_audio

HZ = 16_000
MEASURES = {"peak": measure_peak, "rms": loudness_dbfs, "loudness": measure_loudness}
CLIP = Clip(clip_id="a", corpus="toy", path="a.wav", media_digest="0" * 32)


def speak(seconds=3.0, level=0.05):
    times = np.arange(round(seconds * HZ)) / HZ
    said = level * np.sin(2 * np.pi * 300 * times) * np.abs(np.sin(2 * np.pi * times))
    return said.astype(np.float32)


def test_a_tone_of_minus_23_dbfs_has_the_loudness_of_the_standards_own():
    # EBU Tech 3341, case 1: 1 kHz at -23 dBFS, stereo, is -23 LUFS; one channel has 3 dB less.
    samples = tone(5.0, HZ, 1000.0, level=10 ** (-23 / 20))[0].astype(np.float32)
    assert measure_loudness(samples) == pytest.approx(-26.0, abs=0.1)


@pytest.mark.parametrize("gain", MEASURES)
def test_sound_is_as_loud_as_asked_for(gain):
    louder = apply_gain(speak(), gain, -24.0)
    assert MEASURES[gain](louder) == pytest.approx(-24.0, abs=0.05)


@pytest.mark.parametrize("gain", MEASURES)
def test_silence_stays_and_nothing_is_clipped(gain):
    silence = np.zeros(HZ, np.float32)
    np.testing.assert_array_equal(apply_gain(silence, gain, -1.0), silence)
    click = speak()
    click[7] = 0.5
    assert np.abs(apply_gain(click, gain, 0.0)).max() <= 1.0 + 1e-6


def test_an_hour_is_measured_as_its_blocks_are():
    samples = np.tile(speak(10.0), 14)
    assert measure_loudness(samples) == pytest.approx(measure_loudness(speak(10.0)), abs=0.1)


def test_without_gain_keys_are_those_of_before():
    # Worked out by the commit before gain was there.
    assert describe_sound(CleanParams()).fingerprint == "5e1ad824bc51733ad83689df661d31f5"
    assert derive_keys([CLIP], describe_sound(CleanParams())) == {
        "a": "7f61d77deb72e9cd0c61e7da8f51d095"
    }


def test_gain_and_its_level_are_in_the_key():
    asked = [
        CleanParams(),
        CleanParams(gain="peak"),
        CleanParams(gain="rms"),
        CleanParams(gain="rms", gain_level=-21.0),
    ]
    keys = {derive_keys([CLIP], describe_sound(params))["a"] for params in asked}
    assert len(keys) == 4
    usual = describe_sound(CleanParams(gain="peak", gain_level=-1.0))
    assert usual.fingerprint == describe_sound(CleanParams(gain="peak")).fingerprint


def test_a_level_without_a_gain_is_refused():
    with pytest.raises(ValueError, match="gain_level needs a gain"):
        CleanParams(gain_level=-20.0)


def test_packed_sound_is_louder_and_judged_by_what_it_was(tmp_path):
    path = write_audio(tmp_path / "a.wav", Sound(speak(level=0.005)[None], HZ))
    out = clean_files(tmp_path, {"a": path}, gain="rms")
    (row,) = open_media(out / "audio")["a"].to_pylist()
    (tmp_path / "a.flac").write_bytes(row["flac"])
    assert loudness_dbfs(decode_audio(tmp_path / "a.flac")) == pytest.approx(-20.0, abs=0.1)
    assert tell(out) == {("a", "marked", "quiet")}


def test_gain_changes_nothing_that_is_found(tmp_path):
    path = write_audio(tmp_path / "a.wav", Sound(speak()[None], HZ))
    clip = Clip(clip_id="a", corpus="toy", path=str(path))
    plain, louder = (decode_clip(clip, CleanParams(gain=gain)) for gain in (None, "peak"))
    assert plain.findings.content.equals(louder.findings.content)
    assert plain.sound.facts == louder.sound.facts
