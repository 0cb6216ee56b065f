from pathlib import Path
from xml.etree import ElementTree

import pytest

from pipeline.errors import StoreError
from pipeline.report.contact_sheet import CROPS, MOST_CLIPS, choose_clips, write_sheet
from pipeline.report.face_summaries import (
    ClipFaces,
    count_faces,
    rank_clips,
    read_counts,
    summarise_clips,
)
from pipeline.store.ledger import Entry
from tests.report.faces_made import FRAMES, MISSED, MadeFaces, make_faces


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeFaces:
    return make_faces(tmp_path_factory.mktemp("faces"))


def make_clip(
    clip_id: str, status: str = "ok", *, crops: int = 7, sharpness: float = 11.0
) -> ClipFaces:
    remark = Entry(clip_id, "faces", status, "why", "because") if status != "ok" else None
    return ClipFaces(clip_id, status, remark, crops, 1, sharpness, frames=14, people=3)


def test_a_clip_is_summed_up_by_its_rows_and_its_facts(made: MadeFaces) -> None:
    blank, _, gap = summarise_clips(made.data)
    assert (gap.crops, gap.interpolated, gap.frames) == (FRAMES, 1, FRAMES)
    assert gap.share == 1.0
    assert (blank.status, blank.crops, blank.sharpness) == ("left_out", 0, None)
    assert blank.entry is not None


def test_the_clips_to_look_at_first_are_left_out_then_marked_then_sparse_then_blurred() -> None:
    clips = [
        make_clip("sharp"),
        make_clip("blurred", sharpness=2.0),
        make_clip("sparse", crops=5, sharpness=13.0),
        make_clip("marked", "marked"),
        make_clip("left out", "left_out", crops=0),
    ]
    ranked = [clip.clip_id for clip in rank_clips(clips)]
    assert ranked == ["left out", "marked", "sparse", "blurred", "sharp"]


def test_clips_without_video_are_not_counted() -> None:
    clips = [make_clip("a"), make_clip("b", crops=0), make_clip("c", "absent", crops=0)]
    counts = count_faces(clips)
    assert (counts.clips, counts.with_faces) == (2, 1)
    assert counts.median_share == 0.25
    assert counts.people_per_clip == 3.0
    assert counts.interpolated_share == 2 / 7


def test_of_no_clips_nothing_is_known() -> None:
    assert count_faces([]).model_dump() == {
        "clips": 0,
        "with_faces": 0,
        "median_share": None,
        "people_per_clip": None,
        "interpolated_share": None,
    }


def test_the_sheet_is_of_marked_clips_and_of_plain_ones() -> None:
    clips = [make_clip(f"{n:02}", "marked" if n % 3 else "ok") for n in range(60)]
    chosen = choose_clips(clips)
    assert len(chosen) == MOST_CLIPS
    assert [clip.status for clip in chosen].count("marked") == 4
    assert chosen[0].clip_id == "01"
    assert chosen[-1].clip_id == "57"


def test_few_plain_clips_leave_room_for_marked_ones() -> None:
    clips = [make_clip(f"{n:02}", "marked" if n else "ok") for n in range(60)]
    assert len(choose_clips(clips)) == MOST_CLIPS


def test_the_sheet_is_a_picture_that_needs_no_other_file(made: MadeFaces, tmp_path: Path) -> None:
    write_sheet(made.data, tmp_path / "faces.svg", tmp_path / "faces.json")
    root = ElementTree.parse(tmp_path / "faces.svg").getroot()
    images = list(root.iter("{http://www.w3.org/2000/svg}image"))
    assert len(images) == 2 * min(CROPS, FRAMES)
    assert all((image.get("href") or "").startswith("data:image/jpeg;") for image in images)


def test_counts_are_read_as_they_were_written(made: MadeFaces, tmp_path: Path) -> None:
    write_sheet(made.data, tmp_path / "faces.svg", tmp_path / "faces.json")
    counts = read_counts(tmp_path / "faces.json")
    assert (counts.clips, counts.with_faces) == (3, 2)
    assert counts.interpolated_share == 1 / (2 * FRAMES)
    assert MISSED < FRAMES


def test_counts_that_are_absent_or_others_are_told(tmp_path: Path) -> None:
    path = tmp_path / "faces.json"
    with pytest.raises(
        StoreError, match=r"faces\.json: expected counts of faces, found no file; run `dvc repro`"
    ):
        read_counts(path)
    path.write_text('{"clips": "many"}')
    with pytest.raises(
        StoreError, match=r"faces\.json: expected counts of faces of this version, got another"
    ):
        read_counts(path)


def test_a_sheet_without_crops_says_so(tmp_path: Path, made: MadeFaces) -> None:
    assert choose_clips([make_clip("blank", "left_out", crops=0)]) == []
