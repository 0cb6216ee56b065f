import shutil
import struct
from dataclasses import replace

import numpy as np
import pytest

from pipeline.cleaning.alikes import find_doubles
from pipeline.cleaning.params import CleanParams
from pipeline.cleaning.sound import PROVENANCE, clean_corpus, decode_clip
from pipeline.errors import CorpusError, MoodlineError
from pipeline.labels.clips import CLEAN_SCHEMA, NO_MEDIA, Clip, read_clips
from pipeline.media.audio import decode_audio
from pipeline.store.ledger import read_ledger
from pipeline.store.reader import open_media
from tests.makers import (
    Coding,
    Sound,
    grey_frames,
    list_parts,
    make_clips,
    project_values,
    tone,
    write_audio,
    write_video,
)

HZ = 16_000
PARAMS = CleanParams(workers=1, allowed_share=0.5, min_seconds=0.4)


def sound(seconds, level=0.5, start_seconds=0.0):
    return Sound(tone(seconds, HZ, level=level), HZ, start_seconds)


def write_corpus(folder):
    """Clip name → file, one for each way a clip can be."""
    folder.mkdir()
    (folder / "empty.mp4").touch()
    return {
        "brief": write_audio(folder / "brief.wav", sound(0.3)),
        "empty": folder / "empty.mp4",
        "gone": folder / "gone.mp4",
        "late": write_video(
            folder / "late.mkv", grey_frames(25), audio=sound(0.5, start_seconds=0.5)
        ),
        "mute": write_video(folder / "mute.mkv", grey_frames(25)),
        "plain": write_video(folder / "plain.mkv", grey_frames(25), audio=sound(1.0)),
        "quiet": write_audio(folder / "quiet.wav", sound(1.0, level=0.004)),
        "silent": write_audio(folder / "silent.wav", sound(1.0, level=0.0)),
    }


class Project:
    """A corpus cleaned into `out`, by way of a work store of its own."""

    def __init__(self, root):
        self.root = root
        self.paths = write_corpus(root / "corpus")

    def clean(self, out="out", names=None, params=PARAMS, kept=frozenset()):
        chosen = {name: self.paths[name] for name in names or self.paths}
        clean_corpus(make_clips(chosen), params, kept, self.root / out, self.root / "work")
        return self.root / out

    def parts(self):
        return list_parts(self.root / "work")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("project"))
    project.clean()
    return project


def remarks(path):
    return {(entry.clip_id, entry.status, entry.reason) for entry in read_ledger(path)}


def test_what_cannot_be_used_is_left_out_with_its_reason(project):
    assert remarks(project.root / "out" / "clips" / "ledger.parquet") == {
        ("brief", "left_out", "too_short"),
        ("empty", "left_out", "empty_file"),
        ("gone", "left_out", "missing"),
        ("quiet", "marked", "alike"),  # the tone of `plain`
    }


def test_sound_that_is_absent_silent_quiet_or_short_is_told(project):
    assert remarks(project.root / "out" / "audio" / "ledger.parquet") == {
        ("late", "marked", "short_sound"),
        ("mute", "absent", "no_audio"),
        ("quiet", "marked", "quiet"),
        ("silent", "left_out", "silent"),
    }


def test_the_usable_clips_carry_what_their_media_are(project):
    clips = read_clips(project.root / "out" / "clips" / "clips.parquet", CLEAN_SCHEMA)
    found = {clip.clip_id: (clip.fps, clip.duration_seconds, clip.audio_hz) for clip in clips}
    assert found == {
        "late": (25.0, pytest.approx(1.0, abs=0.01), HZ),
        "mute": (25.0, pytest.approx(1.0, abs=0.01), None),
        "plain": (25.0, pytest.approx(1.0, abs=0.01), HZ),
        "quiet": (None, 1.0, HZ),
        "silent": (None, 1.0, HZ),
    }


def test_sound_exists_for_exactly_the_clips_that_have_some(project):
    store = open_media(project.root / "out" / "audio")
    assert {name for name in store.index.clip_ids if store.has_rows(name)} == {
        "late",
        "plain",
        "quiet",
    }
    assert len(store) == 5


