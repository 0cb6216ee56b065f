from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from pipeline.encoders.shared.pictures import PictureEncoder, Preparation, choose_layout
from pipeline.errors import ParamsError
from pipeline.rows import Frames

SQUARE = Preparation((8, 8), (8, 8), "lost", "bilinear")


def draw(height, width, seed=0):
    """A smooth picture: a photograph's kind, not noise's."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (5, 7, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def make_clip(*images):
    starts = np.arange(len(images)) * 0.2
    shape = (0, 5, 5, 3)
    return Frames(np.stack(images) if images else np.zeros(shape, np.uint8), starts, starts + 0.2)


def make_encoder(network=lambda pixels: pixels, preparation=SQUARE, frames=64):
    return PictureEncoder(network, preparation, {"weights_digest": "any"}, "cpu", frames)


def resize(preparation, image):
    tensor = torch.tensor(image).permute(2, 0, 1)[None]
    return preparation.resize(tensor)[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("sizes", [(61, 97), (97, 61), (20, 31), (31, 20), (37, 37)])
def test_pictures_that_keep_their_shape_are_resized_and_cut_as_torchvision_does(
    sizes, interpolation
):
    preparation = Preparation((37, 37), (32, 32), "kept", interpolation, halves="even")
    mode = transforms.InterpolationMode(interpolation)
    usual = transforms.Compose([transforms.Resize(37, mode), transforms.CenterCrop(32)])
    found = resize(preparation, draw(*sizes)).astype(int)
    expected = np.asarray(usual(Image.fromarray(draw(*sizes)))).astype(int)
    assert np.abs(found - expected).max() <= 2


def test_pictures_that_lose_their_shape_are_resized_to_it():
    preparation = Preparation((24, 40), (24, 40), "lost", "bicubic")
    usual = Image.fromarray(draw(61, 97)).resize((40, 24), Image.Resampling.BICUBIC)
    assert np.abs(resize(preparation, draw(61, 97)).astype(int) - np.asarray(usual)).max() <= 1


def test_rows_are_normalised_channels_in_front_red_first():
    red = np.zeros((9, 9, 3), np.uint8)
    red[..., 0] = 255
    preparation = Preparation((8, 8), (8, 8), "lost", "bilinear", (0.5, 0.2, 0.0), (0.5, 0.4, 1.0))
    (rows,) = make_encoder(preparation=preparation).encode([make_clip(red)])
    expected = np.array([1, -0.5, 0])[:, None, None]
    np.testing.assert_allclose(rows.embedding[0], np.broadcast_to(expected, (3, 8, 8)), atol=1e-6)


def test_rows_keep_the_stretches_of_their_frames():
    clip = make_clip(*[draw(11, 13)] * 3)
    (rows,) = make_encoder().encode([clip])
    assert np.array_equal(rows.start_seconds, clip.start_seconds)
    assert np.array_equal(rows.end_seconds, clip.end_seconds)
    assert rows.valid.all()


class Counter:
    """A network that gives a picture's mean colour, and remembers its batches."""

    def __init__(self):
        self.batches = []

    def __call__(self, pixels):
        self.batches.append(len(pixels))
        return pixels.mean((2, 3))


def test_frames_of_all_clips_share_batches():
    counter = Counter()
    clips = [make_clip(*[draw(11, 13, seed) for seed in some]) for some in (range(3), (), (7, 9))]
    rows = make_encoder(counter, frames=4).encode(clips)
    assert counter.batches == [2, 4, 1]  # a picture twice, before all
    for part, clip in zip(rows, clips, strict=True):
        means = clip.images.mean((1, 2)) / 255
        np.testing.assert_allclose(part.embedding, means.reshape(-1, 3), atol=0.02)


def test_huge_pictures_weigh_more_than_they_do_in_the_network():
    counter = Counter()
    clips = [make_clip(*[draw(64, 64, seed) for seed in range(3)]), make_clip(draw(9, 9))]
    make_encoder(counter, frames=8).encode(clips)
    # 64 x 64 pixels are 64 times the network's 8 x 8, and weigh as much as four of these.
    assert counter.batches == [2, 2, 2]


def test_pictures_of_several_sizes_in_a_batch_keep_their_order():
    sizes = [(11, 13), (17, 9), (17, 9), (8, 8), (11, 13)]
    clips = [make_clip(draw(*size, seed)) for seed, size in enumerate(sizes)]
    rows = make_encoder(Counter()).encode(clips)
    for part, clip in zip(rows, clips, strict=True):
        np.testing.assert_allclose(part.embedding, clip.images.mean((1, 2)) / 255, atol=0.05)


def test_pixels_scale_the_margin_that_is_cut_off():
    assert Preparation((256, 320), (224, 280), "kept", "bicubic").for_pixels(112) == Preparation(
        (128, 128), (112, 112), "kept", "bicubic"
    )
    assert SQUARE.for_pixels(None) is SQUARE


def test_provenance_holds_every_constant_of_preparation():
    preparations = [
        SQUARE,
        Preparation((9, 8), (8, 8), "lost", "bilinear"),
        Preparation((8, 8), (7, 8), "lost", "bilinear"),
        Preparation((8, 8), (8, 8), "kept", "bilinear"),
        Preparation((8, 8), (8, 8), "lost", "bicubic"),
        Preparation((8, 8), (8, 8), "lost", "bilinear", mean=(0.0, 0.0, 0.1)),
        Preparation((8, 8), (8, 8), "lost", "bilinear", std=(1.0, 1.0, 0.1)),
        Preparation((8, 8), (8, 8), "lost", "bilinear", halves="even"),
    ]
    told = [make_encoder(preparation=preparation).provenance for preparation in preparations]
    assert all(some["weights_digest"] == "any" for some in told)
    assert all(first != second for first, second in pairwise([*told, told[0]]))


def test_a_network_that_draws_at_random_is_refused():
    with pytest.raises(ParamsError, match="masks or drops at random"):
        make_encoder(torch.nn.Dropout(0.5))


def test_a_network_that_refuses_the_size_says_so():
    def refuse(pixels):
        raise ValueError("too small")

    with pytest.raises(ParamsError, match=r"got 8 x 8 \(too small\); leave pixels out"):
        make_encoder(refuse)


def test_unknown_interpolations_and_impossible_crops_are_refused():
    with pytest.raises(ParamsError, match="bilinear or bicubic, got lanczos"):
        Preparation((8, 8), (8, 8), "kept", "lanczos")
    with pytest.raises(ParamsError, match="crop within the resized picture"):
        Preparation((8, 8), (8, 9), "kept", "bicubic")


def test_colours_lie_last_for_convolutions_alone():
    patches, linear = torch.nn.Conv2d(3, 5, 7), torch.nn.Linear(41, 43)
    assert choose_layout(patches) == torch.channels_last
    assert choose_layout(torch.nn.Sequential(patches, linear)) == torch.contiguous_format


def test_pictures_that_would_be_resized_to_gigabytes_are_refused():
    with pytest.raises(ParamsError, match="resized to at most 4,194,304 pixels"):
        Preparation((60_000, 60_000), (8, 8), "lost", "bilinear")
