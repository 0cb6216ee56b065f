import os
from pathlib import Path

import pytest

from pipeline.errors import CorpusError
from pipeline.predictor.gathering import explain_text, gather_media, name_media


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder `in` of empty files: what they hold is for others to judge."""
    for name in ("a.mp4", "a.txt", "b.WAV", "deep/a.mp4", "deep/c.png", "notes.md", ".hidden.mp4"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("So it is." if name.endswith(".txt") else "")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "in"


def name_all(*given):
    return [clip.clip_id.removeprefix("media/") for clip in gather_media(given)]


def test_a_folder_gives_its_media_named_by_their_paths_below_it(folder):
    assert name_all("in") == ["a", "b", "deep/a", "deep/c"]


def test_a_file_named_twice_is_one_and_a_pattern_is_what_it_matches(folder):
    assert name_all("in/a.mp4", "in/*.mp4") == ["a"]
    assert name_all("in/**/*.mp4") == ["a.mp4", "a.mp4-2"]


def test_a_text_beside_a_recording_is_what_is_said_in_it(folder):
    clips = {clip.clip_id: clip for clip in gather_media(["in"])}
    assert clips["media/a"].transcript == "So it is."
    assert clips["media/b"].transcript is None
    assert gather_media(["in/a.mp4"])[0].transcript == "So it is."


def test_a_text_by_itself_is_words_alone(folder):
    (clip,) = gather_media(["in/a.txt"])
    assert (clip.path, clip.transcript) == ("", "So it is.")


def test_results_of_before_are_no_media(folder):
    for name in ("a/head.heatmap.png", "a/head.annotated.mp4", ".moodline/crop.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    assert name_all("in") == ["a", "b", "deep/a", "deep/c"]


def test_what_is_not_there_is_named(folder):
    with pytest.raises(CorpusError, match=r"in/z.mp4: no such file; name a file, a folder or"):
        gather_media(["in/a.mp4", "in/z.mp4"])
    with pytest.raises(CorpusError, match="no such file"):
        gather_media(["in/*.mkv"])
    (folder / "empty").mkdir()
    with pytest.raises(CorpusError, match="expected films, sounds, pictures or texts, got in/emp"):
        gather_media(["in/empty"])


def test_a_mark_of_the_order_of_bytes_is_no_word(folder):
    (folder / "a.txt").write_text("So it is.", encoding="utf-8-sig")
    assert gather_media(["in/a.txt"])[0].transcript == "So it is."


def test_a_text_that_cannot_be_read_is_a_medium_of_its_own_and_ends_no_folder(folder):
    (folder / "a.txt").write_bytes(b"\xff")
    found = {clip.path: clip.transcript for clip in gather_media(["in/a.mp4"])}
    assert found == {"in/a.mp4": None, "in/a.txt": None}
    assert explain_text(folder / "a.txt").startswith("unreadable: expected UTF-8, got other bytes")
    (folder / "a.txt").write_text("a" * 100_001)
    assert explain_text(folder / "a.txt").startswith("too_long: expected at most 100,000 letters")


def test_names_are_utf_8(folder):
    odd = os.fsdecode(b"in/\xff.mp4")
    open(odd, "w").close()
    with pytest.raises(CorpusError, match=r"in/\\udcff.mp4: expected a name in UTF-8"):
        gather_media([odd])


def test_no_name_leads_out_of_the_results_or_is_that_of_a_table():
    top = Path("in")
    given = ("...mp4", ".moodline", "head.csv.mp4", "head.csv", "head")
    expected = ["...mp4", ".moodline-2", "head.csv.mp4", "head.csv-2", "head"]
    assert name_media({top / name: top for name in given}) == expected


def test_a_name_is_no_place_of_other_results():
    top = Path("in")
    given = ("a/...mp4", "mlp.csv/1.mp4", "talk.mp4", "talk/mlp.Html/1.mp4")
    found = name_media({top / name: top for name in given})
    assert found == ["a/...mp4", "mlp.csv_/1", "talk", "talk/mlp.Html_/1"]