def test_a_second_run_decodes_nothing(project):
    before = project.parts()
    project.clean("again")
    assert project.parts() == before


def test_thresholds_are_judged_without_decoding(project):
    before = project.parts()
    out = project.clean("strict", params=PARAMS.model_copy(update={"quiet_dbfs": -5.0}))
    assert ("plain", "marked", "quiet") in remarks(out / "audio" / "ledger.parquet")
    assert project.parts() == before


def test_a_clip_with_two_faults_has_both_in_the_ledger(project):
    out = project.clean("both", params=PARAMS.model_copy(update={"quiet_dbfs": -5.0}))
    told = remarks(out / "audio" / "ledger.parquet")
    assert {reason for name, _, reason in told if name == "late"} == {"quiet", "short_sound"}


def test_a_kept_clip_may_be_too_short(project):
    out = project.clean("kept", kept=frozenset({"brief"}))
    clips = read_clips(out / "clips" / "clips.parquet", CLEAN_SCHEMA)
    assert "brief" in {clip.clip_id for clip in clips}


def test_a_clip_added_costs_only_itself(project):
    before = project.parts()
    project.paths["added"] = write_audio(project.root / "corpus" / "added.wav", sound(0.7))
    project.clean("more")
    made = [clips for name, clips in project.parts().items() if name not in before]
    assert made == [{"added"}, {"added"}]  # its sound, and what was found beside it
    del project.paths["added"]


def test_more_left_out_than_allowed_stops_the_stage(project):
    with pytest.raises(
        MoodlineError,
        match=r"clean: expected at most a share of 0.1 left out, got 3 of 8 clips "
        r"\(empty_file 1, missing 1, too_short 1; first brief: 0.300 s, .*`allowed_share`",
    ):
        project.clean("refused", params=PARAMS.model_copy(update={"allowed_share": 0.1}))
    assert not (project.root / "refused").exists()


def test_a_corpus_of_nothing_usable_says_what_is_wrong_with_it(project):
    with pytest.raises(CorpusError, match=r"got none of 2 \(empty_file 1, missing 1; first empty"):
        project.clean(
            "none", ["empty", "gone"], params=PARAMS.model_copy(update={"allowed_share": 1.0})
        )


def test_a_clip_that_took_too_long_is_tried_again(tmp_path):
    project, params = Project(tmp_path), PARAMS.model_copy(update={"limit_seconds": 1e-6})
    project.paths["plain"] = write_audio(tmp_path / "long.flac", sound(97.0))
    with pytest.raises(MoodlineError, match="timeout 1"):
        project.clean(names=["plain"], params=params)
    assert not project.parts()
    assert open_media(project.clean(names=["plain"]) / "audio").has_rows("plain")


def test_a_stretch_after_the_sound_has_ended_keeps_its_pictures(tmp_path):
    path = write_video(tmp_path / "a.mkv", grey_frames(50), audio=sound(0.5))
    clip = Clip(clip_id="a", corpus="toy", path=str(path), start_seconds=1.0, end_seconds=1.8)
    made = decode_clip(clip, PARAMS).sound
    assert (made.status, made.reason) == ("absent", "no_audio")
    assert made.facts["duration_seconds"] == pytest.approx(0.8)


def test_packed_sound_is_the_sound_in_16_bits(project):
    (row,) = open_media(project.root / "out" / "audio")["plain"].to_pylist()
    assert (row["hz"], row["samples"]) == (HZ, HZ)
    (project.root / "plain.flac").write_bytes(row["flac"])
    np.testing.assert_allclose(
        decode_audio(project.root / "plain.flac"), tone(1.0, HZ)[0], atol=1 / 32768
    )


