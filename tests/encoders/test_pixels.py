import numpy as np
import pytest

from pipeline.encoders.params import PixelsParams
from pipeline.encoders.pixels import Encoder
from pipeline.rows import Frames
from pipeline.sections import parse_section


def encode(*images, **options):
    section = {"modality": "face", "encoder": "pixels", **options}
    encoder = Encoder(parse_section(PixelsParams, section, "features.pixels"))
    starts = np.arange(len(images)) * 0.2
    (rows,) = encoder.encode([Frames(np.stack(images).astype(np.uint8), starts, starts + 0.2)])
    assert rows.embedding.shape == (len(images), *encoder.row_shape)
    return rows.embedding


def test_pictures_of_the_asked_size_are_kept_exactly():
    image = np.random.default_rng(3).integers(0, 256, (13, 13, 3))
    (row,) = encode(image, pixels=13)
    np.testing.assert_allclose(row * 255, image.transpose(2, 0, 1), atol=1e-4)


def test_other_pictures_become_squares():
    colours = np.broadcast_to(np.array([255, 102, 0]), (2, 31, 17, 3))
    expected = np.broadcast_to(np.array([1, 0.4, 0])[:, None, None], (3, 7, 7))
    np.testing.assert_allclose(encode(*colours, pixels=7), [expected] * 2, atol=1e-6)


def test_grey_is_the_luma_of_the_colours():
    colours = np.broadcast_to(np.array([255, 102, 0]), (1, 9, 9, 3))
    (row,) = encode(*colours, pixels=5, grey=True)
    assert row.shape == (1, 5, 5)
    assert row == pytest.approx(0.299 + 0.587 * 0.4, abs=1e-3)
