import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cleaning.sound import AUDIO_SCHEMA
from pipeline.errors import MediaError
from pipeline.faces.tables import SCENE_SCHEMA
from pipeline.media import inputs
from pipeline.media.audio import encode_flac
from pipeline.media.inputs import (
    STILL_SECONDS,
    cut_pieces,
    read_pieces,
    read_sound,
    read_words,
    stretch_frames,
)
from pipeline.media.jpeg import encode_jpeg
from pipeline.rows import FrameRun, Frames, Waveform, Words
from pipeline.words.texts import CONTEXT_SCHEMA, TEXT_SCHEMA
from tests.makers import tone


def table_of(schema, *rows):
    return pa.Table.from_pylist([{"clip_id": "a", **row} for row in rows], schema=schema)


def scenes(*seconds):
    image = encode_jpeg(np.full((5, 7, 3), 90, np.uint8), 95)
    rows = [{"frame": n, "seconds": time, "jpeg": image} for n, time in enumerate(seconds)]
    return table_of(SCENE_SCHEMA, *rows)


def test_audio_is_read_at_the_rate_it_was_packed_at():
    samples = tone(0.5, 16_000)[0]
    row = {"hz": 16_000, "samples": len(samples), "flac": encode_flac(samples, 16_000)}
    found = read_sound(table_of(AUDIO_SCHEMA, row))
    assert isinstance(found, Waveform)
    assert found.hz == 16_000
    np.testing.assert_allclose(found.samples, samples, atol=1 / 32768)


def test_text_is_read_in_order_with_its_stretches():
    rows = [
        {"start_seconds": 0.0, "end_seconds": 1.5, "text": "One."},
        {"start_seconds": 1.5, "end_seconds": 2.0, "text": "Two."},
    ]
    found = read_words(table_of(TEXT_SCHEMA, *rows))
    assert isinstance(found, Words)
    assert found.texts == ("One.", "Two.")
    np.testing.assert_array_equal(found.end_seconds, [1.5, 2.0])
    assert found.context is None


@pytest.mark.parametrize("context", [(), ("Ann: So?", "No.")])
def test_turns_before_a_clip_are_read_where_they_are_packed(context):
    row = {"start_seconds": 0.0, "end_seconds": 1.5, "text": "One.", "context": context}
    found = read_words(table_of(CONTEXT_SCHEMA, row))
    assert isinstance(found, Words)
    assert found.context == context


def test_images_are_read_with_their_stretches():
    found = next(read_pieces("scene", scenes(0.0, 0.2, 0.4), None))
    assert isinstance(found, Frames)
    assert found.images.shape == (3, 5, 7, 3)
    np.testing.assert_allclose(found.end_seconds, [0.2, 0.4, 0.6])


@given(st.integers(1, 900), st.integers(1, 40), st.integers(1, 40), st.integers(0, 200))
def test_pieces_hold_each_run_of_frames_once(frames, length, hop, most):
    run = FrameRun(max(length, hop), hop)
    starts = [
        start
        for piece in cut_pieces(frames, run, most)
        for start in range(piece.start, max(piece.start + 1, piece.stop - run.frames + hop), hop)
    ]
    assert starts == list(range(0, max(1, frames - run.frames + hop), hop))


def test_frames_in_pieces_are_the_frames_of_the_whole(monkeypatch):
    monkeypatch.setattr(inputs, "PIECE_BYTES", 4 * 5 * 7 * 3)
    table = scenes(*np.arange(7) / 5)
    (whole,) = read_pieces("scene", table, None)
    first, second = read_pieces("scene", table, FrameRun())
    assert [len(piece.images) for piece in (first, second)] == [4, 3]
    np.testing.assert_array_equal(
        np.append(first.end_seconds, second.end_seconds), whole.end_seconds
    )


def test_an_image_that_is_no_jpeg_is_refused():
    broken = table_of(SCENE_SCHEMA, {"frame": 0, "seconds": 0.0, "jpeg": b"torn"})
    with pytest.raises(MediaError, match=r"expected a JPEG file, got 4 bytes that begin b'torn'"):
        next(read_pieces("face", broken, None))


def test_frames_that_are_missing_leave_a_gap():
    starts, ends = stretch_frames(np.array([0.0, 0.2, 0.4, 1.4, 1.6]))
    np.testing.assert_allclose(ends - starts, [0.2, 0.2, 0.3, 0.2, 0.2])


def test_the_only_frame_has_a_stretch_of_its_own():
    starts, ends = stretch_frames(np.array([3.0]))
    np.testing.assert_array_equal(ends - starts, [STILL_SECONDS])


@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=30))
def test_stretches_follow_one_another_and_are_never_empty(gaps):
    starts, ends = stretch_frames(np.cumsum(gaps))
    assert (ends > starts).all()
    assert (ends[:-1] <= starts[1:] + 1e-9).all()
