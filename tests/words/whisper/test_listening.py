from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from pipeline.errors import StoreError
from pipeline.rows import Waveform
from pipeline.words.whisper.listening import Hearing
from tests.whispers import make_listener, make_noise, save_listener

STEP = 0.021
"""Words that are said at one moment share a step."""

SECONDS = {"a": 2.53, "b": 0.7, "c": 0.05, "d": 1.0, "e": 0.31}


def hear(seconds: dict[str, float] = SECONDS, **options: Any) -> dict[str, Hearing]:
    listener = make_listener(save_listener(), **options)
    clips = [(name, make_noise(length, ord(name))) for name, length in seconds.items()]
    return {hearing.clip_id: hearing for hearing in listener.listen(clips)}


@pytest.mark.parametrize("times", ["segment", "word"])
def test_stretches_are_in_order_and_inside_the_clip(times: str) -> None:
    heard = hear(times=times)
    assert heard.keys() == SECONDS.keys()
    for name, hearing in heard.items():
        edges = [(0.0, 0.0), *((s.start_seconds, s.end_seconds) for s in hearing.stretches)]
        assert all(start < end for start, end in edges[1:])
        assert all(one[1] <= two[0] + STEP for one, two in pairwise(edges))
        assert edges == sorted(edges)
        assert edges[-1][1] <= SECONDS[name]
    assert heard["a"].stretches[-1].start_seconds > 1.0  # beyond the first window


def test_words_are_those_of_the_segments() -> None:
    segments, words = hear(times="segment"), hear(times="word")
    for name in SECONDS:
        said = [" ".join(s.text for s in heard[name].stretches) for heard in (segments, words)]
        assert said[0].replace(" ", "") == said[1].replace(" ", "")


@pytest.mark.parametrize("times", ["segment", "word"])
def test_a_batch_hears_what_each_clip_gives_alone(times: str) -> None:
    together, alone = hear(times=times, batch=3), hear(times=times, batch=1)
    for name in SECONDS:
        assert together[name].stretches == alone[name].stretches
        assert together[name].language == alone[name].language
        mean = alone[name].mean_log_probability
        assert together[name].mean_log_probability == pytest.approx(mean, abs=1e-3)


def test_the_same_sound_gives_the_same_words() -> None:
    assert [h.stretches for h in hear().values()] == [h.stretches for h in hear().values()]


def test_a_clip_that_has_ended_makes_room_for_the_next() -> None:
    assert list(hear({"a": 3.53, "b": 0.7, "d": 0.7}, batch=2)) == ["b", "d", "a"]


def test_too_short_a_clip_holds_no_word() -> None:
    assert hear()["c"].stretches == []


def test_silence_holds_no_word() -> None:
    listener = make_listener(save_listener())
    (hearing,) = listener.listen([("a", Waveform(np.zeros(32_000, np.float32), 16_000))])
    assert (hearing.stretches, hearing.tokens) == ([], 0)


def test_a_language_that_is_asked_for_is_not_detected() -> None:
    listener = make_listener(save_listener(), language="pt")
    (hearing,) = listener.listen([("a", make_noise(0.5))])
    assert listener.name_language(hearing) == "pt"


def test_sound_at_another_rate_is_refused() -> None:
    listener = make_listener(save_listener())
    with pytest.raises(StoreError, match="expected 16000 Hz, got 8000 Hz"):
        list(listener.listen([("a", Waveform(np.zeros(800, np.float32), 8_000))]))