def test_sound_changes_only_with_the_version(tmp_path):
    times = np.arange(2 * 44_100) / 44_100
    chirp = 0.3 * np.sin(2 * np.pi * (200 + 900 * times) * times)
    path = write_audio(tmp_path / "a.wav", Sound(np.stack([chirp, chirp[::-1]]), 44_100))
    clip = Clip(clip_id="a", corpus="toy", path=str(path), start_seconds=0.31, end_seconds=1.73)
    made = decode_clip(clip, PARAMS).sound
    (row,) = made.content.to_pylist()
    (tmp_path / "a.flac").write_bytes(row["flac"])
    assert PROVENANCE.settings["version"] == 4
    assert project_values(decode_audio(tmp_path / "a.flac")) == pytest.approx(
        [22.4931, -0.43368, -0.00491], rel=1e-4, abs=1e-3
    )
    assert {**made.facts, "loudness_dbfs": None} == {
        "fps": None,
        "duration_seconds": pytest.approx(1.42),
        "audio_hz": 44_100,
        "loudness_dbfs": None,
        "sound_seconds": pytest.approx(1.42),
        "clipped_share": 0.0,
    }
    assert made.facts["loudness_dbfs"] == pytest.approx(-16.523, abs=1e-3)


def test_words_alone_stay_whatever_is_asked_of_media(tmp_path):
    clips = [
        Clip(clip_id="a", corpus="toy", path=NO_MEDIA, transcript="Well"),
        Clip(clip_id="b", corpus="toy", path=NO_MEDIA, start_seconds=3.0, end_seconds=5.5),
    ]
    clean_corpus(clips, CleanParams(min_seconds=2.0), frozenset(), tmp_path / "out", tmp_path / "w")
    cleaned = read_clips(tmp_path / "out/clips/clips.parquet", CLEAN_SCHEMA)
    assert [clip.duration_seconds for clip in cleaned] == [1.0, 2.5]
    assert all(clip.cleaned and clip.fps is None for clip in cleaned)
    assert remarks(tmp_path / "out/audio/ledger.parquet") == {
        ("a", "absent", "no_media"),
        ("b", "absent", "no_media"),
    }


def test_what_cannot_be_read_on_disk_costs_its_clip_alone(project, tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    paths = {"folder": tmp_path / "folder.mp4", "plain": project.paths["plain"]}
    clean_corpus(make_clips(paths), PARAMS, frozenset(), tmp_path / "out", tmp_path / "work")
    told = remarks(tmp_path / "out" / "clips" / "ledger.parquet")
    assert told == {("folder", "left_out", "unreadable")}


def test_the_same_content_under_two_ids_is_marked(project, tmp_path):
    paths = dict(project.paths)
    copied = shutil.copy(paths["plain"], tmp_path / "copy.mkv")
    clips = make_clips({"plain": paths["plain"], "twin": str(copied), "late": paths["late"]})
    clean_corpus(clips, PARAMS, frozenset(), tmp_path / "out", tmp_path / "work")
    told = {("twin", "marked", "doubled")}
    assert told <= remarks(tmp_path / "out" / "clips" / "ledger.parquet")
    plain = replace(clips[0], media_digest="d")
    digested = [replace(plain, start_seconds=0.0, end_seconds=end) for end in (0.5, 0.6)]
    assert find_doubles(digested) == []
    assert find_doubles([replace(clip, path="") for clip in clips]) == []


def test_a_rate_and_a_length_that_no_stage_would_read_are_a_row_of_the_ledger(tmp_path):
    film = tmp_path / "film.avi"
    write_video(film, grey_frames(25), audio=sound(1.0), coding=Coding("rawvideo"))
    slow, fast = (struct.pack("<II", 1, rate) for rate in (600, 1_500_000_000))
    film.write_bytes(film.read_bytes().replace(slow, fast))
    plain = write_audio(tmp_path / "plain.wav", sound(1.0))
    words = Clip(clip_id="w", corpus="toy", path=NO_MEDIA, start_seconds=0, end_seconds=1e12)
    clips = [*make_clips({"film": film, "plain": plain}), words]
    params = PARAMS.model_copy(update={"allowed_share": 1.0})
    clean_corpus(clips, params, frozenset({"film", "w"}), tmp_path / "out", tmp_path / "work")
    left = {(name, "left_out", "undecodable") for name in ("film", "w")}
    assert left <= remarks(tmp_path / "out" / "clips" / "ledger.parquet")
    (clip,) = read_clips(tmp_path / "out" / "clips" / "clips.parquet", CLEAN_SCHEMA)
    assert clip.clip_id == "plain"
