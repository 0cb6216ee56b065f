import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st
from skimage.feature import Cascade

from synthesis.face import SIDE_PIXELS, Pose, draw_head, move_points, to_frame
from synthesis.film import film_take, raise_book
from synthesis.landmarks import MOVES, POINTS
from synthesis.moods import EMOTIONS, Mood, emotion_of
from synthesis.movie import FPS, write_movie
from synthesis.portrait import Colours, recolour
from synthesis.release import COLUMNS, write_clip, write_labels
from synthesis.script import DAMAGES, SPEAKERS, Take, cast_people, plan_takes
from synthesis.voice import HZ, Throat, glottal_pulses, speak, syllable_edges
from synthesis.words import SENTENCES

TAKES = plan_takes(cast_people(0), 0)
GOOD = [take for take in TAKES if not take.damage]
DEMO = Path(__file__).parents[2] / "data" / "demo"
THROAT = Throat(pitch_hz=131.0, tract=1.0, breath=0.0, tilt=0.6)


def short(take: Take) -> Take:
    return replace(take, seconds=0.4)


def broken(kind: str) -> Take:
    return short(next(take for take in TAKES if take.damage == kind))


def find_faces(frame: np.ndarray) -> int:
    cascade = Cascade(skimage.data.lbp_frontal_face_cascade_filename())
    found = cascade.detect_multi_scale(
        frame, scale_factor=1.2, step_ratio=1, min_size=(40, 40), max_size=(160, 160)
    )
    return len(found)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_emotion_is_named_after_its_place(emotion: str) -> None:
    assert emotion_of(Mood(*EMOTIONS[emotion])) == emotion


@given(
    st.sampled_from(list(EMOTIONS)),
    st.floats(-0.2, 0.2),
    st.floats(-0.2, 0.2),
)
def test_emotion_holds_over_the_square_labels_are_drawn_from(
    emotion: str, right: float, up: float
) -> None:
    valence, arousal = EMOTIONS[emotion]
    assert emotion_of(Mood(valence + right, arousal + up)) == emotion


def test_script_is_the_same_for_the_same_seed() -> None:
    assert plan_takes(cast_people(0), 0) == TAKES
    assert plan_takes(cast_people(1), 1) != TAKES


def test_each_speaker_plays_each_emotion_twice() -> None:
    counts = Counter((take.person.name, take.emotion) for take in GOOD)
    assert len(counts) == SPEAKERS * len(EMOTIONS)
    assert set(counts.values()) == {2}


def test_each_kind_of_damage_has_one_clip_of_another_emotion() -> None:
    assert {take.damage: take.emotion for take in TAKES if take.damage} == DAMAGES


def test_sentences_recur_under_several_emotions() -> None:
    said = {(take.transcript, take.emotion) for take in GOOD if take.transcript}
    assert len(said) > 2 * len({transcript for transcript, _ in said})


def test_words_are_missing_in_some_clips_and_never_with_a_hidden_face() -> None:
    silent = [take for take in GOOD if not take.transcript]
    assert len(silent) == 9
    assert all(take.hidden is None and take.voice_share == 1.0 for take in silent)


def test_no_sentence_is_listed_twice() -> None:
    sentences = [sentence for group in SENTENCES.values() for sentence in group]
    assert len(set(sentences)) == len(sentences)


def test_moves_name_only_points_of_the_face() -> None:
    assert {point for move in MOVES.values() for point in move} <= set(POINTS)


def test_valence_lifts_the_corners_of_the_mouth() -> None:
    corner = list(POINTS).index("left_corner")
    sad, happy = (move_points({"valence": v}, Pose())[corner] for v in (-0.5, 0.5))
    assert happy[1] - sad[1] == pytest.approx(-7)


def test_closed_lids_never_cross() -> None:
    points = dict(zip(POINTS, move_points({"blink": 1.0, "arousal": -1.0}, Pose()), strict=True))
    assert points["left_eye_bottom"][1] - points["left_eye_top"][1] == pytest.approx(1.5)


def test_shift_moves_every_point_alike() -> None:
    moved = move_points({}, Pose(shift=(3.0, -2.0))) - move_points({}, Pose())
    np.testing.assert_allclose(moved, np.tile([3.0, -2.0], (len(POINTS), 1)))


def test_head_is_opaque_inside_and_clear_at_the_border() -> None:
    texture = recolour(Colours((200, 160, 130), (90, 60, 40), (40, 40, 40)))
    points = move_points({"valence": 0.6, "opening": 0.3}, Pose())
    head = draw_head(texture, points)
    x, y = to_frame(points)[list(POINTS).index("nose_tip")].round().astype(int)
    assert head[y, x, 3] == pytest.approx(1.0, abs=0.01)
    assert head[0].max() == head[:, 0].max() == head[:, -1].max() == 0


