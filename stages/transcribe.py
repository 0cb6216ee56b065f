"""Stage `transcribe`: the words of each clip."""

from pipeline.labels.clips import CLEAN_SCHEMA, read_clips
from pipeline.params import parse_plain, read_checked
from pipeline.paths import CLIPS, DATA, PROJECT
from pipeline.stage import run_stage
from pipeline.store.work import locate_work_store
from pipeline.words.params import TranscribeParams
from pipeline.words.transcripts import transcribe_corpus


def main() -> None:
    """Write data/text."""
    params = parse_plain(read_checked(), TranscribeParams)
    clips = read_clips(CLIPS / "clips.parquet", CLEAN_SCHEMA)
    work = locate_work_store(PROJECT)
    transcribe_corpus(clips, DATA / "audio", DATA / "text", work, params)


if __name__ == "__main__":
    run_stage(main, [DATA / "text"])
