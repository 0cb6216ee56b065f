import shutil
from pathlib import Path

import pytest

from pipeline.errors import StoreError
from pipeline.faces.tracks import INTERPOLATED
from pipeline.labels.corpora.params import CorpusParams
from pipeline.media.sampling import Sampling
from pipeline.report.faces_page import (
    HANDFUL,
    describe_sampling,
    write_clip_page,
    write_corpus_page,
)
from pipeline.store.reader import open_media
from tests.report.faces_made import FRAMES, MISSED, MadeFaces, make_faces
from tests.report.made_up import Page, find_outside

LARGEST_BYTES = 1_500_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeFaces:
    return make_faces(tmp_path_factory.mktemp("faces"))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> MadeFaces:
    """The same clips with whole frames kept; nobody has the video any more."""
    made = make_faces(tmp_path_factory.mktemp("scenes"), scene_pixels=48)
    made.film.unlink()
    return made


@pytest.fixture(scope="module")
def gap(made: MadeFaces) -> Page:
    return show(made, "toy/gap")


@pytest.fixture(scope="module")
def corpus(made: MadeFaces) -> Page:
    path = made.root / "corpus.html"
    write_corpus_page(path, made.data, 40)
    return Page(path)


def show(made: MadeFaces, clip_id: str) -> Page:
    path = made.root / "page.html"
    root = str(made.root)
    corpora = {"toy": CorpusParams(kind="toy", root=root, depends_on=root)}
    write_clip_page(path, made.data, clip_id, corpora)
    return Page(path)


def boxes(page: Page) -> list[dict[str, str | None]]:
    return page.find("rect", **{"class": "box"})


def test_every_frame_looked_at_is_shown_with_its_time(gap: Page) -> None:
    assert len(gap.find("svg", role="img")) == FRAMES + 1  # and the timeline
    assert f"All {FRAMES} frames that were looked at, from the video." in gap.text
    assert gap.find("svg", **{"aria-label": "frame at 0.60 s"})


def test_everyone_in_data_tracks_has_a_box_where_he_was_seen(made: MadeFaces, gap: Page) -> None:
    rows = open_media(made.data / "tracks")["toy/gap"].to_pylist()
    found = [float(box["x"] or "nan") for box in boxes(gap)]
    assert found == pytest.approx([row["box"][0] for row in rows], abs=0.06)


def test_a_box_that_was_interpolated_is_dashed(gap: Page) -> None:
    dashed = ["stroke-dasharray" in box for box in boxes(gap)]
    assert [n for n, found in enumerate(dashed) if found] == [MISSED]


def test_crops_have_their_time_and_their_marks(gap: Page) -> None:
    assert len([img for img in gap.find("img") if "crop at" in (img["alt"] or "")]) == FRAMES
    assert gap.find("img", alt="crop at 0.60 s")
    assert gap.text.count(INTERPOLATED) >= 2


def test_the_timeline_has_a_paler_span_between_two(gap: Page) -> None:
    spans = gap.find("rect", **{"class": "span"})
    assert ["fill-opacity" in span for span in spans] == [False, False, True]


def test_the_page_needs_no_script_and_no_other_file(gap: Page, corpus: Page) -> None:
    for page in (gap, corpus):
        assert not find_outside(page)
        assert not page.find("script")
        assert not page.find("link", rel="stylesheet")
        assert len(page.html) < LARGEST_BYTES


def test_provenance_names_the_detector_and_its_version(gap: Page) -> None:
    assert "cascade, version 1" in gap.text
    assert "frames: 5 a second" in gap.text
    assert "fingerprint" in gap.text


def test_a_clip_without_a_face_says_so_on_each_frame(made: MadeFaces) -> None:
    page = show(made, "toy/blank")
    assert page.text.count("no face ") >= FRAMES
    assert "Nobody was seen." in page.text
    assert not boxes(page)


def test_the_remark_of_the_ledger_is_shown(made: MadeFaces, gap: Page) -> None:
    assert f"no face : a face in 0 of {FRAMES} frames" in show(made, "toy/blank").text
    assert "The ledger has no remark on this clip." in gap.text


def test_without_the_video_frames_are_those_of_data_scene(scenes: MadeFaces) -> None:
    page = show(scenes, "toy/gap")
    assert len(page.find("figure", **{"class": "empty"})) == 0
    assert "from data/scene" in page.text


def test_boxes_have_their_places_in_scaled_frames(made: MadeFaces, scenes: MadeFaces) -> None:
    assert boxes(show(scenes, "toy/gap")) == boxes(show(made, "toy/gap"))


def test_without_video_or_scenes_crops_are_shown_alone(made: MadeFaces, tmp_path: Path) -> None:
    pulled = tmp_path / "data"
    for store in ("face", "tracks"):
        shutil.copytree(made.data / store, pulled / store)
    write_clip_page(tmp_path / "page.html", pulled, "toy/gap")
    page = Page(tmp_path / "page.html")
    assert "The video is not here" in page.text
    assert len(page.find("img")) == FRAMES


def test_an_unknown_clip_is_told_with_the_nearest(made: MadeFaces) -> None:
    with pytest.raises(StoreError, match=r"no clip 'toy/gaps' among 3; did you mean 'toy/gap'\?"):
        show(made, "toy/gaps")


def test_ids_that_are_not_near_are_not_compared_letter_by_letter(made: MadeFaces) -> None:
    with pytest.raises(StoreError, match=r"no clip 'y' among 3; run `dvc repro` to make it"):
        show(made, "y")


def test_a_missing_store_is_told_as_elsewhere(tmp_path: Path) -> None:
    told = r"face/store\.json: expected a store, found no file; run `dvc repro` or `dvc pull`"
    with pytest.raises(StoreError, match=told):
        write_clip_page(tmp_path / "page.html", tmp_path, "toy/gap")
    with pytest.raises(StoreError, match=told):
        write_corpus_page(tmp_path / "page.html", tmp_path, 3)


def test_clips_left_out_come_first_on_the_page_of_all(corpus: Page) -> None:
    places = [corpus.text.index(clip_id) for clip_id in ("toy/blank", "toy/face", "toy/gap")]
    assert places[0] == min(places)


def test_the_page_of_all_shows_a_handful_of_crops_of_each(corpus: Page) -> None:
    assert len(corpus.find("img")) == 2 * min(FRAMES, HANDFUL)


def test_the_page_of_all_counts_the_ledger(corpus: Page) -> None:
    assert corpus.row("left out") == ["left out", "no face", "1", "33 %"]
    assert corpus.row("without a remark")[2] == "2"


def test_the_page_of_all_may_be_cut(made: MadeFaces, tmp_path: Path) -> None:
    write_corpus_page(tmp_path / "page.html", made.data, 1)
    page = Page(tmp_path / "page.html")
    assert "1 of 3." in page.text
    assert "toy/gap" not in page.text


@pytest.mark.parametrize(
    ("sampling", "words"),
    [
        (Sampling(rate_hz=2.5), "2.5 a second"),
        (Sampling(every=3), "one in 3"),
        (Sampling(per_clip=16, middle_share=0.5), "16 of each clip, of the middle 50%"),
        (Sampling(), "all"),
    ],
)
def test_sampling_is_told_in_words(sampling: Sampling, words: str) -> None:
    assert describe_sampling(sampling) == words
