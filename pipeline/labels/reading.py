"""Reading a corpus: its own files → what it holds, checked."""

from pathlib import Path

from pipeline.errors import CorpusError, ParamsError
from pipeline.labels.checks import check_corpus
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.params import CORPORA, CorpusParams
from pipeline.labels.inside import check_inside, check_links


def read_corpus(params: CorpusParams, name: str) -> Corpus:
    """What corpus `name` holds; raises CorpusError or ParamsError, which says whose."""
    try:
        if not params.follow:
            check_links(Path(params.root))
        corpus: Corpus = CORPORA.load(params.kind).read(params)
    except (CorpusError, ParamsError) as error:
        raise type(error)(*(f"corpora.{name}: {told}" for told in error.args)) from error
    check_corpus(corpus, name)
    check_inside(corpus.clips, {name: params})
    return corpus
