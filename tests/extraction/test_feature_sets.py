import shutil

import numpy as np
import pyarrow as pa
import pytest

from pipeline.cleaning.sound import AUDIO_SCHEMA
from pipeline.cleaning.sound import PROVENANCE as CLEAN
from pipeline.encoders.params import ENCODERS
from pipeline.errors import StoreError
from pipeline.extraction.feature_sets import extract_features, make_clip
from pipeline.labels.clip_labels import write_trained
from pipeline.media.audio import encode_flac
from pipeline.rows import Rows
from pipeline.sections import parse_section
from pipeline.store.index import rowless
from pipeline.store.ledger import read_ledger
from pipeline.store.reader import open_features
from pipeline.store.writer import Made, StoreWriter
from pipeline.store.zarr import PARTS
from tests.makers import tone
from tests.stores import make_rows

HZ = 16_000
SECONDS = {"a": 0.5, "b": 0.7, "brief": 0.01, "mute": 0.0}


class Project:
    """A store of tones (clip → seconds of it, 0 for an absent one) and what is extracted of it."""

    def __init__(self, root):
        self.root = root
        self.pack(SECONDS)

    def pack(self, clips):
        shutil.rmtree(self.root / "audio", ignore_errors=True)
        with StoreWriter(self.root / "media", CLEAN, "parquet") as writer:
            keys = {clip_id: f"{seconds}" for clip_id, seconds in clips.items() if seconds}
            for clip_id in writer.missing(keys, self.root / "audio"):
                writer.add(clip_id, keys[clip_id], make_media(clip_id, clips[clip_id]))
            writer.close_part()
            absent = {clip_id: rowless(clip_id) for clip_id in clips.keys() - keys.keys()}
            writer.publish(self.root / "audio", absent | writer.locate(keys), [])

    def extract(self, out="mfcc", trained=None, **options):
        given = {"modality": "audio", "encoder": "mfcc", **options}
        params = parse_section(ENCODERS.find("mfcc").params, given, "features.mfcc")
        path = self.root / "features" / out
        extract_features(params, self.root / "audio", path, self.root / "work", trained=trained)
        return open_features(path)

    def parts(self):
        """Clips of each part that was ever made."""
        paths = self.root.glob("work/*/[!.]*")
        return {path.name: {clip.clip_id for clip in PARTS.read_clips(path)} for path in paths}


def make_sound(clip_id, seconds):
    samples = tone(seconds, HZ)[0]
    flac = b"no sound" if clip_id.startswith("broken") else encode_flac(samples, HZ)
    row = {"clip_id": clip_id, "hz": HZ, "samples": len(samples), "flac": flac}
    return pa.Table.from_pylist([row], schema=AUDIO_SCHEMA)


def make_media(clip_id, seconds):
    return Made(make_sound(clip_id, seconds), facts={"duration_seconds": seconds})


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_every_clip_of_the_media_is_in_the_set_with_rows_or_none(project):
    store = project.extract()
    found = {name: store.has_rows(name) for name in store.index.clip_ids}
    assert found == {"a": True, "b": True, "brief": False, "mute": False}
    assert store["a"].embedding.dtype == np.float16


def test_a_set_says_what_the_media_are_like_of_clips_that_train_and_is_the_same_set(project):
    plain = project.extract("plain")
    write_trained(project.root / "trained.parquet", ["a", "b", "mute", "gone"])
    store = project.extract("told", trained=project.root / "trained.parquet")
    low, high = store.provenance["media"]["seconds"]
    assert (low, high) == pytest.approx((0.502, 0.698))
    assert store.provenance["fingerprint"] == plain.provenance["fingerprint"]
    assert "media" not in plain.provenance


def test_a_clip_too_short_is_in_the_ledger_and_an_absent_one_is_not(project):
    project.extract()
    (entry,) = read_ledger(project.root / "features" / "mfcc" / "ledger.parquet")
    assert (entry.clip_id, entry.status, entry.reason) == ("brief", "left_out", "no_rows")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_clip_that_breaks_its_batch_is_left_out_alone_and_tried_again(project, workers):
    project.pack({**SECONDS, "broken": 0.5})
    store = project.extract(workers=workers)
    entries = read_ledger(project.root / "features" / "mfcc" / "ledger.parquet")
    assert {(entry.clip_id, entry.reason) for entry in entries} == {
        ("brief", "no_rows"),
        ("broken", "unreadable"),
    }
    assert store.has_rows("a")
    assert store.has_rows("b")
    assert not any("broken" in clips for clips in project.parts().values())


def test_more_broken_clips_than_others_stop_the_stage(project):
    project.pack({"a": 0.5, "broken": 0.5, "broken too": 0.5})
    with pytest.raises(StoreError, match=r"got 2 failures \(unreadable 2; first broken: "):
        project.extract()


def test_the_set_says_what_made_it_and_what_it_was_made_from(project):
    provenance = project.extract(coefficients=7).provenance
    assert provenance["settings"]["coefficients"] == 7
    assert provenance["settings"]["row_shape"] == [7 * 3 * 6]
    assert provenance["source"]["stage"] == "clean"


def test_a_second_run_encodes_nothing(project):
    project.extract()
    before = project.parts()
    project.extract("again")
    assert project.parts() == before


@pytest.mark.parametrize("changed", [{"a": 0.6}, {"c": 0.3}])
def test_a_clip_changed_or_added_costs_only_itself(project, changed):
    project.extract()
    before = project.parts()
    project.pack({**SECONDS, **changed})
    store = project.extract("more")
    (new,) = project.parts().keys() - before.keys()
    assert project.parts()[new] == changed.keys()
    assert len(store) == len(SECONDS | changed)


def test_a_batch_shapes_nothing(project):
    first = project.extract()
    before = project.parts()
    assert project.extract("single", batch=1).provenance == first.provenance
    assert project.parts() == before


def test_another_setting_encodes_anew_and_going_back_does_not(project):
    project.extract()
    project.extract("fewer", coefficients=7)
    before = project.parts()
    project.extract("back")
    assert project.parts() == before


def test_rows_that_are_not_finite_are_refused():
    rows = Rows(np.full((2, 3), np.nan, np.float32), *make_stretch(2))
    with pytest.raises(StoreError, match=r"^s1/a: expected finite embeddings, got NaN"):
        make_clip("s1/a", rows)


def test_rows_too_large_for_their_precision_are_refused():
    rows = Rows(np.full((2, 3), 1e5, np.float32), *make_stretch(2))
    with pytest.raises(StoreError, match="values that float16 can hold, got 100000"):
        make_clip("s1/a", rows)


def make_stretch(count):
    rows = make_rows(np.zeros((count, 1)))
    return rows.start_seconds, rows.end_seconds, rows.valid


def test_workers_make_the_set_that_one_process_makes(project, tmp_path):
    alone = project.extract("alone")
    shutil.rmtree(project.root / "work")
    project.pack(SECONDS | {f"clip-{number}": 0.2 for number in range(6)})
    shutil.rmtree(project.root / "work", ignore_errors=True)
    together = project.extract("together", workers=2, batch=1)
    assert len(project.parts()) == 1
    for clip_id in ("a", "b"):
        np.testing.assert_array_equal(together[clip_id].embedding, alone[clip_id].embedding)
