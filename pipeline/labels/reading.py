"""Reading a corpus: its own files → what it holds, checked, and kept in a folder of `data/corpora`.

What is kept there is all of it, unplaced: other corpora, overrides and splits come later.
"""

from pathlib import Path

from pipeline.errors import CorpusError, ParamsError
from pipeline.files import write_json
from pipeline.labels.checks import check_corpus
from pipeline.labels.clip_labels import FRAMES_SCHEMA, read_targets, write_targets
from pipeline.labels.clips import LABELS_SCHEMA, read_clips, write_clips
from pipeline.labels.corpora import Corpus
from pipeline.labels.corpora.params import CORPORA, CorpusParams
from pipeline.labels.emotions import read_names, write_names
from pipeline.labels.inside import check_inside
from pipeline.sections import Section
from pipeline.store.ledger import read_ledger, write_ledger
from pipeline.store.records import read_record
from pipeline.store.tables import read_table, write_table


class Remarks(Section):
    """What is said of a corpus beside its tables: clips known to be bad, and what was assumed."""

    quarantine: dict[str, str]
    remarks: list[str]


def read_corpus(params: CorpusParams, name: str) -> Corpus:
    """What corpus `name` holds; raises CorpusError or ParamsError, which says whose."""
    try:
        corpus: Corpus = CORPORA.load(params.kind).read(params)
    except (CorpusError, ParamsError) as error:
        raise type(error)(*(f"corpora.{name}: {told}" for told in error.args)) from error
    check_corpus(corpus, name)
    check_inside(corpus.clips, {name: params})
    return corpus


def write_corpus(folder: Path, corpus: Corpus) -> None:
    """Write `corpus` into `folder`, each file whole."""
    write_clips(folder / "clips.parquet", corpus.clips, LABELS_SCHEMA)
    write_targets(folder / "targets.parquet", corpus.targets)
    write_table(folder / "frames.parquet", corpus.frames)
    write_names(folder / "names.json", corpus.names)
    write_ledger(folder / "ledger.parquet", corpus.entries)
    said = Remarks(quarantine=dict(corpus.quarantine), remarks=list(corpus.remarks))
    write_json(folder / "remarks.json", said.model_dump())


def read_written(folder: Path) -> Corpus:
    """Corpus that `write_corpus` wrote into `folder`.

    Raises StoreError where a file is absent or of another form, and CorpusError as `check_corpus`.
    """
    remedy = f"run `dvc repro corpus@{folder.name}`"
    said = read_record(folder / "remarks.json", Remarks, "remarks on a corpus", remedy)
    corpus = Corpus(
        clips=read_clips(folder / "clips.parquet", LABELS_SCHEMA),
        targets=read_targets(folder / "targets.parquet"),
        names=read_names(folder / "names.json"),
        frames=read_table(folder / "frames.parquet", FRAMES_SCHEMA),
        quarantine=said.quarantine,
        entries=read_ledger(folder / "ledger.parquet"),
        remarks=said.remarks,
    )
    check_corpus(corpus, folder.name)  # the folder may be a stranger's
    return corpus
