"""Clips of nearly the same content: found however coded, loud or large; others are not."""

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.cleaning.alikes import Alike, count_across, find_alikes, read_alikes
from pipeline.cleaning.findings import read_print
from pipeline.cleaning.neighbours import find_neighbours
from pipeline.cleaning.params import CleanParams
from pipeline.cleaning.prints import Print, print_pictures, print_sound
from pipeline.cleaning.sound import decode_clip
from pipeline.errors import StoreError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import Clip
from tests.cleaning.cleaned import clean_files, list_kept, tell
from tests.makers import Coding, Sound, make_clips, write_audio, write_video

HZ = 16_000


def say(voice, seconds=2.3, words=5):
    """Something like speech, `(1, samples)`: the same syllables for each voice."""
    times = np.arange(round(seconds * HZ)) / HZ
    pitch = 110 * (1 + 0.4 * voice) * (1 + 0.1 * np.sin(2 * np.pi * (0.7 + 0.2 * voice) * times))
    phase = 2 * np.pi * np.cumsum(pitch) / HZ
    formants = np.random.default_rng(words).uniform(300, 2400, (12, 3)) * (1 + 0.15 * voice)
    syllable = (times * 5).astype(int) % 12
    tones = [
        np.sin(n * phase) / (1 + np.square((formants[syllable] - n * pitch[:, None]) / 150)).min(1)
        for n in range(1, 17)
    ]
    said = np.sum(tones, axis=0) * np.abs(np.sin(np.pi * 5 * times)) ** 0.5
    breath = np.random.default_rng(100 + voice).normal(0, 0.02, len(times))
    return (0.5 * (said / np.abs(said).max() + breath))[None]


def paint(seed, side=64):
    """A picture of some blobs, RGB."""
    coarse = np.random.default_rng(seed).integers(0, 256, (13, 13, 3), np.uint8)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)


def film(seed, count=50, side=64):
    return [paint(100 * seed + n // 25, side) for n in range(count)]


def find(tmp_path, paths, **options):
    """(clip, other, by) of the clips alike."""
    out = clean_files(tmp_path, paths, **options)
    found = read_alikes(out / "clips" / "alikes.parquet")
    return {(alike.clip_id, alike.other_id, alike.by) for alike in found}


def test_the_same_sound_in_another_codec_rate_and_loudness_is_found(tmp_path):
    said = say(0)
    paths = {
        "a": write_audio(tmp_path / "a.wav", Sound(said, HZ)),
        "b": write_audio(tmp_path / "b.mp3", Sound(0.2 * said, HZ)),
        "c": write_audio(tmp_path / "c.m4a", Sound(np.repeat(0.7 * said, 3, axis=1), 3 * HZ)),
    }
    assert find(tmp_path, paths) == {
        ("b", "a", "sound"), ("c", "a", "sound"), ("c", "b", "sound"),
    }  # fmt: skip
    assert {("b", "marked", "alike"), ("c", "marked", "alike")} <= tell(tmp_path / "out")


def test_another_speaker_of_the_same_words_and_other_words_are_not(tmp_path):
    heard = {"a": say(0), "b": say(1), "c": say(0, words=6), "d": say(2)}
    paths = {n: write_audio(tmp_path / f"{n}.wav", Sound(s, HZ)) for n, s in heard.items()}
    assert find(tmp_path, paths) == set()


def test_sound_that_begins_a_little_later_is_found_and_much_later_not(tmp_path):
    said = say(0)
    for late, found in ((200, True), (2400, False)):
        paths = {
            "a": write_audio(tmp_path / "a.wav", Sound(said, HZ)),
            "b": write_audio(tmp_path / f"{late}.wav", Sound(said[:, late:], HZ)),
        }
        assert bool(find(tmp_path, paths)) == found


def test_the_share_of_bits_is_the_threshold(tmp_path):
    paths = {
        "a": write_audio(tmp_path / "a.wav", Sound(say(0), HZ)),
        "b": write_audio(tmp_path / "b.mp3", Sound(say(0), HZ)),
    }
    clean_files(tmp_path, paths)
    (alike,) = read_alikes(tmp_path / "out" / "clips" / "alikes.parquet")
    assert 0.005 < alike.differing_share < 0.15
    assert find(tmp_path, paths, alike_sound=alike.differing_share + 1e-3)
    assert not find(tmp_path, paths, alike_sound=alike.differing_share - 1e-3)


@pytest.mark.parametrize("verdict", ["mark", "reject", "off"])
def test_the_later_of_two_alike_is_marked_rejected_or_let_be(tmp_path, verdict):
    paths = {
        "a": write_audio(tmp_path / "a.wav", Sound(say(0), HZ)),
        "b": write_audio(tmp_path / "b.wav", Sound(0.5 * say(0), HZ)),
        "c": write_audio(tmp_path / "c.wav", Sound(say(3), HZ)),
    }
    out = clean_files(tmp_path, paths, checks={"alike": verdict})
    entry = {"mark": {("b", "marked", "alike")}, "reject": {("b", "left_out", "alike")}, "off": ()}
    assert tell(out) == set(entry[verdict])
    assert list_kept(out) == (["a", "c"] if verdict == "reject" else ["a", "b", "c"])


def test_a_mute_film_at_another_size_and_quality_is_found_and_another_film_not(tmp_path):
    coding = Coding(options={"crf": "35", "g": "10"})
    paths = {
        "a": write_video(tmp_path / "a.mp4", film(1)),
        "b": write_video(tmp_path / "b.mkv", film(1, side=96), coding=coding),
        "c": write_video(tmp_path / "c.mp4", film(2)),
    }
    assert find(tmp_path, paths) == {("b", "a", "pictures")}


def test_a_picture_saved_anew_is_found_and_another_not(tmp_path):
    def save(name, image, **options):
        Image.fromarray(image).save(tmp_path / name, **options)
        return tmp_path / name

    darker = (0.8 * paint(1)).astype(np.uint8)
    paths = {
        "a": save("a.png", paint(1)),
        "b": save("b.jpg", cv2.resize(darker, (48, 48)), quality=60),
        "c": save("c.png", paint(2)),
    }
    assert find(tmp_path, paths) == {("b", "a", "pictures")}


def test_silence_and_plain_pictures_are_like_nothing(tmp_path):
    assert print_sound(np.zeros(HZ, np.float32)) is None
    assert print_pictures([np.full((48, 64, 3), 90, np.uint8)]) is None
    silence = Sound(np.zeros((1, HZ)), HZ)
    paths = {
        "a": write_audio(tmp_path / "a.wav", silence),
        "b": write_audio(tmp_path / "b.flac", silence),
    }
    assert find(tmp_path, paths) == set()


def test_two_stretches_of_one_file_are_not_alike():
    told = print_sound(say(0)[0].astype(np.float32))
    clips = [replace(clip, media_digest="d") for clip in make_clips({"a": "a", "b": "a"})]
    assert find_alikes(clips, {"a": told, "b": told}, CleanParams()) == []
    apart = [clips[0], replace(clips[1], media_digest="e")]
    assert find_alikes(apart, {"a": told, "b": told}, CleanParams()) == [
        Alike("b", "a", "sound", 0.0)
    ]


def test_gain_changes_no_bit():
    said = say(0)[0].astype(np.float32)
    loud, soft = print_sound(said), print_sound(said * np.float32(2**-5))
    np.testing.assert_array_equal(loud.bits[loud.valid], soft.bits[soft.valid])


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), many=st.integers(2, 40))
def test_what_is_found_differs_in_no_more_than_asked_for_and_copies_are_found(seed, many):
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, 256, (many, 23, 4), np.uint8)
    valid = np.ones(23, np.bool_)
    prints = [Print("sound", bits, valid) for bits in (*drawn, drawn[0])]
    found = {(pair.first, pair.second): pair.share for pair in find_neighbours(prints, 0.2)}
    assert found[0, many] == 0.0
    for (first, second), share in found.items():
        differing = np.unpackbits(prints[first].bits ^ prints[second].bits).mean()
        assert share == pytest.approx(differing)
        assert share <= 0.2


