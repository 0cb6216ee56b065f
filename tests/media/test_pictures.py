"""Pictures as clips: one frame, upright and in its own colours, whatever holds it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from jaxtyping import UInt8
from PIL import Image, ImageOps

from pipeline.cleaning.judging import Measured, judge_clips
from pipeline.cleaning.params import CleanParams
from pipeline.cleaning.sound import decode_clip
from pipeline.labels.clips import Clip
from pipeline.media.probe import probe_media
from pipeline.media.video import read_picture
from pipeline.store.index import Location, rowless
from pipeline.store.parts import PartClip


def paint(height: int = 60, width: int = 48) -> UInt8[np.ndarray, "height width 3"]:
    """Colours that change slowly, so that what a codec leaves out is little."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([4 * y, 5 * x, 255 - 2 * (x + y)], axis=2).clip(0, 255).astype(np.uint8)


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def differ(path: Path, expected: np.ndarray) -> float:
    found = read_picture(path)
    assert found.shape == expected.shape
    return float(np.abs(found.astype(int) - expected).mean())


@pytest.mark.parametrize(
    ("name", "most"), [("a.png", 0), ("a.bmp", 0), ("a.tiff", 0), ("a.jpg", 2), ("a.webp", 3)]
)
def test_a_picture_is_read_from_any_usual_file(tmp_path, name, most):
    path = save(tmp_path / name, Image.fromarray(paint()), quality=95)
    assert differ(path, paint()) <= most
    probe = probe_media(path)
    assert (probe.still, probe.audio_hz, probe.fps is not None) == (True, None, True)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1"])
def test_every_kind_of_pixel_becomes_three_colours(tmp_path, mode):
    image = Image.fromarray(paint()).convert(mode)
    path = save(tmp_path / "a.png", image)
    assert differ(path, np.array(image.convert("RGB"))) == 0


def test_sixteen_bits_become_eight(tmp_path):
    grey = paint()[..., 0].astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "a.png"), grey)
    assert differ(tmp_path / "a.png", np.repeat(paint()[..., :1], 3, axis=2)) <= 1


def test_inks_become_colours(tmp_path):
    image = Image.fromarray(paint()).convert("CMYK")
    path = save(tmp_path / "a.jpg", image, quality=100, subsampling=0)
    assert differ(path, np.array(Image.open(path).convert("RGB"))) <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_and_mirrored_as_its_camera_says(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    path = save(tmp_path / "a.jpg", Image.fromarray(paint()), exif=exif, quality=95)
    upright = ImageOps.exif_transpose(Image.open(path))
    assert differ(path, np.array(upright)) <= 2


def test_noise_in_a_jpeg_file_is_a_picture(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (48, 48, 3), np.uint8)
    path = save(tmp_path / "a.jpg", Image.fromarray(noise))
    assert read_picture(path).shape == (48, 48, 3)


def test_a_picture_is_a_clip_of_any_length_without_sound(tmp_path):
    path = save(tmp_path / "a.png", Image.fromarray(paint()))
    clip = Clip(clip_id="toy/a", corpus="toy", path=str(path))
    made = decode_clip(clip, CleanParams()).sound
    assert (made.status, made.reason, made.content) == ("absent", "picture", None)
    part = PartClip("toy/a", "key", 0, 0, "", made.status, made.reason, made.detail, made.facts)
    found = {"toy/a": Measured(Location(part, None), rowless("toy/a"))}
    judged = judge_clips([clip], found, {}, params=CleanParams(), kept=frozenset())
    assert [kept.clip_id for kept in judged.clips] == ["toy/a"]
    assert [(entry.status, entry.reason) for entry in judged.sound_entries] == [
        ("absent", "picture")
    ]
