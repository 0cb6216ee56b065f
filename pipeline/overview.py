"""Overview: everything the page of all heads is made of, read from what the stages left."""

from pathlib import Path

from pipeline.evaluation import Comparison, SplitName, compare_heads
from pipeline.ledger import Entry, read_ledger
from pipeline.params import PARAMS_PATH, Params
from pipeline.paths import DATA, FEATURES, PROJECT
from pipeline.report.index_page import Overview
from pipeline.report.summary import HeadSummary, read_summaries

DATA_LEDGERS = ("labels", "clips", "audio", "face", "scene", "text")
"""Folders below data/ that have a ledger, in the order of the stages."""


def read_overview(params: Params) -> Overview:
    """Heads named in `params`, compared on every opened split, with all ledgers."""
    heads = read_summaries(PROJECT, list(params.heads))
    return Overview(
        heads=heads,
        comparisons=_compare(heads, params),
        ledger=_read_ledgers(params),
        params_yaml=PARAMS_PATH.read_text(encoding="utf-8"),
        report=params.report,
        evaluate=params.evaluate,
    )


def _compare(heads: list[HeadSummary], params: Params) -> list[Comparison]:
    """One comparison for each split that was opened."""
    emotions = heads[0].recipe.emotions
    opened: list[SplitName] = ["val", "test"] if params.evaluate.test else ["val"]
    predictions = {head.name: head.predictions for head in heads}
    return [compare_heads(predictions, emotions, split, params.evaluate) for split in opened]


def _read_ledgers(params: Params) -> list[Entry]:
    """Entries of every stage; of the feature sets, those that a head reads."""
    sets = {name for head in params.heads.values() for name in head.inputs.sets().values()}
    folders: list[Path] = [
        *(DATA / name for name in DATA_LEDGERS),
        *(FEATURES / name for name in sorted(sets)),
    ]
    return [entry for folder in folders for entry in read_ledger(folder / "ledger.parquet")]
