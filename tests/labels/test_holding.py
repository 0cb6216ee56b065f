"""Media that change between two stages, or while one of them reads them."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.cleaning.params import CleanParams
from pipeline.cleaning.sound import _digest_media, decode_clip
from pipeline.errors import MediaError
from pipeline.faces.params import FacesParams
from pipeline.faces.stores import pack_faces
from pipeline.files import digest_file
from pipeline.labels.clips import NO_MEDIA, Clip
from pipeline.labels.holding import _digest, digest_crops, hold_media
from pipeline.store.ledger import read_ledger
from pipeline.store.reader import open_media
from tests.makers import Sound, grey_frames, list_parts, make_clips, tone, write_audio, write_video


@pytest.fixture
def clip(tmp_path):
    path = write_audio(tmp_path / "a.wav", Sound(tone(1.0, 16_000), 16_000))
    return replace(make_clips({"a": path})[0], media_digest=digest_file(path))


def truncate(path):
    path.write_bytes(path.read_bytes()[:1000])


def grow(path):
    path.write_bytes(path.read_bytes() * 2)


def swap(path):
    other = path.with_name("other.wav")
    other.write_bytes(bytes(len(path.read_bytes())))
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [truncate, grow, swap, Path.unlink])
def test_a_file_that_changes_is_refused_before_and_while_it_is_read(clip, change):
    with hold_media(clip):
        pass
    with pytest.raises(MediaError, match="changed: expected the file as"), hold_media(clip):
        change(Path(clip.path))
    with pytest.raises(MediaError, match="changed: expected the file as `clean`"):
        decode_clip(clip, CleanParams())


def test_clean_digests_a_file_once_unless_it_changes_meanwhile(clip):
    (seen,), _ = _digest_media([clip], workers=1)
    path, before = Path(clip.path), _digest.cache_info().misses
    with hold_media(seen):
        pass
    assert (seen.media_digest, _digest.cache_info().misses) == (clip.media_digest, before)
    swap(path)
    with pytest.raises(MediaError, match="changed"), hold_media(seen):
        pass
    assert _digest.cache_info().misses == before + 1


def test_what_has_no_digest_or_no_file_is_not_held():
    for path in (NO_MEDIA, "gone.wav"):
        with hold_media(Clip(clip_id="a", corpus="toy", path=path)):
            pass


def test_crops_that_change_are_refused_where_they_are_read(clip, tmp_path):
    crops = tmp_path / "crops"
    crops.mkdir()
    (crops / "1.jpg").write_bytes(b"a")
    shipped = replace(clip, crops=str(crops), crops_digest=digest_crops(crops))
    with hold_media(shipped, crops=True):
        (crops / "1.jpg").write_bytes(b"b")
    with hold_media(shipped):
        pass
    with pytest.raises(MediaError, match="changed"), hold_media(shipped, crops=True):
        pass


def test_nothing_of_another_file_is_kept_under_its_digest(tmp_path):
    film = write_video(tmp_path / "film.mkv", grey_frames(25))
    other = write_video(tmp_path / "other.mkv", grey_frames(50))
    whole, clips = film.read_bytes(), make_clips({"a": film})
    cleaned = [replace(clips[0], fps=25.0, media_digest=digest_file(film))]
    faces = FacesParams(detector="whole", scene_pixels=32, workers=1, allowed_share=1.0)
    film.write_bytes(other.read_bytes())
    pack_faces(cleaned, faces, tmp_path / "out", tmp_path / "work")
    (entry,) = read_ledger(tmp_path / "out" / "face" / "ledger.parquet")
    assert (entry.status, entry.reason) == ("left_out", "changed")
    assert not any(list_parts(tmp_path / "work").values())
    film.write_bytes(whole)
    pack_faces(cleaned, faces, tmp_path / "out", tmp_path / "work")
    assert len(open_media(tmp_path / "out" / "face")["a"]) == 5
