"""Overview: everything the page of all heads is made of, read from what the stages left."""

from collections.abc import Sequence

from pipeline.evaluation.judgement import Comparison, SplitName, compare_heads
from pipeline.evaluation.params import EvaluateParams
from pipeline.paths import DATA, FACE_COUNTS, FEATURES, PROJECT
from pipeline.report.face_summaries import read_counts
from pipeline.report.index_page import Overview
from pipeline.report.params import ReportParams
from pipeline.report.summary import HeadSummary, read_summaries
from pipeline.store.ledger import Entry, read_ledger

DATA_LEDGERS = ("labels", "clips", "audio", "face", "scene", "text")
"""Folders below data/ that have a ledger, in the order of the stages."""


def read_overview(
    names: Sequence[str], report: ReportParams, evaluate: EvaluateParams, params_yaml: str
) -> Overview:
    """Heads of these `names`, compared on every opened split, with all ledgers.

    `params_yaml` is the text of the file that asked for them.
    """
    heads = read_summaries(PROJECT, names)
    return Overview(
        heads=heads,
        comparisons=_compare(heads, evaluate),
        ledger=_read_ledgers(heads),
        faces=read_counts(PROJECT / FACE_COUNTS),
        params_yaml=params_yaml,
        report=report,
        evaluate=evaluate,
    )


def _compare(heads: Sequence[HeadSummary], params: EvaluateParams) -> list[Comparison]:
    """One comparison for each split that was opened."""
    emotions = heads[0].recipe.emotions
    opened: list[SplitName] = ["val", "test"] if params.test else ["val"]
    predictions = {head.name: head.predictions for head in heads}
    return [compare_heads(predictions, emotions, split, params) for split in opened]


def _read_ledgers(heads: Sequence[HeadSummary]) -> list[Entry]:
    """Entries of every stage; of the feature sets, those that a head reads."""
    sets = sorted({name for head in heads for name in head.sets.values()})
    folders = [*(DATA / name for name in DATA_LEDGERS), *(FEATURES / name for name in sets)]
    return [entry for folder in folders for entry in read_ledger(folder / "ledger.parquet")]
