import os
from pathlib import Path

import pytest

from pipeline.errors import CorpusError
from pipeline.labels.folders import check_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "corpus" / "a").mkdir(parents=True)
    (tmp_path / "corpus" / "a" / "Müller.wav").touch()
    return tmp_path / "corpus"


def test_a_sound_folder_a_file_and_nothing_pass(folder):
    (folder / "link.wav").symlink_to(folder / "a" / "Müller.wav")
    for path in (folder, folder / "link.wav", folder / "none"):
        check_folder(path)


def test_a_name_in_another_encoding_is_told_by_its_bytes(folder):
    Path(os.fsdecode(os.fsencode(folder) + b"/a/M\xfcller.wav")).touch()
    with pytest.raises(CorpusError, match=r"corpus: a/M\\xfcller.wav: expected a name in UTF-8"):
        check_folder(folder)


def test_links_to_nothing_are_told_together(folder):
    (folder / "b.wav").symlink_to("gone.wav")
    (folder / "c.wav").symlink_to("c.wav")
    told = r"b.wav: a link to gone.wav, which is not there; c.wav: a link to c.wav, .*; mend"
    with pytest.raises(CorpusError, match=told):
        check_folder(folder)


def test_a_link_to_a_folder_that_it_lies_in_is_told(folder):
    (folder / "a" / "up").symlink_to(folder, target_is_directory=True)
    with pytest.raises(CorpusError, match=r"a/up: a link to a folder that it lies in; mend"):
        check_folder(folder)
