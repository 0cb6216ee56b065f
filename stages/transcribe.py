"""Stage `transcribe`: the words of each clip."""

from pipeline.clips import CLEAN_SCHEMA, read_clips
from pipeline.paths import CLIPS, DATA, PROJECT
from pipeline.stage import run_stage
from pipeline.store.work import locate_work_store
from pipeline.transcripts import pack_transcripts


def main() -> None:
    """Write data/text."""
    clips = read_clips(CLIPS / "clips.parquet", CLEAN_SCHEMA)
    pack_transcripts(clips, DATA / "text", locate_work_store(PROJECT))


if __name__ == "__main__":
    run_stage(main)
