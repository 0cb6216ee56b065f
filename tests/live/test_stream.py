"""A head that goes along says of what it has seen what it says of the same as a clip."""

import numpy as np
import pytest

from pipeline.errors import ParamsError
from pipeline.media.audio import decode_audio
from pipeline.media.sampling import Sampling
from pipeline.media.video import read_frames
from pipeline.predictor.hearing import Microphone
from pipeline.predictor.predictor import Predictor
from tests.live.test_service import HZ


def go_along(stream, film, hz, step=0.1):
    """Moments of a film whose frames and sound come as they would live."""
    frames = list(read_frames(film, Sampling(rate_hz=None)))
    samples = np.rint(decode_audio(film, hz=hz) * 32767).astype(np.int16)
    for start in range(0, len(samples), round(hz * step)):
        block = samples[start : start + round(hz * step)]
        while frames and frames[0].seconds <= start / hz:
            frame = frames.pop(0)
            stream.add_frame(frame.seconds, frame.image)
        stream.add_sound(start / hz, block)
        moment = stream.answer()
        if moment is not None:
            yield moment


def test_a_stretch_is_answered_for_as_a_clip_of_its_own(seeing):
    film = seeing.parent / "media" / "0.mp4"
    predictor = Predictor.load(seeing)
    (moment,) = go_along(predictor.stream(16_000, window=1.0, hop=1.0), film, 16_000)
    whole = predictor.tell(film).answer.whole
    assert moment.present == ["face", "audio"]
    for target, value in whole.items():
        np.testing.assert_allclose(moment.values[target], value, atol=2e-3)


def test_answers_are_causal_and_follow_each_other(seeing):
    film = seeing.parent / "media" / "1.mp4"
    stream = Predictor.load(seeing).stream(HZ, hop=0.25)
    moments = list(go_along(stream, film, HZ))
    assert [moment.seconds for moment in moments] == [0.25, 0.5, 0.75, 1.0]
    row = moments[0].to_row(stream.head)
    assert (row["seconds"], row["person"], row["modalities"]) == (0.25, 0, "face+audio")


def test_where_nothing_came_there_is_a_gap(seeing):
    stream = Predictor.load(seeing).stream()
    stream.add_frame(1.0, np.zeros((90, 120, 3), np.uint8))
    moment = stream.answer()
    assert (moment.values, moment.present) == (None, [])
    assert moment.to_row(stream.head)["valence"] is None
    assert stream.answer() is None


def test_one_that_falls_behind_answers_for_the_newest_alone(seeing):
    stream = Predictor.load(seeing).stream(16_000, hop=0.5)
    for second in range(3):
        stream.add_sound(float(second), np.full(16_000, 1000, np.int16))
    assert stream.answer().seconds == 3.0
    assert stream.answer() is None


def test_sound_needs_its_rate(seeing):
    with pytest.raises(ParamsError, match="hz: expected"):
        Predictor.load(seeing).stream().add_sound(0.0, np.zeros(4, np.int16))
    with pytest.raises(ParamsError, match="hz: expected 1,000 to"):
        Predictor.load(seeing).stream(10)
    with pytest.raises(ParamsError, match="hop: expected seconds above 0"):
        Predictor.load(seeing).stream(hop=0.0)


def test_what_clean_calls_silence_is_none_live(seeing):
    stream = Predictor.load(seeing).stream(16_000)
    stream.add_sound(0.0, np.tile(np.array([1, -1], np.int16), 4000))  # -90 dBFS
    assert stream.answer().present == []


def test_a_microphone_ahead_of_its_times_is_set_right():
    microphone = Microphone(16_000, held_seconds=2.0)
    for second in range(0, 10):
        microphone.add(second * 0.9, np.ones(16_000, np.int16))
    assert microphone.end_seconds == pytest.approx(9.1, abs=0.25)


def test_sound_that_was_lost_is_silence():
    microphone = Microphone(16_000, held_seconds=2.0)
    microphone.add(0.0, np.full(8000, 16384, np.int16))
    microphone.add(1.0, np.full(8000, 16384, np.int16))
    assert microphone.end_seconds == 1.5
    assert microphone.take(0.6, 0.9).max() == 0
    assert microphone.take(1.1, 1.4).tolist() == [0.5] * 4800


def test_a_resampled_microphone_keeps_time_and_level():
    microphone = Microphone(44_100, held_seconds=60.0)
    rising = np.sin(np.arange(441_000) * 2 * np.pi * 440 / 44_100) * 16384
    for start in range(0, 441_000, 4410):
        microphone.add(start / 44_100, rising[start : start + 4410].astype(np.int16))
    assert microphone.end_seconds == pytest.approx(10, abs=0.02)
    assert np.sqrt(np.square(microphone.take(2.0, 8.0)).mean()) == pytest.approx(0.3536, rel=1e-3)
