import os
from pathlib import Path

import pytest

from pipeline.errors import CorpusError
from pipeline.labels.manifests import write_manifest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("b/2.wav", "a.wav", "b/1.wav"):
        path = tmp_path / "corpus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * len(name))
        os.utime(path, ns=(5, 5))
    return tmp_path / "corpus"


def read(root: Path, out: Path) -> list[list[str]]:
    write_manifest(root, out)
    return [line.split("\t") for line in out.read_text().splitlines()]


def test_each_file_is_a_line_in_order(root, tmp_path):
    assert write_manifest(root, tmp_path / "list.tsv") == 3
    assert read(root, tmp_path / "list.tsv") == [
        ["5", "5", "a.wav"],
        ["7", "5", "b/1.wav"],
        ["7", "5", "b/2.wav"],
    ]


def test_a_file_that_changes_comes_or_goes_changes_the_list(root, tmp_path):
    lists = [read(root, tmp_path / "list.tsv")]
    (root / "a.wav").write_bytes(b"other")
    lists.append(read(root, tmp_path / "list.tsv"))
    (root / "b" / "3.wav").touch()
    lists.append(read(root, tmp_path / "list.tsv"))
    (root / "a.wav").unlink()
    lists.append(read(root, tmp_path / "list.tsv"))
    assert len({str(found) for found in lists}) == 4


def test_links_are_followed_once_and_names_are_one_line(root, tmp_path):
    (root / "c\nd.wav").touch()
    (root / "b" / "up").symlink_to(root, target_is_directory=True)
    (root / "gone").symlink_to("nothing")
    names = [name for _, _, name in read(root, tmp_path / "list.tsv")]
    assert names == ["a.wav", "c\\nd.wav", "gone", "b/1.wav", "b/2.wav"]


def test_links_out_of_a_corpus_are_refused_unless_they_are_to_be_followed(root, tmp_path):
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "name").touch()
    (root / "c").symlink_to(tmp_path / "private", target_is_directory=True)
    with pytest.raises(CorpusError, match="c: expected a file below"):
        write_manifest(root, tmp_path / "list.tsv")
    assert write_manifest(root, tmp_path / "list.tsv", follow=True) == 4


def test_a_name_in_another_encoding_is_kept(root, tmp_path):
    Path(os.fsdecode(os.fsencode(root) + b"/M\xfcller.wav")).touch()
    write_manifest(root, tmp_path / "list.tsv")
    assert b"M\xfcller.wav" in (tmp_path / "list.tsv").read_bytes()


def test_a_list_lies_outside_of_what_it_lists(root, tmp_path):
    with pytest.raises(CorpusError, match="expected a place outside"):
        write_manifest(root, root / "list.tsv")
    with pytest.raises(CorpusError, match="no such folder"):
        write_manifest(tmp_path / "none", tmp_path / "list.tsv")
