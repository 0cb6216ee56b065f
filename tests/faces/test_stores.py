import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import MoodlineError
from pipeline.faces.crops import crop_face, scale_frame
from pipeline.faces.cutting import cut_clip
from pipeline.faces.params import FacesParams
from pipeline.faces.stores import VERSION, allow_seconds, list_uncut, make_stores, pack_faces
from pipeline.files import digest_file
from pipeline.labels.holding import digest_crops
from pipeline.media.jpeg import decode_jpeg, encode_jpeg
from pipeline.store.ledger import read_ledger
from pipeline.store.reader import open_media
from tests.conftest import PROJECT
from tests.makers import grey_frames, list_parts, make_clips, project_values, write_video

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
        names = self.paths if names is None else names
        filmed = [
            replace(clip, fps=25.0, media_digest=digest_file(Path(clip.path)))
            for clip in make_clips({name: self.paths[name] for name in names})
        ]
        silent = make_clips({name: Path(f"{name}.wav") for name in blind})
        pack_faces(filmed + silent, params, self.root / out, self.root / "work")
        return open_media(self.root / out / "face"), open_media(self.root / out / "scene")

    def parts(self):
        return list_parts(self.root / "work")


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
    assert found["blind"] == (
        "absent",
        "no_video",
        "no stream of pictures, or none that FFmpeg decodes",
    )
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
    new = project.parts().keys() - before.keys()
    assert [project.parts()[part] for part in new] == [{"added"}, {"added"}]  # crops and tracks
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


def test_what_is_sampled_changes_only_with_the_version(tmp_path):
    (clip,) = make_clips({"a": write_video(tmp_path / "a.mkv", grey_frames(30))})
    clip = replace(clip, start_seconds=0.13, end_seconds=1.0)
    params = PARAMS.model_copy(update={"rate_hz": 7.0, "scene_pixels": 36})
    found = make_stores(cut_clip(clip, params=params, folder=tmp_path))["scene"].content
    assert VERSION == 3
    assert found["frame"].to_pylist() == [0, 3, 7, 10, 14, 18]
    assert found["seconds"].to_pylist() == pytest.approx([0.03, 0.15, 0.31, 0.43, 0.59, 0.75])


def test_crops_and_scenes_change_only_with_the_version():
    places = np.arange(97 * 131 * 3).reshape(97, 131, 3)
    image = (100 + 80 * np.sin(places / 131) + places * 7919 % 61).astype(np.uint8)
    boxes = [(31, 20, 83, 81), (40, 30, 61, 49), (-13, 50, 44, 115)]  # large, small, at the edge
    pictures = [
        *(crop_face(image, np.array(box, float), size=40, margin=0.2) for box in boxes),
        *(scale_frame(image, height) for height in (36, 200)),
    ]
    found = [project_values(decode_jpeg(encode_jpeg(picture, 95))) for picture in pictures]
    assert VERSION == 3
    # Rounding otherwise changes norms by 3e-4; another interpolation, or edge, by 3e-3 and more.
    np.testing.assert_allclose(
        found,
        [
            [9002.57, -0.01134, 0.00844],
            [9444.98, 0.12501, 0.02318],
            [8217.16, -0.02599, 0.02522],
            [9481.05, -0.01247, 0.0154],
            [54862.73, 0.0316, -0.01804],
        ],
        rtol=1e-3,
        atol=0.03,
    )


def test_crops_that_the_corpus_ships_are_made_again_when_they_change(tmp_path):
    project = Project(tmp_path)
    crops = tmp_path / "crops"
    crops.mkdir()
    (clip,) = make_clips({"face": project.paths["face"]})
    media = digest_file(Path(clip.path))
    found = []
    for grey in (90, 90, 91):
        picture = encode_jpeg(np.full((40, 40, 3), grey, np.uint8), 95)
        (crops / "00001.jpg").write_bytes(picture)
        shipped = {"crops": str(crops), "crops_digest": digest_crops(crops)}
        filmed = replace(clip, fps=25.0, media_digest=media, **shipped)
        params = PARAMS.model_copy(update={"detector": "given"})
        pack_faces([filmed], params, tmp_path / "out", tmp_path / "work")
        found.append(open_media(tmp_path / "out" / "face").index.keys[0])
        assert not list_uncut([filmed], params, tmp_path / "work").items
    assert found[0] == found[1] != found[2]


def test_a_clip_that_fails_keeps_what_was_made_of_it(tmp_path):
    project = Project(tmp_path)
    project.pack(names=["face"])
    Path(project.paths["face"]).rename(tmp_path / "away.mp4")
    (clip,) = make_clips({"face": project.paths["face"]})
    filmed = replace(clip, fps=25.0, media_digest=digest_file(tmp_path / "away.mp4"))
    params = PARAMS.model_copy(update={"scene_pixels": 36})
    pack_faces([filmed], params, tmp_path / "out", tmp_path / "work")
    assert open_media(tmp_path / "out" / "face").has_rows("face")
    assert not open_media(tmp_path / "out" / "scene").has_rows("face")
    (entry,) = read_ledger(tmp_path / "out" / "scene" / "ledger.parquet")
    assert (entry.status, entry.reason) == ("left_out", "missing")


def test_a_name_that_no_file_system_takes_is_that_clips_own(tmp_path):
    project = Project(tmp_path)
    (clip,) = make_clips({"face": project.paths["face"]})
    long = replace(clip, path=str(tmp_path / ("y" * 300)), fps=25.0, media_digest="0" * 32)
    pack_faces(
        [long],
        PARAMS.model_copy(update={"allowed_share": 1.0}),
        tmp_path / "out",
        tmp_path / "work",
    )
    (entry,) = read_ledger(tmp_path / "out" / "face" / "ledger.parquet")
    assert (entry.status, entry.reason) == ("left_out", "missing")


def test_a_few_bytes_are_not_waited_for_as_long_as_they_say_they_last(tmp_path):
    path = tmp_path / "film.mkv"
    path.write_bytes(bytes(180_000))
    clip = make_clips({"film": path})[0]
    for duration, minutes in ((None, 1), (30.0, 1), (90.0, 2), (1e8, 3)):
        assert allow_seconds(replace(clip, duration_seconds=duration), 7.0) == 7.0 * minutes
