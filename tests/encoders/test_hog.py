import numpy as np
import pytest

from pipeline.encoders.hog import Encoder, summarise
from pipeline.encoders.params import HogParams
from pipeline.errors import ParamsError
from pipeline.rows import Frames
from pipeline.sections import parse_section


def make_encoder(**options):
    section = {"modality": "face", "encoder": "hog", **options}
    return Encoder(parse_section(HogParams, section, "features.hog"))


def make_frames(*images):
    starts = np.arange(len(images)) * 0.2
    return Frames(np.stack(images).astype(np.uint8), starts, starts + 0.2)


def draw_stripes(height=64, width=64):
    wave = 128 + 100 * np.sin(np.arange(width) / 3)
    return np.broadcast_to(wave[:, None], (height, width, 3))


def encode(encoder, *images):
    (rows,) = encoder.encode([make_frames(*images)])
    return rows


def test_row_length_is_blocks_times_cells_times_orientations():
    assert make_encoder().row_shape == (7 * 7 * 4 * 8,)
    assert make_encoder(pixels=30, cell=10, block=1, orientations=7).row_shape == (3 * 3 * 7,)
    assert make_encoder(pixels=16, statistics=True).row_shape == (3 * 4 * 8,)


def test_direction_of_edges_decides_the_orientation():
    upright = draw_stripes()
    rows = encode(make_encoder(), upright, upright.transpose(1, 0, 2))
    strength = rows.embedding.reshape(2, -1, 8).mean(1)
    # Gradients across upright stripes lie at 0 degrees, where the first and last bin meet.
    assert set(np.argsort(strength[0])[-2:]) == {0, 7}
    assert set(np.argsort(strength[1])[-2:]) == {3, 4}


def test_flat_image_has_no_edges():
    assert not encode(make_encoder(), np.full((37, 41, 3), 90)).embedding.any()


def test_images_of_any_shape_become_squares():
    tall = encode(make_encoder(), draw_stripes(height=128))
    np.testing.assert_allclose(
        tall.embedding, encode(make_encoder(), draw_stripes()).embedding, atol=0.02
    )


def test_rows_keep_the_stretches_of_their_frames():
    frames = make_frames(*[draw_stripes()] * 3)
    (rows,) = make_encoder().encode([frames])
    assert np.array_equal(rows.start_seconds, frames.start_seconds)
    assert np.array_equal(rows.end_seconds, frames.end_seconds)
    assert rows.valid.all()


def test_statistics_give_one_row_that_covers_all_frames():
    rows = encode(make_encoder(statistics=True), *[draw_stripes()] * 3)
    assert rows.embedding.shape == (1, 3 * 1568)
    assert (rows.start_seconds[0], rows.end_seconds[0]) == (0.0, pytest.approx(0.6))


def test_a_still_picture_has_neither_spread_nor_motion():
    row = encode(make_encoder(statistics=True), *[draw_stripes()] * 2).embedding[0]
    assert row[:1568].any()
    assert not row[1568:].any()


def test_statistics_are_mean_spread_and_mean_absolute_change():
    rows = np.array([[1, 0], [3, 0], [2, 3]], np.float32)
    expected = [2, 1, (2 / 3) ** 0.5, 2**0.5, 1.5, 1.5]
    np.testing.assert_allclose(summarise(rows), expected, rtol=1e-6)


def test_a_single_frame_does_not_change():
    assert np.array_equal(summarise(np.array([[5, 7]], np.float32)), [5, 7, 0, 0, 0, 0])


@pytest.mark.parametrize("sizes", [{"pixels": 63}, {"pixels": 8}])
def test_sizes_that_do_not_fit_are_refused(sizes):
    with pytest.raises(ParamsError, match=r"features\.hog: .*multiple of cell that holds a block"):
        make_encoder(**sizes)
