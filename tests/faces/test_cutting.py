import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from pipeline.faces.crops import crop_face
from pipeline.faces.cutting import cut_clip
from pipeline.faces.params import FacesParams, Thresholds
from pipeline.faces.searching import resolve_detector
from pipeline.faces.spool import take_rows
from pipeline.labels.clips import Clip
from pipeline.media.jpeg import decode_jpeg, encode_jpeg
from pipeline.media.sampling import Sampling
from pipeline.media.video import read_frames
from tests.makers import grey_frames, write_video

PARAMS = FacesParams(rate_hz=None, pixels=61, margin=0.15, jpeg_quality=92)


@pytest.fixture
def cut(tmp_path):
    """What a clip gives, and its rows, as lists."""

    def cut(clip, **params):
        made = cut_clip(clip, params=PARAMS.model_copy(update=params), folder=tmp_path)
        rows = {name: take_rows(path).to_pylist() for name, path in made.rows.items()}
        return made, rows

    return cut


@pytest.fixture(scope="module")
def face_image():
    return cv2.resize(astronaut(), (160, 160), interpolation=cv2.INTER_AREA)


def clip_of(path, **stretch):
    return Clip(clip_id="a", corpus="made", path=str(path), **stretch)


def test_a_clip_gives_a_crop_for_each_frame_with_a_face(tmp_path, cut, face_image):
    frames = [face_image, face_image, np.zeros_like(face_image), face_image]
    made, rows = cut(clip_of(write_video(tmp_path / "a.mp4", frames, fps=5)), gap_seconds=0.0)
    assert (made.frames, made.shown, made.people, made.broken) == (4, 3, 2, None)
    assert [row["frame"] for row in rows["face"]] == [0, 1, 3]
    assert [row["seconds"] for row in rows["face"]] == pytest.approx([0.0, 0.2, 0.6])
    assert [row["track"] for row in rows["face"]] == [0, 0, 1]
    assert all(row["clip_id"] == "a" and row["score"] >= 2 for row in rows["face"])
    assert all(np.isnan(row["landmarks"]).all() for row in rows["face"])
    assert rows["scene"] == []


def test_a_gap_is_bridged_and_marked(tmp_path, cut, face_image):
    frames = [face_image, np.zeros_like(face_image), face_image]
    _, rows = cut(clip_of(write_video(tmp_path / "a.mp4", frames, fps=5)))
    assert [row["marks"] for row in rows["face"]] == ["", "interpolated", ""]
    assert decode_jpeg(rows["face"][1]["jpeg"]).max() < 30


def test_a_row_holds_the_crop_of_its_box(tmp_path, cut, face_image):
    path = write_video(tmp_path / "a.mp4", [face_image])
    (frame,) = read_frames(path, Sampling())
    (row,) = cut(clip_of(path))[1]["face"]
    crop = crop_face(frame.image, np.array(row["box"], float), size=61, margin=0.15)
    assert np.abs(decode_jpeg(row["jpeg"]).astype(int) - crop).mean() < 5
    assert row["brightness"] == pytest.approx(crop.mean() / 255, abs=0.05)


def test_colours_survive_the_whole_line(tmp_path, cut):
    red = np.zeros((64, 96, 3), np.uint8)
    red[..., 0] = 255
    path = write_video(tmp_path / "a.mp4", [red])
    _, rows = cut(clip_of(path), detector="whole", scene_pixels=32)
    for name in ("face", "scene"):
        image = decode_jpeg(rows[name][0]["jpeg"])
        assert image[..., 0].min() > 245
        assert image[..., 1:].max() < 10


def draw_two():
    """A large face on the left, a smaller one on the right."""
    face = astronaut()[30:230, 130:330]
    scene = np.full((200, 480, 3), 128, np.uint8)
    scene[:, :200] = face
    scene[:150, -150:] = cv2.resize(face, (150, 150), interpolation=cv2.INTER_AREA)
    return scene


def test_all_people_have_tracks_and_one_of_them_crops(tmp_path, cut):
    path = write_video(tmp_path / "a.mp4", [draw_two()] * 3, fps=5)
    for choose, is_left in (("largest", True), ("right", False)):
        made, rows = cut(clip_of(path), choose=choose)
        assert made.people == 2
        assert [row["track"] for row in rows["tracks"]] == [0, 1] * 3
        assert len(rows["face"]) == 3
        assert all((row["box"][0] < 200) == is_left for row in rows["face"])


