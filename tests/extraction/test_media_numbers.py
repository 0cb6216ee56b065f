import pyarrow as pa
import pytest

from pipeline.cleaning.sound import AUDIO_SCHEMA
from pipeline.extraction.media_numbers import bound_numbers, measure_media
from pipeline.store.index import rowless
from pipeline.store.provenance import Provenance
from pipeline.store.reader import open_media
from pipeline.store.writer import Made, StoreWriter
from pipeline.words.texts import TEXT_SCHEMA


def measure(tmp_path, modality, made):
    """Numbers of a store of clips that are `made`, and of one of which there is nothing."""
    with StoreWriter(tmp_path / "work", Provenance(modality, {}), "parquet") as writer:
        for name, own in made.items():
            writer.add(name, name, own)
        writer.close_part()
        locations = writer.locate({name: name for name in made})
        writer.publish(tmp_path / modality, {**locations, "none": rowless("none")}, [])
    store = open_media(tmp_path / modality)
    return measure_media(modality, store, store)


def test_sound_has_a_length_and_a_loudness(tmp_path):
    row = {"clip_id": "a", "hz": 16_000, "samples": 1, "flac": b""}
    facts = {"duration_seconds": 3.5, "loudness_dbfs": -21.0, "fps": None}
    sound = Made(pa.Table.from_pylist([row], schema=AUDIO_SCHEMA), facts=facts)
    assert measure(tmp_path, "audio", {"a": sound}) == {"a": {"seconds": 3.5, "loudness": -21.0}}


def test_faces_have_a_size_a_share_of_the_frames_and_a_pace(tmp_path):
    rows = pa.table({"seconds": [0.0, 0.2, 0.4, 1.4], "size": [30.0, 50.0, 54.0, 90.0]})
    found = measure(tmp_path, "face", {"a": Made(rows, facts={"frames": 8})})
    assert found == {"a": {"seconds": 1.4, "pixels": 52.0, "share": 0.5, "step": 0.2}}


def test_frames_have_a_height(tmp_path):
    found = measure(tmp_path, "scene", {"a": Made(pa.table({"frame": [0]}), facts={"height": 720})})
    assert found == {"a": {"pixels": 720.0}}


def test_words_have_a_number_scripts_and_the_language_that_was_heard(tmp_path):
    row = {"clip_id": "a", "start_seconds": 0.0, "end_seconds": 1.0, "text": "Ja, \u0434\u0430 2!"}
    said = Made(pa.Table.from_pylist([row], schema=TEXT_SCHEMA), facts={"language": "de"})
    expected = {"words": 3.0, "letters LATIN": 0.5, "letters CYRILLIC": 0.5, "language de": 1.0}
    assert measure(tmp_path, "text", {"a": said}) == {"a": expected}


def test_bounds_leave_out_the_least_and_the_greatest_of_a_hundred():
    measured = [{"pixels": float(n)} for n in range(101)]
    assert bound_numbers(measured) == {"pixels": [1.0, 99.0]}


def test_a_share_of_what_is_not_there_is_nothing_and_a_number_that_is_not_known_is_left_out():
    found = bound_numbers([{"letters LATIN": 1.0, "step": 0.2}, {"letters GREEK": 1.0}])
    assert found["letters GREEK"] == pytest.approx([0.01, 0.99])
    assert found["step"] == [0.2, 0.2]
