import shutil

import pytest

from pipeline.clips import Clip
from pipeline.errors import MoodlineError
from pipeline.faces.crops import decode_jpeg
from pipeline.faces.packing import pack_faces
from pipeline.files import digest_file
from pipeline.ledger import read_ledger
from pipeline.params import FacesParams
from pipeline.store.parquet import PARTS
from pipeline.store.reader import open_media
from tests.conftest import PROJECT
from tests.makers import grey_frames, write_video

PARAMS = FacesParams(rate_hz=2, pixels=40, workers=1, allowed_share=0.75)
FACE = PROJECT / "data" / "demo" / "speaker_01" / "clip_01.mp4"


class Project:
    """Clips of a face, of none and of no picture at all, packed by way of a work store."""

    def __init__(self, root):
        self.root = root
        self.paths = {
            "blank": write_video(root / "blank.mkv", grey_frames(30)),
            "face": shutil.copy(FACE, root / "face.mp4"),
            "torn": root / "torn.mp4",
        }
        whole = FACE.read_bytes()
        self.paths["torn"].write_bytes(whole[: len(whole) // 2])

    def pack(self, out="out", params=PARAMS, blind=("blind",), names=None):
        clips = [
            Clip(
                clip_id=name, corpus="toy", path=str(path), fps=25.0, media_digest=digest_file(path)
            )
            for name, path in self.paths.items()
            if names is None or name in names
        ]
        clips += [Clip(clip_id=name, corpus="toy", path=f"{name}.wav") for name in blind]
        pack_faces(clips, params, self.root / out, self.root / "work")
        return open_media(self.root / out / "face"), open_media(self.root / out / "scene")

    def parts(self):
        """Clips of each part that was ever made."""
        paths = self.root.glob("work/*/[!.]*")
        return {path.name: {clip.clip_id for clip in PARTS.read_clips(path)} for path in paths}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("project"))
    project.pack()
    return project


def test_crops_have_their_size_and_their_times(project):
    faces, _ = project.pack()
    rows = faces["face"].to_pylist()
    assert decode_jpeg(rows[0]["jpeg"]).shape == (40, 40, 3)
    times = [row["seconds"] for row in rows]
    assert times == pytest.approx([0.5 * number for number in range(len(times))], abs=0.05)


def test_clips_without_a_face_or_a_picture_are_in_the_ledger(project):
    entries = read_ledger(project.root / "out" / "face" / "ledger.parquet")
    found = {entry.clip_id: (entry.status, entry.reason, entry.detail) for entry in entries}
    assert found["blank"] == ("left_out", "no_face", "a face in 0 of 3 frames")
    assert found["blind"] == ("absent", "no_video", "no video stream")
    assert found["torn"][0] == "left_out"
    assert "face" not in found


def test_every_clip_is_in_the_index_and_has_rows_or_none(project):
    faces, _ = project.pack()
    assert {name: faces.has_rows(name) for name in faces.index.clip_ids} == {
        "blank": False,
        "blind": False,
        "face": True,
        "torn": False,
    }


def test_scenes_that_nobody_asked_for_are_an_empty_store(project):
    _, scenes = project.pack()
    assert len(scenes) == 4
    assert not any(scenes.has_rows(name) for name in scenes.index.clip_ids)
    assert read_ledger(project.root / "out" / "scene" / "ledger.parquet") == []


def test_a_second_run_decodes_nothing(project):
    before = project.parts()
    project.pack("again")
    assert project.parts() == before


def test_a_clip_added_costs_only_itself(project):
    before = project.parts()
    project.paths["added"] = write_video(project.root / "added.mkv", grey_frames(20))
    project.pack("more")
    (new,) = project.parts().keys() - before.keys()
    assert project.parts()[new] == {"added"}
    del project.paths["added"]


def test_scenes_on_request_are_whole_frames_and_leave_the_faces_as_they_are(project):
    before, _ = project.pack()
    params = PARAMS.model_copy(update={"scene_pixels": 36})
    faces, scenes = project.pack("scenes", params)
    assert list(faces.index.keys) == list(before.index.keys)
    assert faces["face"]["jpeg"].equals(before["face"]["jpeg"])
    assert decode_jpeg(scenes["blank"]["jpeg"][0].as_py()).shape == (36, 48, 3)
    assert scenes["blank"]["seconds"].to_pylist() == pytest.approx([0.0, 0.52, 1.0], abs=0.021)


def test_a_sound_without_pictures_is_no_clip_left_out(project):
    blind = [f"blind{number}" for number in range(7)]
    faces, _ = project.pack("blind", PARAMS.model_copy(update={"allowed_share": 0.0}), blind, [])
    assert len(faces) == 7


def test_more_without_a_face_than_allowed_stops_the_stage(project):
    with pytest.raises(MoodlineError, match=r"got 2 of 3 clips \(.*no_face 1.*; first blank"):
        project.pack("refused", PARAMS.model_copy(update={"allowed_share": 0.1}))


def test_a_clip_that_took_too_long_is_tried_again(tmp_path):
    project = Project(tmp_path)
    hasty = PARAMS.model_copy(update={"limit_seconds": 1e-6, "allowed_share": 1.0, "rate_hz": None})
    faces, _ = project.pack(params=hasty, names=["face"])
    assert not faces.has_rows("face")
    (entry, _) = read_ledger(tmp_path / "out" / "face" / "ledger.parquet")[::-1]
    assert (entry.clip_id, entry.reason) == ("face", "timeout")
    assert not project.parts()
    patient = hasty.model_copy(update={"limit_seconds": 60.0})
    assert project.pack(params=patient, names=["face"])[0].has_rows("face")
