"""What is strange about a file: found, just beyond its threshold and not just below it."""

import numpy as np
import pytest

from pipeline.cleaning.params import CleanParams
from pipeline.cleaning.sound import decode_clip
from pipeline.labels.clips import Clip
from tests.cleaning.cleaned import clean_files, list_kept, tell
from tests.makers import Sound, grey_frames, tone, write_audio, write_video

HZ = 16_000


def set_back(path, tag, milliseconds):
    """Put one tag of an FLV file, counted from 0, so much earlier."""
    data, place = bytearray(path.read_bytes()), 13
    for _ in range(tag):
        place += 15 + int.from_bytes(data[place + 1 : place + 4], "big")
    time = int.from_bytes(data[place + 4 : place + 7], "big") - milliseconds
    data[place + 4 : place + 7] = time.to_bytes(3, "big")
    path.write_bytes(data)
    return path


def cut_off(share):
    """A second of a tone, of which a share of the samples is as loud as can be."""
    samples = tone(1.0, HZ, level=0.3)
    samples[0, : round(share * HZ)] = 1.0
    return Sound(samples, HZ)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Word of a check → a file that has it; all are decoded once, into a work store beside them."""
    folder = tmp_path_factory.mktemp("files")
    film = write_video(folder / "film.mkv", grey_frames(25), audio=Sound(tone(1.0, HZ), HZ))
    (folder / "film.mp4").write_bytes(film.read_bytes())
    return {
        "wrong_extension": folder / "film.mp4",
        "backwards": set_back(write_video(folder / "back.flv", grey_frames(25)), 12, 70),
        "lengths_apart": write_video(
            folder / "apart.mkv", grey_frames(50), audio=Sound(tone(1.2, HZ), HZ)
        ),
        "clipped": write_audio(folder / "loud.wav", cut_off(0.02)),
        "quiet": write_audio(folder / "quiet.wav", Sound(tone(1.0, HZ, level=0.1), HZ)),
        "short_sound": write_audio(
            folder / "short.wav",
            Sound(np.concatenate([tone(1.0, HZ), np.zeros((1, HZ // 4))], axis=1), HZ),
        ),
    }


THRESHOLDS = {
    "backwards": ({"back_seconds": 0.029}, {"back_seconds": 0.031}),
    "lengths_apart": ({"apart_seconds": 0.79}, {"apart_seconds": 0.81}),
    "clipped": ({"clipped_share": 0.0199}, {"clipped_share": 0.0201}),
    "quiet": ({"quiet_dbfs": -23.0}, {"quiet_dbfs": -23.1}),
    "short_sound": ({"sound_share": 0.81}, {"sound_share": 0.79}),
}
"""Word → thresholds of which the first finds the file, and the second does not."""


@pytest.mark.parametrize("word", THRESHOLDS)
def test_a_file_is_told_just_beyond_the_threshold_alone(files, word):
    beyond, below = THRESHOLDS[word]
    found = tell(clean_files(files[word].parent, {"a": files[word]}, **beyond), [word])
    assert found == {("a", "marked", word)}
    assert not tell(clean_files(files[word].parent, {"a": files[word]}, **below), [word])


def test_lengths_are_apart_by_seconds_and_by_a_share_of_the_longer(files):
    path, word = files["lengths_apart"], ["lengths_apart"]
    for share, told in ((0.39, True), (0.41, False)):
        out = clean_files(path.parent, {"a": path}, apart_seconds=0.1, apart_share=share)
        assert bool(tell(out, word)) == told


def test_a_film_under_the_name_of_another_format_is_told_and_under_its_own_not(files, tmp_path):
    paths = {"a": files["wrong_extension"], "b": files["lengths_apart"]}
    assert tell(clean_files(tmp_path, paths), ["wrong_extension"]) == {
        ("a", "marked", "wrong_extension")
    }


def test_the_same_bytes_under_another_name_are_decoded_once(files, tmp_path):
    clean_files(tmp_path, {"a": files["wrong_extension"]})
    before = sorted((tmp_path / "work").rglob("*.parquet/*"))
    paths = {"a": files["wrong_extension"].with_suffix(".mkv").with_stem("film")}
    assert not tell(clean_files(tmp_path, paths), ["wrong_extension"])
    assert sorted((tmp_path / "work").rglob("*.parquet/*")) == before


@pytest.mark.parametrize("word", ["wrong_extension", *THRESHOLDS])
def test_a_check_may_reject_or_be_off_and_a_person_may_keep(files, word):
    beyond = THRESHOLDS.get(word, ({},))[0]
    paths = {"a": files[word], "b": files["lengths_apart" if word == "quiet" else "quiet"]}
    out = clean_files(files[word].parent, paths, checks={word: "reject"}, **beyond)
    assert tell(out, [word]) == {("a", "left_out", word)}
    assert list_kept(out) == ["b"]
    kept = clean_files(
        files[word].parent, paths, frozenset({"a"}), checks={word: "reject"}, **beyond
    )
    assert tell(kept, [word]) == {("a", "marked", word)}
    off = clean_files(files[word].parent, paths, checks={word: "off"}, **beyond)
    assert not tell(off, [word])
    assert list_kept(off) == ["a", "b"]


def test_a_stretch_has_the_tracks_that_lie_in_it(files):
    clip = Clip(
        clip_id="a",
        corpus="toy",
        path=str(files["lengths_apart"]),
        start_seconds=0.5,
        end_seconds=1.5,
    )
    facts = decode_clip(clip, CleanParams()).findings.facts
    assert facts["sound_track_seconds"] == pytest.approx(0.7, abs=0.01)
    assert facts["picture_track_seconds"] == pytest.approx(1.0, abs=0.01)


def test_a_tape_that_begins_anew_is_joined_and_does_not_go_backwards(tmp_path):
    parts = [
        write_video(tmp_path / f"{n}.ts", grey_frames(25), audio=Sound(tone(1.0, 48_000), 48_000))
        for n in range(2)
    ]
    tape = tmp_path / "tape.ts"
    tape.write_bytes(b"".join(part.read_bytes() for part in parts))
    found = tell(clean_files(tmp_path, {"a": tape}), ["joined", "backwards"])
    assert found == {("a", "marked", "joined")}


def test_text_called_a_film_is_unreadable(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_text("Dear diary,\n" * 1000)
    out = clean_files(
        tmp_path, {"a": path, "b": write_audio(tmp_path / "b.wav", Sound(tone(1.0, HZ), HZ))}
    )
    assert tell(out) == {("a", "left_out", "unreadable")}
