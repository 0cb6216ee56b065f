"""What every corpus promises, run on each of them: a new one adds its miniature to the list."""

import os
import shutil
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from pipeline.errors import CorpusError
from pipeline.labels import reading
from pipeline.labels.checks import check_corpus
from pipeline.labels.clip_labels import FRAMES_SCHEMA
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.params import CORPORA
from pipeline.sections import parse_section
from tests.miniatures import MINIATURES

TEXTS = (".csv", ".csd", ".json", ".txt")
"""Ends of the names of files that say what clips are and what they are labelled as."""


def read_corpus(name: str, section: dict[str, Any]) -> Corpus:
    section = {"kind": name, "depends_on": section["root"], **section}
    params = parse_section(CORPORA.find(name).params, section, "corpus")
    return reading.read_corpus(params, "own")


def test_every_corpus_has_a_miniature():
    assert MINIATURES.keys() == CORPORA.members.keys()


@pytest.mark.parametrize("name", MINIATURES)
class TestCorpus:
    @pytest.fixture
    def section(self, name: str, tmp_path: Path) -> dict[str, Any]:
        return MINIATURES[name](tmp_path)

    @pytest.fixture
    def corpus(self, name: str, section: dict[str, Any]) -> Corpus:
        return read_corpus(name, section)

    def test_ids_targets_labels_and_names_agree(self, name: str, corpus: Corpus):
        check_corpus(corpus, name)

    def test_clips_have_unique_sorted_ids(self, name: str, corpus: Corpus):
        ids = [clip.clip_id for clip in corpus.clips]
        assert ids == sorted(set(ids))

    def test_clips_carry_the_name_of_their_corpus(self, name: str, corpus: Corpus):
        assert {clip.corpus for clip in corpus.clips} == {name}

    def test_paths_are_posix_below_the_root(
        self, name: str, corpus: Corpus, section: dict[str, Any]
    ):
        for clip in corpus.clips:
            assert "\\" not in clip.path
            assert not clip.path or PurePosixPath(clip.path).is_relative_to(section["root"])

    def test_stretches_are_whole_and_forward(self, name: str, corpus: Corpus):
        for clip in corpus.clips:
            assert (clip.start_seconds is None) == (clip.end_seconds is None)
            assert clip.start_seconds is None or 0 <= clip.start_seconds < clip.end_seconds

    def test_what_only_clean_can_know_is_left_open(self, name: str, corpus: Corpus):
        for clip in corpus.clips:
            assert (clip.fps, clip.duration_seconds, clip.audio_hz) == (None, None, None)
            assert clip.media_digest is None

    def test_entries_and_quarantine_are_of_this_corpus(self, name: str, corpus: Corpus):
        ids = {clip.clip_id for clip in corpus.clips}
        assert corpus.quarantine.keys() <= ids
        assert all((e.clip_id in ids) == (e.status == "marked") for e in corpus.entries)

    def test_no_clip_stands_in_a_split_and_a_fold(self, name: str, corpus: Corpus):
        assert not any(target.split and target.fold is not None for target in corpus.targets)

    def test_frames_are_a_sorted_table_of_known_clips(self, name: str, corpus: Corpus):
        assert corpus.frames.schema == FRAMES_SCHEMA
        order = [("clip_id", "ascending"), ("frame", "ascending")]
        assert corpus.frames.equals(corpus.frames.sort_by(order))

    def test_its_folders_may_be_links_where_these_are_to_be_followed(
        self,
        name: str,
        corpus: Corpus,
        section: dict[str, Any],
        tmp_path_factory: pytest.TempPathFactory,
    ):
        linked = tmp_path_factory.mktemp("linked")
        for inner in Path(section["root"]).iterdir():
            (linked / inner.name).symlink_to(inner)
        with pytest.raises(CorpusError, match=r"a link that leads elsewhere.*`follow: true`"):
            read_corpus(name, {**section, "root": str(linked)})
        found = read_corpus(name, {**section, "root": str(linked), "follow": True})
        assert [clip.clip_id for clip in found.clips] == [clip.clip_id for clip in corpus.clips]
        assert [bool(clip.path) for clip in found.clips] == [
            bool(clip.path) for clip in corpus.clips
        ]

    def test_no_pipe_is_waited_for_in_the_place_of_a_text(
        self, name: str, section: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
    ):
        root, linked = Path(section["root"]), tmp_path_factory.mktemp("linked")
        shutil.copytree(root, linked, copy_function=os.symlink, dirs_exist_ok=True)
        moved = {key: told.replace(str(root), str(linked)) for key, told in section.items()}
        for path in [path for path in linked.rglob("*") if path.suffix in TEXTS]:
            source = path.readlink()
            path.unlink()
            os.mkfifo(path)
            with suppress(CorpusError):
                read_corpus(name, {**moved, "follow": True})
            path.unlink()
            path.symlink_to(source)

    def test_reading_twice_gives_the_same(self, name: str, corpus: Corpus, section: dict[str, Any]):
        assert read_corpus(name, section) == corpus

    def test_an_empty_folder_is_refused_by_its_name(
        self, name: str, tmp_path: Path, section: dict[str, Any]
    ):
        empty = tmp_path / "nothing_here"
        empty.mkdir()
        with pytest.raises(CorpusError, match=r"nothing_here.*; .+"):
            read_corpus(name, {**section, "root": str(empty)})

    def test_a_missing_folder_is_refused_by_its_name(
        self, name: str, tmp_path: Path, section: dict[str, Any]
    ):
        with pytest.raises(CorpusError, match=r"no_such_place.*; .+"):
            read_corpus(name, {**section, "root": str(tmp_path / "no_such_place")})
