"""A store of tones, as `clean` leaves it, and feature sets made of it."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from pipeline.cleaning.sound import AUDIO_SCHEMA, PROVENANCE
from pipeline.encoders.params import ENCODERS, FeatureParams
from pipeline.media.audio import encode_flac
from pipeline.sections import parse_section
from pipeline.store.writer import Made, StoreWriter
from tests.makers import tone

HZ = 16_000


def pack_tones(out: Path, seconds: Mapping[str, float]) -> Path:
    """Store of audio at `out`: clip_id → seconds of a tone."""
    with StoreWriter(out.parent / ".tones", PROVENANCE, "parquet") as writer:
        keys = {clip_id: f"{length}" for clip_id, length in seconds.items()}
        for clip_id in writer.missing(keys, out):
            writer.add(clip_id, keys[clip_id], Made(_make_sound(clip_id, seconds[clip_id])))
        writer.close_part()
        writer.publish(out, writer.locate(keys), [])
    return out


def make_mfcc(**options: object) -> FeatureParams:
    """Params of a set of `mfcc`."""
    given = {"modality": "audio", "encoder": "mfcc", **options}
    params: FeatureParams = parse_section(ENCODERS.find("mfcc").params, given, "features.mfcc")
    return params


def _make_sound(clip_id: str, seconds: float) -> pa.Table:
    samples = tone(seconds, HZ)[0]
    row = {"clip_id": clip_id, "hz": HZ, "samples": len(samples), "flac": encode_flac(samples, HZ)}
    return pa.Table.from_pylist([row], schema=AUDIO_SCHEMA)
