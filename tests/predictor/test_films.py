from dataclasses import replace

import av
import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import MediaError
from pipeline.labels.clips import Clip
from pipeline.predictor import films
from pipeline.predictor.annotations import write_annotations
from pipeline.predictor.answering import Answer
from pipeline.predictor.films import write_film
from pipeline.predictor.predictor import Told
from pipeline.predictor.timing import NOBODY, Spacing
from tests.makers import Sound, tone, write_video

SECONDS = [0.0, 0.04, 0.12, 0.2, 0.5, 0.54, 0.9]
"""A film of a rate that varies."""

GREY = np.full((len(SECONDS), 121, 161, 3), 128, np.uint8)
CLIP = Clip(clip_id="media/a", corpus="media", path="", fps=10.0, duration_seconds=1.0)
BOX = [40.0, 60.0, 90.0, 110.0]


@pytest.fixture
def film(tmp_path):
    """A film of one face that is lost after 0.2 s, and what is written of it."""

    def write(name="film.mp4", frames=GREY, *, faces=True, **options):
        path = write_video(tmp_path / name, frames, seconds=SECONDS, **options)
        clip = Clip(
            clip_id="media/a", corpus="media", path=str(path), fps=10.0, duration_seconds=1.0
        )
        timing = Spacing(every=1).lay_times(clip, causal=False)
        chances = np.tile(np.array([0.9, 0.1], np.float32), (len(timing.seconds), 1))
        people = np.where(timing.seconds < 0.3, 3, NOBODY)
        answer = Answer(None, timing, {"emotion": chances}, [["face"]] * len(people), people)
        seen = pa.table({"seconds": [0.0, 0.2], "box": [BOX] * 2, "track": [3, 3]})
        told = Told(clip, [], [], answer, faces=seen if faces else None)
        write_film(tmp_path / "out.mp4", [told], ["so\nso", "sad"])  # letters have one line
        return tmp_path / "out.mp4"

    return write


def read(path):
    """Times and RGB frames of a film."""
    with av.open(path) as container:
        frames = list(container.decode(video=0))
    return [frame.time for frame in frames], [frame.to_ndarray(format="rgb24") for frame in frames]


def list_marked(frames):
    """Whether each of `frames`, which are grey, has anything else on it."""
    return [bool((np.abs(frame.astype(int) - 128) > 40).any()) for frame in frames]


def test_frames_keep_their_times_and_a_face_that_was_lost_is_not_framed(film):
    times, frames = read(film())
    assert times == pytest.approx(SECONDS, abs=1e-4)
    assert frames[0].shape == (120, 160, 3)
    assert list_marked(frames) == [True] * 4 + [False] * 3


def test_a_box_lies_around_the_face(film):
    _, frames = read(film())
    marked = np.abs(frames[0].astype(int) - 128).max(axis=2) > 40
    below = np.flatnonzero(marked[65:].any(axis=1)) + 65
    across = np.flatnonzero(marked[100])
    assert below.max() == pytest.approx(BOX[3], abs=3)
    assert (across.min(), across.max()) == pytest.approx((BOX[0], BOX[2]), abs=3)


def test_a_turned_film_is_upright_and_a_wide_one_narrower(film):
    wide = np.full((len(SECONDS), 180, 1500, 3), 128, np.uint8)
    assert read(film("turned.mp4", rotation=90))[1][0].shape == (160, 120, 3)
    assert read(film("wide.mp4", wide))[1][0].shape[1] == 1280


def test_without_faces_to_look_for_what_is_said_stands_in_the_corner(film):
    _, frames = read(film(faces=False))
    assert all(list_marked(frames))
    assert not any(list_marked([frame[80:, 100:] for frame in frames]))


@pytest.mark.parametrize("name", ["film.mp4", "film.ts", "film.mkv"])  # of AAC twice, and FLAC
def test_sound_is_kept(film, name):
    path = film(name, audio=Sound(tone(0.9, 16_000), 16_000))
    with av.open(path) as container:
        heard = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
        assert container.streams.audio[0].codec_context.name == "aac"
        assert container.streams.audio[0].rate == 16_000
    assert len(heard) == pytest.approx(0.9 * 16_000, abs=2_100)
    assert np.abs(heard).max() == pytest.approx(0.5, abs=0.1)


def test_a_film_that_stalls_its_process_is_told_of_and_leaves_nothing(film, tmp_path, monkeypatch):
    monkeypatch.setattr(films, "MINUTE_SECONDS", 0.0)
    with pytest.raises(MediaError, match=r"^timeout: "):
        film()
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_a_film_that_cannot_be_made_is_told_of_and_others_are_written(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"nothing that is a film")
    broken = Told(replace(CLIP, path=str(tmp_path / "a.mp4")), [], [], None)
    (lost,) = write_annotations([broken], [], tmp_path / "out" / "head", ["mp4", "eaf"])
    assert lost.startswith("no_mp4: unreadable: ")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["head.eaf"]
