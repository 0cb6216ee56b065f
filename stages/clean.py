"""Stage `clean`: usable clips and their sound."""

from pathlib import Path

from pipeline.cleaning.params import CleanParams
from pipeline.cleaning.sound import clean_corpus
from pipeline.engines import EngineParams
from pipeline.labels.clips import LABELS_SCHEMA, read_clips
from pipeline.labels.inside import check_inside
from pipeline.params import parse_corpora, parse_plain, read_checked
from pipeline.paths import CLIPS, DATA, LABELS, PROJECT
from pipeline.stage import held_still, run_stage
from pipeline.store.ledger import read_ledger
from pipeline.store.work import locate_work_store


def main() -> None:
    """Write data/clips, data/audio and data/findings."""
    sections = read_checked()
    params, engine = parse_plain(sections, CleanParams), parse_plain(sections, EngineParams)
    corpora = parse_corpora(sections)
    clips = read_clips(LABELS / "clips.parquet", LABELS_SCHEMA)
    check_inside(clips, corpora)  # the table may be a stranger's
    kept = frozenset(entry.clip_id for entry in read_ledger(LABELS / "kept.parquet"))
    work = locate_work_store(PROJECT)
    with held_still(*(Path(corpus.depends_on) for corpus in corpora.values())):
        clean_corpus(clips, params, kept, DATA, work, engine=engine)


if __name__ == "__main__":
    run_stage(main, [CLIPS, DATA / "audio", DATA / "findings"])
