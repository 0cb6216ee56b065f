import os
from pathlib import Path

import pytest

from pipeline.errors import CorpusError
from pipeline.labels.folders import TRACKED, check_folder, check_tracked


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "corpus" / "a").mkdir(parents=True)
    (tmp_path / "corpus" / "a" / "Müller.wav").touch()
    return tmp_path / "corpus"


def test_a_sound_folder_a_file_and_nothing_pass(folder):
    (folder / "link.wav").symlink_to(folder / "a" / "Müller.wav")
    for path in (folder, folder / "link.wav", folder / "none"):
        check_folder(path, follow=False)


def test_a_name_in_another_encoding_is_told_by_its_bytes(folder):
    Path(os.fsdecode(os.fsencode(folder) + b"/a/M\xfcller.wav")).touch()
    with pytest.raises(CorpusError, match=r"corpus: a/M\\xfcller.wav: expected a name in UTF-8"):
        check_folder(folder, follow=False)


def test_links_to_nothing_are_told_together(folder):
    (folder / "b.wav").symlink_to("gone.wav")
    (folder / "c.wav").symlink_to("c.wav")
    told = r"b.wav: a link to gone.wav, which is not there; c.wav: a link to c.wav, .*; mend"
    with pytest.raises(CorpusError, match=told):
        check_folder(folder, follow=False)


def test_what_would_be_waited_for_is_told(folder):
    os.mkfifo(folder / "b.wav")
    (folder / "c.wav").symlink_to("/dev/zero")
    told = "b.wav: expected a file or a folder, got a pipe or a device; c.wav: expected a file or"
    with pytest.raises(CorpusError, match=told):
        check_folder(folder, follow=False)


def test_links_out_of_it_are_told_unless_they_are_to_be_followed(folder):
    (folder / "a" / "all").symlink_to("/usr", target_is_directory=True)
    (folder / "b.txt").symlink_to("/etc/hostname")
    told = r"b\.txt: a link out of the folder.*; a/all: a link out of the folder.*`follow: true`"
    with pytest.raises(CorpusError, match=told):
        check_folder(folder, follow=False)
    (folder / "a" / "all").unlink()
    check_folder(folder, follow=True)


def test_a_link_to_a_folder_that_it_lies_in_is_told(folder):
    (folder / "a" / "up").symlink_to(folder, target_is_directory=True)
    with pytest.raises(CorpusError, match=r"a/up: a link to a folder that it lies in; mend"):
        check_folder(folder, follow=False)


def test_links_that_lead_round_are_told_and_not_followed(folder):
    for name, other in (("za", "zb"), ("zb", "za")):
        (folder / name).mkdir()
        for number in range(2):
            (folder / name / f"l{number}").symlink_to(f"../{other}")
    with pytest.raises(CorpusError, match=r"za/l0/l0: a link to a folder that it lies in"):
        check_folder(folder, follow=False)


def test_a_folder_that_many_links_lead_to_is_looked_at_once(folder):
    for number in range(40):
        (folder / f"d{number}").mkdir()
        for name in "xy":
            (folder / f"d{number}" / name).symlink_to(f"../d{number + 1}")
    (folder / "d40").mkdir()
    check_folder(folder, follow=False)


def test_links_that_git_brings_lead_to_nothing_that_dvc_would_digest_without_end(tmp_path):
    check_tracked(tmp_path)
    for path in TRACKED:
        place = tmp_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix:
            place.touch()
        else:
            place.mkdir()
        check_tracked(tmp_path)
        link = place if path.suffix else place / "x.json"
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/zero")
        with pytest.raises(CorpusError, match=r"a pipe or a device"):
            check_tracked(tmp_path)
        link.unlink()
    (tmp_path / "data" / "watched" / "x.json").symlink_to("/etc/hostname")
    with pytest.raises(CorpusError, match=r"x\.json: a link out of the folder"):
        check_tracked(tmp_path)
