import pytest
import transformers

from pipeline.encoders.shared.pictures import Preparation
from pipeline.encoders.shared.preprocessors import load_preparation
from pipeline.errors import ParamsError
from pipeline.networks.pretrained import load_pretrained

EDGE, SQUARE = {"shortest_edge": 36}, {"height": 32, "width": 32}
CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
HALF = (0.5, 0.5, 0.5)


def load(folder, kind, **settings):
    getattr(transformers, kind)(**settings).save_pretrained(folder)
    return load_preparation(folder)


def test_clip_keeps_the_shape_and_cuts(tmp_path):
    found = load(tmp_path, "CLIPImageProcessor", size=EDGE, crop_size=SQUARE)
    assert found == Preparation((36, 36), (32, 32), "kept", "bicubic", CLIP_MEAN, CLIP_STD)


@pytest.mark.parametrize(
    ("kind", "interpolation"),
    [
        ("ViTImageProcessor", "bilinear"),
        ("SiglipImageProcessor", "bicubic"),
        ("BeitImageProcessor", "bicubic"),
    ],
)
def test_others_squash_pictures_into_a_square(tmp_path, kind, interpolation):
    found = load(tmp_path, kind, size=SQUARE)
    assert found == Preparation((32, 32), (32, 32), "lost", interpolation, HALF, HALF)


def test_pictures_filled_up_to_gigabytes_are_refused(tmp_path):
    far = {"height": 30_000, "width": 30_000}
    with pytest.raises(ParamsError, match="pad_size: height: expected at most 4,096 pixels, got 3"):
        load(tmp_path, "ViTImageProcessor", size=SQUARE, do_pad=True, pad_size=far)


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("CLIPImageProcessor", {"shortest_edge": 60_000}),
        ("Idefics3ImageProcessor", {"longest_edge": 60_000}),
        ("Qwen2VLImageProcessor", {"shortest_edge": 10**10, "longest_edge": 10**11}),
    ],
)
def test_processors_that_make_gigabytes_of_a_picture_are_refused(tmp_path, kind, size):
    getattr(transformers, kind)(size=size).save_pretrained(tmp_path)
    with pytest.raises(ParamsError, match=r"size: .*expected at most"):
        load_pretrained(transformers.AutoImageProcessor, tmp_path)


def test_processors_that_count_pixels_may_allow_many(tmp_path):
    transformers.Qwen2VLImageProcessor().save_pretrained(tmp_path)
    assert load_pretrained(transformers.AutoImageProcessor, tmp_path).size.longest_edge > 10**6


def test_sound_filled_up_to_gigabytes_is_refused(tmp_path):
    extractor = transformers.WhisperFeatureExtractor(chunk_length=60, hop_length=320)
    extractor.save_pretrained(tmp_path)
    path = tmp_path / "preprocessor_config.json"
    path.write_text(path.read_text().replace('"chunk_length": 60', '"chunk_length": 60000'))
    with pytest.raises(ParamsError, match="chunk_length: expected at most 600, got 60000"):
        load_pretrained(transformers.AutoFeatureExtractor, tmp_path)
    transformers.WhisperFeatureExtractor(hop_length=1).save_pretrained(tmp_path)
    with pytest.raises(ParamsError, match="at most 67,108,864 numbers before bands"):
        load_pretrained(transformers.AutoFeatureExtractor, tmp_path)


def test_dinov2_and_dinov3_are_known(tmp_path):
    assert load(tmp_path, "BitImageProcessor", size=EDGE, crop_size=SQUARE).size == (36, 36)
    assert load(tmp_path, "DINOv3ViTImageProcessor", size=SQUARE).interpolation == "bilinear"


def test_convnext_cuts_a_share_of_small_pictures(tmp_path):
    edge = {"shortest_edge": 32}
    small = load(tmp_path, "ConvNextImageProcessor", size=edge, crop_pct=0.8)
    assert (small.size, small.crop, small.shape) == ((40, 40), (32, 32), "kept")
    large = load(tmp_path, "ConvNextImageProcessor", size={"shortest_edge": 384})
    assert (large.size, large.crop, large.shape) == ((384, 384), (384, 384), "lost")


def test_colours_that_are_not_scaled_are_known(tmp_path):
    plain = load(tmp_path, "ViTImageProcessor", size=SQUARE, do_normalize=False)
    assert (plain.mean, plain.std) == ((0, 0, 0), (1, 1, 1))
    levels = load(
        tmp_path,
        "ViTImageProcessor",
        size=SQUARE,
        do_rescale=False,
        image_mean=[51, 102, 204],
        image_std=[255, 51, 102],
    )
    assert levels.mean == pytest.approx((0.2, 0.4, 0.8))
    assert levels.std == pytest.approx((1, 0.2, 0.4))


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("EfficientNetImageProcessor", {"size": SQUARE}),
        ("LevitImageProcessor", {"size": {"shortest_edge": 32}, "crop_size": SQUARE}),
        ("MobileViTImageProcessor", {"size": EDGE, "crop_size": SQUARE}),
        ("Siglip2ImageProcessor", {}),
        ("ViTImageProcessor", {"size": SQUARE, "do_resize": False}),
    ],
)
def test_preprocessors_that_do_more_are_refused(tmp_path, kind, settings):
    with pytest.raises(ParamsError, match=f"normalises, got {kind}; choose another checkpoint"):
        load(tmp_path, kind, **settings)


def test_a_folder_without_a_preprocessor_is_refused(tmp_path):
    with pytest.raises(ParamsError, match="expected what AutoImageProcessor can load"):
        load_preparation(tmp_path)
