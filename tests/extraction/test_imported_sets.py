"""Imported rows as a feature set: found by ids, checked by digest, told where there are none."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.audits.replaying import replay_features
from pipeline.encoders.params import ENCODERS, FeatureParams
from pipeline.errors import ParamsError, StoreError
from pipeline.extraction.feature_sets import extract_features
from pipeline.extraction.source import open_source
from pipeline.imports.importing import Imported, import_features
from pipeline.sections import parse_section
from pipeline.store.ledger import read_ledger
from pipeline.store.reader import FeatureStore, open_features
from pipeline.store.zarr import PARTS
from tests.imports.forms import ask
from tests.tones import pack_tones

CLIPS = {"a/1": 0.5, "a/2": 0.5, "b/1": 0.5}


class Project:
    """Three clips of sound, and rows of some that were imported."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.audio = pack_tones(root / "audio", CLIPS)

    def bring(self, **rows: int) -> Imported:
        """Import so many rows of each clip, all beyond what float16 holds."""
        saved = {name: np.arange(count * 2.0).reshape(-1, 2) + 1e5 for name, count in rows.items()}
        np.savez(self.root / "some.npz", **saved)
        stated = ask(rate_hz=4.0, trained_on_labels=["a"])
        return import_features([self.root / "some.npz"], self.root / "imported", stated)

    def parse(self, digest: str, **options: object) -> FeatureParams:
        given = {"modality": "audio", "encoder": "imported", "digest": digest}
        given |= {"store": str(self.root / "imported"), **options}
        kind = ENCODERS.find("imported").params
        params: FeatureParams = parse_section(kind, given, "features.some")
        return params

    def extract(self, digest: str, **options: object) -> FeatureStore:
        out = self.root / "features" / "some"
        extract_features(self.parse(digest, **options), self.audio, out, self.root / "work")
        return open_features(out)

    def count_made(self) -> int:
        """Clips in all parts that were ever made."""
        paths = self.root.glob("work/*/[!.]*")
        return sum(len(PARTS.read_clips(path)) for path in paths)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_rows_are_those_imported_to_the_last_bit(project: Project) -> None:
    digest = project.bring(**{"a/1": 1, "a/2": 3, "b/1": 2, "c/1": 1}).digest
    store = project.extract(digest)
    assert list(store) == [*CLIPS]
    imported = open_features(project.root / "imported")
    for clip_id in store:
        for name in ("embedding", "start_seconds", "end_seconds", "valid"):
            np.testing.assert_array_equal(
                getattr(store[clip_id], name), getattr(imported[clip_id], name)
            )
    assert store["a/2"].embedding.dtype == np.float32


def test_clips_that_were_not_imported_are_in_the_ledger(project: Project) -> None:
    store = project.extract(project.bring(**{"a/1": 1}).digest)
    assert [clip_id for clip_id in store if store.has_rows(clip_id)] == ["a/1"]
    entries = read_ledger(store.path / "ledger.parquet")
    assert [(e.clip_id, e.status, e.reason) for e in entries] == [
        ("a/2", "left_out", "not_imported"),
        ("b/1", "left_out", "not_imported"),
    ]


def test_another_import_under_the_same_name_is_refused(project: Project) -> None:
    digest = project.bring(**{"a/1": 1}).digest
    project.bring(**{"a/1": 2})
    with pytest.raises(StoreError, match=f"expected features of digest {digest}.*take over"):
        project.extract(digest)


def test_an_import_that_is_not_here_is_told(project: Project) -> None:
    with pytest.raises(StoreError, match="imported: expected features that `moodline import`"):
        project.extract("0" * 32)


def test_an_import_of_another_modality_is_refused(project: Project) -> None:
    digest = project.bring(**{"a/1": 1}).digest
    with pytest.raises(StoreError, match="expected modality face, got audio"):
        project.extract(digest, modality="face")


def test_an_import_of_another_corpus_shows_ids_of_both(project: Project) -> None:
    digest = project.bring(**{"x/1": 1, "x/2": 1}).digest
    told = "expected rows of clips such as a/1, a/2, b/1, got those of x/1, x/2"
    with pytest.raises(StoreError, match=told):
        project.extract(digest)


def test_one_clip_more_makes_one_clip(project: Project) -> None:
    project.extract(project.bring(**{"a/1": 1, "a/2": 3}).digest)
    assert project.count_made() == 2
    store = project.extract(project.bring(**{"a/1": 1, "a/2": 3, "b/1": 2}).digest)
    assert store.has_rows("b/1")
    assert project.count_made() == 3


def test_a_set_says_where_its_rows_come_from_and_what_they_have_seen(project: Project) -> None:
    digest = project.bring(**{"a/1": 1}).digest
    made = project.extract(digest, seen_corpora=["b"]).provenance
    assert made["source"]["stage"] == "import"
    assert made["source"]["settings"]["trained_on_labels"] == ["a"]
    assert made["seen_corpora"] == ["a", "b"]


def test_rows_may_be_averaged_and_are_the_same_when_recalled_again(project: Project) -> None:
    digest = project.bring(**{"a/1": 4, "a/2": 1}).digest
    store = project.extract(digest, rate_hz=2.0)
    np.testing.assert_array_equal(store["a/1"].embedding - 1e5, [[1, 2], [5, 6]])
    source = open_source(project.parse(digest, rate_hz=2.0), project.audio)
    found = replay_features(store.path, source, clips=2, seed=0)
    assert found.values is not None
    assert found.values.same


def test_views_of_imported_rows_are_refused(project: Project) -> None:
    with pytest.raises(ParamsError, match="expected views: 0, for there are no media to augment"):
        project.parse("0" * 32, views=2)