def test_many_copies_hang_together():
    bits = np.random.default_rng(0).integers(0, 256, (17, 4), np.uint8)
    found = find_neighbours([Print("sound", bits, np.ones(17, np.bool_))] * 500, 0.1)
    assert {(n, n + 1) for n in range(499)} <= {(pair.first, pair.second) for pair in found}
    assert len(found) < 2000


def test_prints_that_say_too_little_are_like_nothing():
    bits = np.random.default_rng(0).integers(0, 256, (9, 4), np.uint8)
    for units, found in ((7, 0), (8, 1)):
        valid = np.arange(9) < units
        assert len(find_neighbours([Print("sound", bits, valid)] * 2, 0.1)) == found


def test_a_print_in_a_store_is_what_was_printed_and_a_strangers_is_refused(tmp_path):
    path = write_audio(tmp_path / "a.wav", Sound(say(0), HZ))
    made = decode_clip(Clip(clip_id="a", corpus="toy", path=str(path)), CleanParams()).findings
    told = read_print(made.content)
    assert (told.kind, len(told.valid)) == ("sound", 23)
    with pytest.raises(StoreError, match="expected a print of sound or pictures, got 'smell'"):
        read_print(made.content.set_column(1, "kind", [["smell"]]).cast(made.content.schema))


def test_sides_that_clips_alike_stand_on_are_counted():
    sides = {"a": "train", "b": "test", "c": "val", "d": "train", "e": "test"}
    targets = [ClipLabels(clip_id=name, split=side) for name, side in sides.items()]
    alikes = [Alike("b", "a", "sound", 0.1), Alike("d", "c", "pictures"), Alike("d", "a", "bytes")]
    assert count_across(alikes, targets) == [
        "official: 1 of 1 clips in val are like clips in train",
        "official: 1 of 2 clips in test are like clips in train",
    ]
    assert count_across(alikes, [replace(target, split=None) for target in targets]) == []


def test_sides_of_folds_are_told_for_the_fold_where_most_are():
    targets = [ClipLabels(clip_id=f"{n}", fold=n % 3) for n in range(9)]
    alikes = [Alike(b, a, "sound") for a, b in pairwise("036")]
    assert count_across([*alikes, Alike("1", "0", "sound")], targets) == [
        "fold-2: 1 of 3 clips in val are like clips in train",
        "fold-1: 1 of 3 clips in test are like clips in train",
        "fold-0: 1 of 3 clips in test are like clips in val",
    ]
