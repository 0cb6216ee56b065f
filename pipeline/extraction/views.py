"""Views: augmented copies of a clip's input, for training alone.

What is changed, and by how much, is drawn once for each clip and view, from a generator seeded by
their names: all pieces of a clip are changed alike, and a view is the same wherever it is made.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy.random import Generator

from pipeline.encoders.params import FeatureParams
from pipeline.files import digest_json
from pipeline.rows import ClipInput, Frames, Rows, Waveform
from pipeline.store.provenance import derive_key
from pipeline.store.view_ids import name_view

VERSION = 1
"""Raised whenever views change: part of the key of every view."""

FLIP_SHARE = 0.5
"""Of views that are mirrored, left to right."""

DEGREES = 10.0
LEAST_CROP = 0.85
"""Most that pictures are turned either way, and least share of their sides that is kept.

Flips, small turns and crops are what networks of facial expression are usually trained with (Li
and Deng, Deep facial expression recognition: a survey, 2020): the face stays whole.
"""

JITTER = 0.2
"""Brightness, contrast and saturation are multiplied by 1 - JITTER to 1 + JITTER.

As torchvision's ColorJitter has it; half of what SimCLR (Chen and others, 2020) takes for tasks in
which colour says nothing.
"""

RATES = (0.9, 1.1)
"""How much faster sound is played, its pitch kept: the speeds of Ko and others, Audio augmentation
for speech recognition, 2015.
"""

NOISE_DB = (15.0, 30.0)
"""White noise lies so far below the sound: audible, but the voice's own quality is left, which the
0 to 15 dB of speaker recognition (Snyder and others, X-vectors, 2018) would cover.
"""

GAIN_DB = 6.0
"""Most by which sound is made louder or softer; never so loud that it would be clipped."""

FFT_SAMPLES = 512
HOP_SAMPLES = 128
"""Windows of the phase vocoder: 32 ms of speech at 16 kHz, each a quarter after the other."""

BLOCK_SAMPLES = 1 << 20
FADE_SAMPLES = 1 << 10
"""Long sound is stretched in blocks, about a minute each, that fade into one another."""

MIDDLE_GREY = 127.5
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in how bright a colour is (ITU-R BT.601)."""

MIRRORED = [1, 0, 2, 4, 3]
"""Landmarks of a mirrored face: the left eye and corner of the mouth are first again."""

_PICTURES = {
    "flip_share": FLIP_SHARE,
    "degrees": DEGREES,
    "least_crop": LEAST_CROP,
    "jitter": JITTER,
}
_SOUND = {"rates": RATES, "noise_db": NOISE_DB, "gain_db": GAIN_DB}
AUGMENTATIONS: dict[str, dict[str, Any]] = {"face": _PICTURES, "scene": _PICTURES, "audio": _SOUND}
"""What shapes the views of each modality that has some."""


@dataclass(frozen=True)
class View:
    """View `number`, from 1 on, of a clip."""

    clip_id: str
    number: int

    @property
    def id(self) -> str:
        """What stands for it where a clip's id would."""
        return name_view(self.clip_id, self.number)

    def derive_key(self, params: FeatureParams, input_key: str, fingerprint: str) -> str:
        """Key of its rows; `input_key` is that of the clip's media."""
        settings = {"version": VERSION, **AUGMENTATIONS[params.modality], "view": self.number}
        return derive_key(digest_json([input_key, settings]), fingerprint)

    def start_generator(self) -> Generator:
        """Generator of all that is drawn for it, from its beginning."""
        return np.random.default_rng(int(digest_json([self.clip_id, self.number]), 16))


def list_views(params: FeatureParams, clip_id: str, trained: Collection[str]) -> list[View]:
    """Views that `params` ask for of a clip: of those in `trained` alone."""
    most = params.views if clip_id in trained else 0
    return [View(clip_id, number) for number in range(1, most + 1)]


def describe_views(params: FeatureParams) -> dict[str, Any]:
    """What a feature set states of its views; nothing where it has none."""
    if not params.views:
        return {}
    return {"count": params.views, "version": VERSION, **AUGMENTATIONS[params.modality]}


def augment(content: ClipInput, view: View) -> ClipInput:
    """What an encoder is given of `view` in place of `content`, the clip or a piece of it."""
    generator = view.start_generator()
    match content:
        case Frames():
            return change_frames(content, draw_picture(generator))
        case Waveform():
            return change_sound(content, generator)
    raise AssertionError("params refuse views of text")


def measure_pace(own: ClipInput, changed: ClipInput) -> float:
    """How many seconds of the clip's own go by in one of its view."""
    if isinstance(own, Waveform) and isinstance(changed, Waveform) and len(changed.samples):
        return len(own.samples) / len(changed.samples)
    return 1.0


def retime_rows(rows: Rows, pace: float) -> Rows:
    """Rows of a view in the clip's own time."""
    starts, ends = rows.start_seconds * pace, rows.end_seconds * pace
    return replace(rows, start_seconds=starts, end_seconds=ends)