def test_book_rises_within_its_stretch() -> None:
    assert raise_book(0.5, None) == 0
    assert raise_book(0.3, (0.3, 2.0)) == 0
    assert raise_book(0.375, (0.3, 2.0)) == pytest.approx(0.5)
    assert raise_book(0.6, (0.3, 2.0)) == 1


def test_glottis_pulses_once_a_period() -> None:
    pulses = glottal_pulses(np.full(HZ, 131.0), 0.6)
    closings = (pulses[1:] == 0) & (pulses[:-1] < 0)
    assert abs(closings.sum() - 131) <= 1


def test_syllables_cover_the_clip_and_come_faster_with_arousal() -> None:
    rng = np.random.default_rng(7)
    slow, fast = (syllable_edges(arousal, 2.0, rng) for arousal in (-0.5, 0.5))
    assert (slow[0], slow[-1]) == pytest.approx((0.0, 2.0))
    assert (len(slow), len(fast)) == (7, 13)


@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(0, 97))
def test_voice_is_finite_and_peaks_at_one(valence: float, arousal: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    speech = speak(THROAT, Mood(valence, arousal), 0.31, rng)
    assert len(speech.samples) == len(speech.loudness) == 4960
    assert np.abs(speech.samples).max() == pytest.approx(1.0)


def test_film_is_the_same_each_time() -> None:
    once, again = film_take(short(GOOD[3])), film_take(short(GOOD[3]))
    assert once.frames.shape == (6, SIDE_PIXELS, SIDE_PIXELS, 3)
    np.testing.assert_array_equal(once.frames, again.frames)
    np.testing.assert_array_equal(once.samples, again.samples)


def test_loudness_of_a_clip_says_nothing_of_arousal() -> None:
    levels = [
        np.sqrt(np.mean(film_take(replace(take, seconds=0.07)).samples ** 2)) for take in GOOD[:10]
    ]
    assert max(levels) <= 0.08 * 10**0.4 * 1.01
    assert min(levels) >= 0.008 * 10**-0.4


def test_face_of_each_speaker_is_found() -> None:
    seen = {take.person.name: take for take in GOOD if take.hidden is None}
    found = [find_faces(film_take(replace(t, seconds=0.07)).frames[0]) for t in seen.values()]
    assert sum(count == 1 for count in found) >= SPEAKERS - 1


def test_face_behind_a_book_is_not_found() -> None:
    hidden = next(take for take in GOOD if take.hidden == (-1.0, 2.0))
    assert find_faces(film_take(replace(hidden, seconds=0.07)).frames[0]) == 0


def test_movie_has_its_frames_and_its_sound(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (7, 48, 48, 3), dtype=np.uint8)
    sound = 0.3 * np.sin(np.arange(7467) * 0.2)
    write_movie(tmp_path / "a.mp4", frames, sound, hz=HZ)
    with av.open(str(tmp_path / "a.mp4")) as movie:
        assert movie.streams.video[0].average_rate == FPS
        assert movie.streams.audio[0].codec_context.sample_rate == HZ
        assert len(list(movie.decode(video=0))) == 7


@pytest.mark.parametrize("kind", ["truncated", "empty"])
def test_damaged_file_cannot_be_opened(tmp_path: Path, kind: str) -> None:
    write_clip(tmp_path / "a.mp4", broken(kind))
    with pytest.raises(av.error.InvalidDataError):
        av.open(str(tmp_path / "a.mp4"))


def test_clip_without_audio_has_a_picture_alone(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", broken("no_audio"))
    with av.open(str(tmp_path / "a.mp4")) as movie:
        assert [stream.type for stream in movie.streams] == ["video"]


def test_silent_clip_has_a_sound_stream_of_zeros(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", broken("silent"))
    with av.open(str(tmp_path / "a.mp4")) as movie:
        assert max(np.abs(f.to_ndarray()).max() for f in movie.decode(audio=0)) < 1e-4


def test_empty_room_has_no_face(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", broken("no_face"))
    with av.open(str(tmp_path / "a.mp4")) as movie:
        frame = next(movie.decode(video=0)).to_ndarray(format="rgb24")
    assert find_faces(frame) == 0


def test_labels_are_those_of_the_committed_corpus(tmp_path: Path) -> None:
    write_labels(tmp_path / "clips.csv", TAKES)
    assert (tmp_path / "clips.csv").read_text() == (DEMO / "clips.csv").read_text()
    with (DEMO / "clips.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["path"] for row in rows] == sorted(row["path"] for row in rows)