def test_however_frames_are_batched_crops_are_the_same(tmp_path, cut):
    path = write_video(tmp_path / "a.mp4", [draw_two()] * 5, fps=5)
    found = [cut(clip_of(path), batch=batch)[1] for batch in (1, 2, 7)]
    assert str(found[0]) == str(found[1]) == str(found[2])


def test_poor_crops_are_left_out_and_counted(tmp_path, cut, face_image):
    path = write_video(tmp_path / "a.mp4", [face_image, face_image // 6], fps=5)
    made, rows = cut(clip_of(path), thresholds=Thresholds(min_brightness=0.2), gap_seconds=9.0)
    assert [row["frame"] for row in rows["face"]] == [0]
    assert {what: count for what, count in made.poor.items() if count} == {"dark": 1}
    assert (made.shown, made.spoilt) == (1, 1)


def test_of_everyone_frames_are_counted_once(tmp_path, cut):
    path = write_video(tmp_path / "a.mp4", [draw_two()] * 3, fps=5)
    made, rows = cut(clip_of(path), choose="everyone")
    assert len(rows["face"]) == 6
    assert (made.frames, made.shown, made.spoilt) == (3, 3, 0)


def test_frames_are_searched_at_the_size_asked_for(tmp_path, cut, face_image):
    path = write_video(tmp_path / "a.mp4", [cv2.resize(face_image, (640, 640))])
    (whole,) = cut(clip_of(path))[1]["face"]
    (small,) = cut(clip_of(path), search_pixels=200)[1]["face"]
    assert small["box"] == pytest.approx(whole["box"], abs=40)
    assert small["box"] != whole["box"]


def test_scenes_are_whole_frames_with_or_without_a_face(tmp_path, cut):
    path = write_video(tmp_path / "a.mp4", grey_frames(3, height=48, width=64))
    made, rows = cut(clip_of(path), scene_pixels=24)
    assert (made.frames, made.shown) == (3, 0)
    images = [decode_jpeg(row["jpeg"]) for row in rows["scene"]]
    assert [image.shape for image in images] == [(24, 32, 3)] * 3
    assert [image.mean() for image in images] == pytest.approx([0, 5, 10], abs=1.5)


def test_a_stretch_counts_its_own_frames(tmp_path, cut, face_image):
    path = write_video(tmp_path / "a.mp4", [face_image] * 7, fps=5)
    clip = clip_of(path, start_seconds=0.6, end_seconds=1.2)
    _, rows = cut(clip, rate_hz=2.5)
    found = [(row["frame"], round(row["seconds"], 3)) for row in rows["face"]]
    assert found == [(0, 0.0), (2, 0.4)]


def test_a_video_that_breaks_off_keeps_its_crops(tmp_path, cut, face_image):
    noise = np.random.default_rng(5).integers(0, 40, (60, 160, 160, 3), dtype=np.uint8)
    path = write_video(tmp_path / "a.mkv", face_image // 5 * 4 + noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    made, rows = cut(clip_of(path))
    assert made.broken.reason == "truncated"
    assert 10 < made.frames < 25
    assert len(rows["face"]) == made.frames


def test_a_video_that_cannot_be_read_gives_the_reason(tmp_path, cut):
    (tmp_path / "a.mp4").touch()
    made, rows = cut(clip_of(tmp_path / "a.mp4"))
    assert (made.shown, made.frames, made.broken.reason) == (0, 0, "unreadable")
    assert not any(rows.values())


def test_a_real_clip_without_faces_gives_none(real_data, cut):
    made, _ = cut(clip_of(real_data("clips/no_face.mp4")), rate_hz=1.0)
    assert (made.frames, made.shown) == (4, 0)


def test_a_real_talker_is_found_until_the_face_leaves(real_data, cut):
    _, rows = cut(clip_of(real_data("clips/face_leaves.mov")), rate_hz=2.0)
    assert [round(row["seconds"] * 2) for row in rows["face"]] == [0, 1, 2, 3, 4]


def write_crops(folder, numbers, image):
    """Crops of the frames `numbers`, which count from 1."""
    folder.mkdir()
    for number in numbers:
        (folder / f"{number:05d}.jpg").write_bytes(encode_jpeg(image + number, 95))
    return folder


def test_the_crops_that_a_corpus_ships_are_taken_at_the_times_of_their_frames(tmp_path, cut):
    path = write_video(tmp_path / "a.mp4", grey_frames(9), seconds=np.arange(9) ** 1.5 / 5)
    folder = write_crops(tmp_path / "crops", [1, 2, 4, 8], np.full((40, 40, 3), 90, np.uint8))
    clip = clip_of(path, crops=str(folder))
    given = resolve_detector(FacesParams(detector="given", rate_hz=None, pixels=61))
    made, rows = cut(clip, **given.model_dump(include={"detector", "margin", "search_pixels"}))
    assert (made.frames, made.shown) == (9, 4)
    assert [row["frame"] for row in rows["face"]] == [0, 1, 3, 7]
    times = [row["seconds"] for row in rows["face"]]
    assert times == pytest.approx((np.arange(9) ** 1.5 / 5)[[0, 1, 3, 7]], abs=0.005)
    shown = [decode_jpeg(row["jpeg"]).mean() for row in rows["face"]]
    assert shown == pytest.approx([91, 92, 94, 98], abs=1)


def test_an_empty_picture_costs_one_frame_and_is_named(tmp_path, cut):
    path = write_video(tmp_path / "a.mp4", grey_frames(9))
    folder = write_crops(tmp_path / "crops", [1, 2, 4, 8], np.full((40, 40, 3), 90, np.uint8))
    (broken,) = folder.glob("*2.*")
    broken.write_bytes(b"")
    made, _rows = cut(clip_of(path, crops=str(folder)), detector="given")
    assert (made.frames, made.shown, made.broken.reason) == (9, 3, "unreadable_crops")
    assert f"got 1 that cannot, first {broken}: expected a media file" in made.broken.detail


def test_other_files_beside_the_crops_are_none(tmp_path, cut):
    path = write_video(tmp_path / "a.mp4", grey_frames(9))
    folder = write_crops(tmp_path / "crops", [1, 2, 4, 8], np.full((40, 40, 3), 90, np.uint8))
    (folder / "landmarks_3.txt").write_text("0 0")
    (folder / "more_5.png").mkdir()
    made, _rows = cut(clip_of(path, crops=str(folder)), detector="given")
    assert (made.frames, made.shown, made.broken) == (9, 4, None)


def test_two_crops_of_one_frame_are_refused_by_name(tmp_path, cut):
    path = write_video(tmp_path / "a.mp4", grey_frames(9))
    folder = write_crops(tmp_path / "crops", [1, 2, 4, 8], np.full((40, 40, 3), 90, np.uint8))
    (former,) = folder.glob("*4.*")
    (folder / f"other_4{former.suffix}").write_bytes(former.read_bytes())
    made, _rows = cut(clip_of(path, crops=str(folder)), detector="given")
    assert made.broken.reason == "doubled_crops"
    assert f"expected one picture of frame 4, got {former.name} and other_4" in made.broken.detail


def test_a_stretch_of_a_file_takes_its_own_crops(tmp_path, cut):
    path = write_video(tmp_path / "a.mp4", grey_frames(20), fps=10)
    folder = write_crops(tmp_path / "crops", range(1, 21), np.full((40, 40, 3), 90, np.uint8))
    clip = clip_of(path, crops=str(folder), start_seconds=0.5, end_seconds=1.0)
    _, rows = cut(clip, detector="given", every=2)
    assert [row["frame"] for row in rows["face"]] == [0, 2, 4]
    shown = [decode_jpeg(row["jpeg"]).mean() for row in rows["face"]]
    assert shown == pytest.approx([96, 98, 100], abs=1)


def test_a_clip_without_crops_of_its_own_gives_the_reason(tmp_path, cut):
    path = write_video(tmp_path / "a.mp4", grey_frames(3))
    assert cut(clip_of(path), detector="given")[0].broken.reason == "no_crops"
    empty = clip_of(path, crops=str(tmp_path / "nowhere"))
    assert cut(empty, detector="given")[0].broken.reason == "no_crops"


def test_a_crop_that_is_missing_between_others_is_not_made_up(tmp_path, cut):
    path = write_video(tmp_path / "a.mp4", grey_frames(6), fps=25)
    folder = write_crops(tmp_path / "crops", [1, 2, 5], np.full((40, 40, 3), 90, np.uint8))
    made, rows = cut(clip_of(path, crops=str(folder)), detector="given", gap_seconds=0.5)
    assert [row["frame"] for row in rows["face"]] == [0, 1, 4]
    assert made.people == 1
