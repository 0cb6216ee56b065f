"""Nine real clips, each with a fault of its own or none, on their way from media to features."""

import csv
from pathlib import Path

import numpy as np
import pytest

from pipeline.cleaning.params import CleanParams
from pipeline.cleaning.sound import clean_corpus
from pipeline.encoders.params import ENCODERS
from pipeline.errors import TrainingError
from pipeline.extraction.feature_sets import extract_features
from pipeline.faces.params import FacesParams
from pipeline.faces.stores import pack_faces
from pipeline.labels.clips import CLEAN_SCHEMA, LABELS_SCHEMA, read_clips
from pipeline.labels.corpora.params import TableParams
from pipeline.labels.labelling import label_corpora, write_labels
from pipeline.labels.params import SplitParams
from pipeline.labels.reading import read_corpus
from pipeline.report.face_summaries import read_facts
from pipeline.sections import parse_section
from pipeline.store.ledger import read_ledger
from pipeline.store.reader import open_features, open_media
from pipeline.training.saving import train_head
from pipeline.windows.labels import read_labels
from pipeline.words.transcripts import pack_transcripts
from tests.stores import ask, make_params

TALKING = {"talking_1", "talking_2", "talking_3", "talking_4"}
NAMES = TALKING | {"face_leaves", "near_silent", "no_audio", "no_face", "several_small_faces"}
SETS = {"hog": "face", "mfcc": "audio"}


@pytest.fixture(scope="module")
def data(real_data, tmp_path_factory):
    """Folder `data` of a project through which the clips went, unlabelled; features beside it."""
    root = tmp_path_factory.mktemp("project")
    data, work = root / "data", root / "work"
    write_table(root / "clips.csv", real_data("clips"))
    label(root, data / "labels")
    labelled = read_clips(data / "labels" / "clips.parquet", LABELS_SCHEMA)
    clean_corpus(labelled, CleanParams(), frozenset(), data, work)
    clips = read_clips(data / "clips" / "clips.parquet", CLEAN_SCHEMA)
    pack_faces(clips, FacesParams(rate_hz=2.5), data, work)
    pack_transcripts(clips, data / "text", work)
    for name, modality in SETS.items():
        given = {"modality": modality, "encoder": name}
        params = parse_section(ENCODERS.find(name).params, given, f"features.{name}")
        extract_features(params, data / modality, root / "features" / name, work)
    return data


def write_table(path, folder):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["clip_id", "path"])
        writer.writerows([media.stem, media] for media in sorted(folder.iterdir()))


def label(root, out):
    corpus = TableParams(kind="table", root=str(root), depends_on=str(root), follow=True)
    overrides = root / "overrides.csv"
    overrides.write_text("clip_id,action,value,reason\n")
    read = {"own": read_corpus(corpus, "own")}
    labelled = label_corpora(read, {"own": corpus}, SplitParams(), overrides, root)
    write_labels(labelled, out, out)


def remarks(folder):
    return {entry.clip_id: (entry.status, entry.reason) for entry in read_ledger(folder)}


def held(path: Path, opened=open_media):
    """Clips in the index of a store, and those of them that have rows."""
    store = opened(path)
    return set(store.index.clip_ids), {
        name for name in store.index.clip_ids if store.has_rows(name)
    }


def test_every_clip_is_usable_and_none_is_labelled(data):
    assert remarks(data / "labels" / "ledger.parquet") == {}
    assert remarks(data / "clips" / "ledger.parquet") == {
        "face_leaves": ("marked", "lengths_apart"),
    }
    clips = read_clips(data / "clips" / "clips.parquet", CLEAN_SCHEMA)
    assert {clip.clip_id for clip in clips} == NAMES


def test_sound_is_absent_quiet_or_short_where_it_is(data):
    assert remarks(data / "audio" / "ledger.parquet") == {
        "face_leaves": ("marked", "short_sound"),
        "near_silent": ("marked", "quiet"),
        "no_audio": ("absent", "no_audio"),
    }


def test_a_track_that_begins_late_is_told_in_seconds(data):
    (entry,) = [e for e in read_ledger(data / "audio" / "ledger.parquet") if "short" in e.reason]
    assert entry.detail == "sound in 3.966 of 6.424 s"


def test_faces_that_are_not_there_leave_or_are_small_are_in_the_ledger(data):
    told = remarks(data / "face" / "ledger.parquet")
    assert told["no_face"] == ("left_out", "no_face")
    assert told["face_leaves"] == ("marked", "face_leaves")
    assert told.keys() == {"no_face", "face_leaves", "several_small_faces"}


def test_talking_faces_are_clean_in_every_ledger(data):
    for folder in ("clips", "audio", "face"):
        assert not TALKING & remarks(data / folder / "ledger.parquet").keys(), folder


def test_clips_without_words_are_absent_one_by_one(data):
    assert remarks(data / "text" / "ledger.parquet") == dict.fromkeys(NAMES, ("absent", "no_text"))
    assert held(data / "text") == (NAMES, set())


@pytest.mark.parametrize(("name", "modality"), SETS.items())
def test_features_exist_for_exactly_the_clips_that_have_rows(data, name, modality):
    path = data.parent / "features" / name
    assert held(path, open_features) == held(data / modality)
    assert held(path, open_features)[1] >= TALKING


@pytest.mark.parametrize("name", SETS)
def test_what_is_absent_is_no_row_rather_than_zeros(data, name):
    store = open_features(data.parent / "features" / name)
    for clip_id in store.index.clip_ids:
        rows = store[clip_id]
        assert store.has_rows(clip_id) == (len(rows) > 0)
        assert np.abs(rows.embedding).sum(axis=1).all()


def test_a_head_cannot_be_trained_without_labels(data):
    params = make_params("linear", {"audio": "mfcc"})
    labels = read_labels(data / "labels")
    with pytest.raises(TrainingError, match="expected clips with labels to train on, got none"):
        train_head(ask("sound", params), data.parent / "features", labels, data.parent / "models")


@pytest.fixture(scope="module")
def yunet(real_data, data):
    """Store of the clips' faces by YuNet, and that of everyone in them."""
    clips = read_clips(data / "clips" / "clips.parquet", CLEAN_SCHEMA)
    weights = str(real_data("weights/yunet_n_dynamic.onnx"))
    out = data / "yunet"
    pack_faces(
        clips,
        FacesParams(rate_hz=2.5, detector="yunet", weights=weights),
        out,
        data.parent / "work",
    )
    return open_media(out / "face"), open_media(out / "tracks")


def test_talkers_have_a_face_in_nearly_all_frames_and_others_where_it_is(yunet):
    faces, _ = yunet
    shares = {
        clip_id: len(faces[clip_id]) / facts["frames"]
        for clip_id, facts in read_facts(faces).items()
    }
    assert all(shares[clip_id] >= 0.95 for clip_id in TALKING)
    assert not faces.has_rows("no_face")


def test_a_face_that_leaves_has_no_crops_once_it_is_gone(yunet):
    faces, _ = yunet
    seconds = faces["face_leaves"]["seconds"].to_numpy()
    assert seconds.max() < 2.5
    assert np.diff(seconds).max() < 0.5


def test_several_small_faces_are_several_people(yunet):
    _, tracks = yunet
    seen = tracks["several_small_faces"].to_pandas().groupby("frame").size()
    assert seen.min() >= 2