@dataclass(frozen=True)
class PictureChange:
    """How all pictures of a view are changed.

    `crop` is the share of their sides that is kept, `right` and `down` say where it lies, from -1
    to 1; the others multiply.
    """

    mirrored: bool
    degrees: float
    crop: float
    right: float
    down: float
    brightness: float
    contrast: float
    saturation: float

    @property
    def turn(self) -> Float[np.ndarray, "2 2"]:
        """Mirrored, turned and grown: where (x, y) from the middle comes to lie."""
        cosine, sine = math.cos(math.radians(self.degrees)), math.sin(math.radians(self.degrees))
        mirror = -1.0 if self.mirrored else 1.0
        return np.array([[mirror * cosine, -sine], [mirror * sine, cosine]]) / self.crop

    def place(self, height: int, width: int) -> Float[np.ndarray, "2 3"]:
        """Where (x, y, 1) of a picture comes to lie, in pixels counted from their middles."""
        size = np.array([width, height])
        middle = (size - 1) / 2
        moved = np.array([self.right, self.down]) * size * (1 / self.crop - 1) / 2
        return np.column_stack([self.turn, middle + moved - self.turn @ middle])

    @property
    def colours(self) -> Float[np.ndarray, "3 4"]:
        """What (red, green, blue, 1) becomes."""
        grey = np.tile(LUMA, (3, 1))
        mixed = self.saturation * np.eye(3) + (1 - self.saturation) * grey
        offset = np.full(3, (1 - self.contrast) * MIDDLE_GREY)
        return np.column_stack([self.contrast * self.brightness * mixed, offset])


def draw_picture(generator: Generator) -> PictureChange:
    """A change within the bounds above."""
    return PictureChange(
        mirrored=generator.random() < FLIP_SHARE,
        degrees=generator.uniform(-DEGREES, DEGREES),
        crop=generator.uniform(LEAST_CROP, 1),
        right=generator.uniform(-1, 1),
        down=generator.uniform(-1, 1),
        brightness=generator.uniform(1 - JITTER, 1 + JITTER),
        contrast=generator.uniform(1 - JITTER, 1 + JITTER),
        saturation=generator.uniform(1 - JITTER, 1 + JITTER),
    )


def change_frames(frames: Frames, change: PictureChange) -> Frames:
    """`frames` with every picture changed alike, at the same times.

    Landmarks are in pixels of the frame that the face was cut from: they are turned about its
    corner, so that they lie from one another, and move, as they do in the pictures.
    """
    images = np.empty_like(frames.images)
    for number, image in enumerate(frames.images):
        images[number] = change_picture(image, change)
    if frames.landmarks is None:
        return replace(frames, images=images)
    points = (frames.landmarks @ change.turn.T).astype(frames.landmarks.dtype)
    points = points[:, MIRRORED] if change.mirrored else points
    return replace(frames, images=images, landmarks=points)


def change_picture(
    image: UInt8[np.ndarray, "height width 3"], change: PictureChange
) -> UInt8[np.ndarray, "height width 3"]:
    """One picture changed; what comes in from beyond its edges mirrors what lies inside."""
    height, width = image.shape[:2]
    placed = cv2.warpAffine(
        image,
        change.place(height, width),
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    coloured: UInt8[np.ndarray, "height width 3"] = cv2.transform(placed, change.colours)
    return coloured


def change_sound(sound: Waveform, generator: Generator) -> Waveform:
    """`sound` at another speed, with noise, louder or softer; silence stays silent."""
    if not len(sound.samples):
        return sound
    rate, noise_db = generator.uniform(*RATES), generator.uniform(*NOISE_DB)
    gain = 10 ** (generator.uniform(-GAIN_DB, GAIN_DB) / 20)
    samples = stretch_sound(sound.samples.astype(np.float32), rate)
    level = math.sqrt(float(np.mean(np.square(samples, dtype=np.float64)))) * 10 ** (-noise_db / 20)
    samples += np.float32(level) * generator.standard_normal(len(samples), np.float32)
    peak = float(np.abs(samples).max())
    return Waveform(samples * np.float32(min(gain, 1 / peak) if peak else 1), sound.hz)


def stretch_sound(samples: Float[np.ndarray, " own"], rate: float) -> Float[np.ndarray, " changed"]:
    """Samples played `rate` times as fast, their pitch kept."""
    stretched = np.zeros(max(1, round(len(samples) / rate)), np.float32)
    starts = range(0, max(1, len(samples) - FADE_SAMPLES), BLOCK_SAMPLES)
    for start in starts:
        stop = min(start + BLOCK_SAMPLES + FADE_SAMPLES, len(samples))
        begin, end = round(start / rate), min(round(stop / rate), len(stretched))
        block = _stretch_block(samples[start:stop], rate, end - begin)
        if start:
            fade = round((start + FADE_SAMPLES) / rate) - begin
            block[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
            stretched[begin : begin + fade] *= np.linspace(1, 0, fade, dtype=np.float32)
        stretched[begin:end] += block
    return stretched


def _stretch_block(
    samples: Float[np.ndarray, " own"], rate: float, length: int
) -> Float[np.ndarray, " changed"]:
    import torch  # seconds, and only sound needs it
    from torchaudio.functional import phase_vocoder

    window = torch.hann_window(FFT_SAMPLES)
    spectrum = torch.stft(
        torch.from_numpy(samples),
        FFT_SAMPLES,
        HOP_SAMPLES,
        window=window,
        pad_mode="constant",
        return_complex=True,
    )
    bins = FFT_SAMPLES // 2 + 1
    advance = torch.linspace(0, math.pi * HOP_SAMPLES, bins)[:, None]
    changed = phase_vocoder(spectrum, rate, advance)
    sound = torch.istft(changed, FFT_SAMPLES, HOP_SAMPLES, window=window, length=length)
    return np.array(sound.numpy())
