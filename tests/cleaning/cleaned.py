"""A few files cleaned, and what the ledgers say of them."""

from pathlib import Path

from pipeline.cleaning.params import CleanParams
from pipeline.cleaning.sound import clean_corpus
from pipeline.labels.clips import CLEAN_SCHEMA, read_clips
from pipeline.store.ledger import read_ledger
from tests.makers import make_clips


def clean_files(folder, paths, kept=frozenset(), **options):
    """Write `folder`/out of `paths` (clip id → file); any share of them may be left out."""
    params = CleanParams(workers=1, allowed_share=1.0, **options)
    clean_corpus(make_clips(paths), params, kept, folder / "out", folder / "work")
    return folder / "out"


def tell(out: Path, words=None):
    """(clip, status, reason) of the ledgers of clips and sound; those of `words` alone, if any."""
    entries = [e for name in ("clips", "audio") for e in read_ledger(out / name / "ledger.parquet")]
    return {
        (entry.clip_id, entry.status, entry.reason)
        for entry in entries
        if words is None or entry.reason in words
    }


def list_kept(out: Path):
    return [clip.clip_id for clip in read_clips(out / "clips" / "clips.parquet", CLEAN_SCHEMA)]
