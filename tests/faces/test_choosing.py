import numpy as np
import pytest

from pipeline.faces.choosing import People, Sound, choose_tracks, measure_speech
from pipeline.faces.contract import Faces
from pipeline.faces.params import EVERYONE
from pipeline.faces.tracks import Tracker
from tests.faces.sightings import faces_at, frame_at

HZ = 1000


def gather(frames, images=None, *, watch_mouths=False):
    """Tracks of `frames`, each a `Faces`."""
    people, tracker = People(watch_mouths=watch_mouths), Tracker(0.0)
    for index, faces in enumerate(frames):
        frame = frame_at(index, hz=25) if images is None else frame_at(index, 25, images[index])
        for seen in tracker.add(frame, faces):
            people.add(seen)
    for seen in tracker.end():
        people.add(seen)
    return people.tracks


def join(*faces):
    parts = [(each.boxes, each.scores, each.landmarks) for each in faces]
    return Faces(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


SMALL_LEFT, LARGE_RIGHT, MIDDLE = faces_at(10, side=20), faces_at(120, side=60), faces_at(90)


def test_everyone_is_all_tracks():
    assert choose_tracks(gather([join(SMALL_LEFT, LARGE_RIGHT)]), EVERYONE) == {0, 1}


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [("largest", 1), ("longest", 0), ("left", 0), ("right", 1), ("centre", 2), ("speaker", 1)],
)
def test_each_choice_names_another_person(choice, chosen):
    frames = [join(SMALL_LEFT, LARGE_RIGHT, MIDDLE)] * 3 + [SMALL_LEFT] * 2
    assert choose_tracks(gather(frames), choice) == {chosen}


def test_nobody_is_chosen_where_nobody_is():
    assert choose_tracks(gather([faces_at()] * 3), "largest") == frozenset()


def test_who_is_alone_later_is_the_same_person_and_nobody_is_among_several():
    frames = [faces_at(0)] * 4 + [faces_at()] * 9 + [faces_at(70)] * 3
    assert choose_tracks(gather(frames), "largest") == {0, 1}
    frames[14] = faces_at(70, 130)
    assert choose_tracks(gather(frames), "largest") == {0}


def test_a_passer_by_is_not_chosen_by_place():
    frames = [faces_at(50)] * 11 + [faces_at(50, 0)] + [faces_at(50)] * 9
    assert choose_tracks(gather(frames), "left") == {0}


def draw_mouths(opened):
    """Frames of two faces whose mouths are as far open as the two rows of `opened` say."""
    images = []
    for shares in zip(*opened, strict=True):
        image = np.full((100, 200, 3), 150, np.uint8)
        image[::7] = 130
        for left, share in zip((10, 120), shares, strict=True):
            image[70 : 70 + round(14 * share), left + 20 : left + 40] = 0
        images.append(image)
    return images


def test_the_speaker_is_whose_mouth_moves_with_the_voice():
    rng = np.random.default_rng(3)
    loud = np.repeat(rng.integers(0, 2, 12), 6)
    talks = loud * rng.uniform(0, 1, len(loud))
    chews = rng.uniform(0, 1, len(loud))
    sound = np.repeat(loud, HZ // 25) * rng.uniform(-1, 1, len(loud) * HZ // 25)
    frames = [join(faces_at(10, side=60), faces_at(120, side=60))] * len(loud)
    for opened, speaker in (((talks, chews), 0), ((chews, talks), 1)):
        tracks = gather(frames, draw_mouths(opened), watch_mouths=True)
        assert choose_tracks(tracks, "speaker", Sound(sound, HZ)) == {speaker}


def test_silence_and_still_mouths_say_nothing():
    tracks = gather([faces_at(10, side=60)] * 9, watch_mouths=True)
    assert measure_speech(tracks[0], Sound(np.zeros(HZ), HZ)) == 0
    assert measure_speech(tracks[0], Sound(np.random.default_rng(0).normal(size=HZ), HZ)) == 0
