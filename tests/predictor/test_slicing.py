from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from pipeline.cleaning.sound import AUDIO_SCHEMA
from pipeline.faces.tables import SCENE_SCHEMA
from pipeline.labels.clips import Clip
from pipeline.media import AUDIO_HZ
from pipeline.media.audio import encode_flac
from pipeline.media.inputs import read_sound
from pipeline.predictor.slicing import slice_media
from pipeline.predictor.timing import Spacing
from pipeline.store.index import rowless
from pipeline.store.provenance import Provenance
from pipeline.store.reader import open_media
from pipeline.store.writer import Made, StoreWriter

CLIP = Clip(clip_id="media/a", corpus="media", path="a", duration_seconds=4.0)
TIMINGS = {"media/a": Spacing(window_seconds=2.0).lay_times(CLIP, causal=False)}
SAMPLES = np.sin(np.arange(4 * AUDIO_HZ) / 20).astype(np.float32) / 2


def slice_rows(tmp_path, modality, rows, schema, faces=None):
    """Stretches of a clip with these rows, from 0 to 2 and from 2 to 4 s."""
    timings = {"media/a": replace(TIMINGS["media/a"], faces=faces)}
    packed, work = tmp_path / "packed", tmp_path / "work"
    with StoreWriter(work, Provenance("made", {}), "parquet", schema) as writer:
        writer.add("media/a", "key", Made(pa.Table.from_pylist(rows, schema=schema)))
        writer.close_part()
        writer.publish(packed, writer.locate({"media/a": "key"}), [])
    slice_media(modality, open_media(packed), timings, tmp_path / "sliced", work)
    sliced = open_media(tmp_path / "sliced")
    return [sliced[f"media/a@{place}"] for place in (0, 1)]


def test_sound_is_cut_at_samples(tmp_path):
    flac = encode_flac(SAMPLES, AUDIO_HZ)
    row = {"clip_id": "media/a", "hz": AUDIO_HZ, "samples": len(SAMPLES), "flac": flac}
    first, second = (
        read_sound(t).samples for t in slice_rows(tmp_path, "audio", [row], AUDIO_SCHEMA)
    )
    assert len(first) == len(second) == 2 * AUDIO_HZ
    np.testing.assert_allclose(np.concatenate([first, second]), SAMPLES, atol=1e-4)


def test_frames_begin_anew_and_a_stretch_without_any_has_no_rows(tmp_path):
    rows = [
        {"clip_id": "media/a", "frame": frame, "seconds": seconds, "jpeg": b""}
        for frame, seconds in ((50, 2.0), (75, 3.0))
    ]
    first, second = slice_rows(tmp_path, "scene", rows, SCENE_SCHEMA)
    assert first is None
    assert second["seconds"].to_pylist() == [0.0, 1.0]
    assert second["frame"].to_pylist() == [50, 75]


@pytest.mark.parametrize(("modality", "frames"), [("face", [2, 3]), ("scene", [0, 1, 2, 3])])
def test_of_faces_the_last_so_many_count(tmp_path, modality, frames):
    rows = [
        {"clip_id": "media/a", "frame": frame, "seconds": frame / 2, "jpeg": b""}
        for frame in range(8)
    ]
    first, _ = slice_rows(tmp_path, modality, rows, SCENE_SCHEMA, faces=2)
    assert first["frame"].to_pylist() == frames


def test_a_clip_without_rows_has_stretches_without_any(tmp_path):
    work = tmp_path / "work"
    with StoreWriter(work, Provenance("made", {}), "parquet", AUDIO_SCHEMA) as writer:
        writer.publish(tmp_path / "packed", {"media/a": rowless("media/a")}, [])
    slice_media("audio", open_media(tmp_path / "packed"), TIMINGS, tmp_path / "sliced", work)
    sliced = open_media(tmp_path / "sliced")
    assert [sliced.has_rows(clip_id) for clip_id in sliced] == [False, False]
