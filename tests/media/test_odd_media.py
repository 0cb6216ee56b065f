"""Files that real tools and real mishaps made; the table beside them says what is right."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from pipeline.cleaning.params import CleanParams
from pipeline.cleaning.sound import clean_corpus, decode_clip
from pipeline.engines import LOCAL, run_clips
from pipeline.errors import MediaError
from pipeline.labels.clips import Clip
from pipeline.media import streams
from pipeline.media.audio import decode_audio, read_recording
from pipeline.media.sampling import Sampling
from pipeline.media.timeline import survey_timeline
from pipeline.media.video import read_frames
from pipeline.store.ledger import read_ledger
from tests.makers import make_clips
from tests.media.reading import read_all
from tests.media.sync import find_beeps, find_flashes


@dataclass(frozen=True)
class Right:
    """What is right of a file: seconds of sound (None without), frames, words in the ledger."""

    sound: float | None
    frames: int
    marks: frozenset[str] = frozenset()


TABLE = {
    "wall.mp4": Right(3.008, 75, frozenset({"tracks_apart"})),
    "h11.mp4": Right(3.008, 75, frozenset({"tracks_apart"})),
    "jump.ts": Right(8.06, 200, frozenset({"joined"})),
    "twice.ts": Right(8.06, 200, frozenset({"joined"})),
    "chained.ogg": Right(8.00, 0, frozenset({"joined"})),
    "nine.wav": Right(2.0, 0),
    "apac_second_default.mp4": Right(4.01, 100),
    "late_noflag.flv": Right(12.02, 300, frozenset({"lengths_apart"})),
    "loss.mkv": Right(4.03, 100),
    "base.vob": Right(3.904, 100),
    "still_first.mp4": Right(2.012, 30),
    "big.wav": Right(2.0, 0, frozenset({"clipped"})),
    "nan10.wav": Right(2.0, 0, frozenset({"not_finite"})),
    "subs.mkv": Right(2.11, 30),
    "vbr.mp3": Right(60.03, 0),
    "base.wmv": Right(4.04, 100),
    "adpcm_48k.wav": Right(4.04, 0),
    "ogv.ogv": Right(4.0, 10),
    "face.ogv": Right(None, 30),
    "apac_only.mp4": Right(None, 100),
}


def clean(paths, folder):
    """Reasons and details in the ledgers of `clean` by clip; every clip of `paths` may fail."""
    params = CleanParams(workers=1, allowed_share=1.0, limit_seconds=60)
    clean_corpus(make_clips(paths), params, frozenset(), folder / "out", folder / "work")
    ledgers = [folder / "out" / name / "ledger.parquet" for name in ("clips", "audio")]
    found = {name: {} for name in paths}
    for entry in (entry for ledger in ledgers for entry in read_ledger(ledger)):
        found[entry.clip_id][entry.reason] = entry.detail
    return found


def read_to_end(path):
    """Why the pictures of a file end early, None where they do not."""
    try:
        assert all(frame.image.size for frame in read_frames(path, Sampling()))
    except MediaError as error:
        return error.reason
    return None


@pytest.fixture(scope="module")
def ledger(real_data, tmp_path_factory):
    """What `clean` says of each file."""
    folder = real_data("odd_media")
    files = [path for path in folder.iterdir() if path.suffix not in (".md", ".csv", "")]
    return clean({path.name: path for path in files}, tmp_path_factory.mktemp("clean"))


def test_a_stream_that_begins_late_is_found_though_no_packet_tells_of_it(real_data, monkeypatch):
    def look_away(container):
        return replace(survey_timeline(container), unannounced=False)

    monkeypatch.setattr(streams, "survey_timeline", look_away)
    found = streams._survey_media(real_data("odd_media") / "late_noflag.flv")
    assert dict(found.options) == streams.DEEP_PROBE
    assert not streams._survey_media(real_data("odd_media") / "jump.ts").options


@pytest.mark.parametrize("name", TABLE)
def test_sound_and_frames_are_all_there(real_data, name):
    path, right = real_data("odd_media") / name, TABLE[name]
    if right.sound is None:
        with pytest.raises(MediaError, match="no_audio"):
            decode_audio(path)
    else:
        assert len(decode_audio(path)) / 16_000 == pytest.approx(right.sound, abs=0.011)
    if right.frames:
        assert sum(1 for _ in read_frames(path, Sampling())) == right.frames


@pytest.mark.parametrize("name", TABLE)
def test_the_ledger_says_what_was_mended(ledger, name):
    assert TABLE[name].marks == ledger[name].keys() - {
        "no_audio", "no_decoder", "short_sound", "alike",
    }  # fmt: skip


def test_the_ledger_says_what_cannot_be_had(ledger):
    assert "expected 4.00 seconds as its header says, got 1.56" in ledger["trunc.wav"]["truncated"]
    assert "got apac; convert" in ledger["apac_only.mp4"]["no_decoder"]
    assert ledger["big.wav"]["clipped"].startswith("99.")
    assert "no_audio" in ledger["face.ogv"]


def test_lengths_are_those_of_what_is_shown_and_heard(real_data):
    folder = real_data("odd_media")
    lengths = {
        "subs.mkv": 2.11,
        "vbr.mp3": 60.03,
        "twice.ts": 8.06,
        "wall.mp4": 3.0,
        "h11.mp4": 3.0,
    }
    for name, seconds in lengths.items():
        clip = Clip(clip_id=name, corpus="toy", path=str(folder / name))
        made = decode_clip(clip, CleanParams()).sound
        assert made.facts["duration_seconds"] == pytest.approx(seconds, abs=0.02)


def test_a_film_without_an_average_rate_has_the_rate_of_its_times(real_data):
    path = real_data("odd_media") / "face.ogv"
    clip = Clip(clip_id="a", corpus="toy", path=str(path))
    assert decode_clip(clip, CleanParams()).sound.facts["fps"] == 15.0


SYNCED = ("base.vob", "base.wmv", "jump.ts", "loss.mkv", "ogv.ogv", "twice.ts")


@pytest.mark.parametrize("name", SYNCED)
@pytest.mark.parametrize("stretch", [(None, None), (1.5, 3.0), (1.9, 2.5)])
def test_flash_and_beep_are_within_twenty_milliseconds(real_data, name, stretch):
    path = real_data("odd_media") / name
    begin, end = stretch
    (flash, *_), (beep, *_) = find_flashes(path, begin, end), find_beeps(path, begin, end)
    assert flash == pytest.approx(beep, abs=0.02)
    whole, *_ = find_beeps(path)
    assert beep + (begin or 0.0) == pytest.approx(whole, abs=0.005)


@pytest.mark.parametrize("name", ["jump.ts", "twice.ts", "chained.ogg"])
def test_stretches_reach_into_the_second_recording(real_data, name):
    path = real_data("odd_media") / name
    _, whole = find_beeps(path)
    (beep,) = find_beeps(path, 5.5, 7.0)
    assert beep + 5.5 == pytest.approx(whole, abs=0.005)


@pytest.mark.parametrize("name", ["vbr.mp3", "adpcm_48k.wav"])
def test_stretches_of_coded_sound_are_slices_of_the_whole(real_data, name):
    path = real_data("odd_media") / name
    whole = decode_audio(path)
    for begin in (1.3, len(whole) / 16_000 * 2 / 3):
        stretch = decode_audio(path, start_seconds=begin, end_seconds=begin + 0.7)
        expected = whole[round(begin * 16_000) :][: len(stretch)]
        np.testing.assert_allclose(stretch[200:-200], expected[200:-200], atol=2e-3)


def test_samples_that_are_no_numbers_are_silence_and_the_others_as_loud_as_before(real_data):
    recording = read_recording(real_data("odd_media") / "nan10.wav")
    assert recording.mended == 10
    assert np.isfinite(recording.samples).all()
    assert np.abs(recording.samples).max() > 0.2


def test_damaged_files_are_a_row_each_or_pass_and_take_no_gigabytes(real_data, tmp_path):
    folder = real_data("odd_media") / "fuzz"
    found = clean({path.name: path for path in sorted(folder.iterdir())}, tmp_path)
    reasons = {reason for reasons in found.values() for reason in reasons}
    assert "crashed" not in reasons
    assert "timeout" not in reasons
    ends = {read_to_end(path) for path in folder.iterdir()}
    assert ends <= {None, "no_video", "truncated", "undecodable"}
    read = run_clips(LOCAL, read_all, folder.iterdir(), workers=1, limit_seconds=lambda _: 60.0)
    assert {path.name: peak for path, (_, peak) in read if peak >= 500_000} == {}
