"""Overview: what the page of all heads says beside each of them."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.evaluation.comparing import compare_heads
from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.records import Comparison, SplitName
from pipeline.report.summary import HeadSummary, set_apart
from pipeline.store.ledger import Entry, read_ledger

DATA_LEDGERS = ("labels", "clips", "audio", "face", "scene", "text")
"""Folders below data/ that have a ledger, in the order of the stages."""


def compare_opened(heads: Sequence[HeadSummary], params: EvaluateParams) -> list[Comparison]:
    """One comparison of the `heads` that are ranked for each split that `params` open."""
    classes = heads[0].recipe.emotions
    for head in heads:
        if head.recipe.emotions != classes:
            raise StoreError(
                f"{head.name}: expected the classes of {heads[0].name}, {', '.join(classes)}, got "
                f"{', '.join(head.recipe.emotions)}; run `dvc repro` to train both anew"
            )
    opened: list[SplitName] = ["val", "test"] if params.test else ["val"]
    apart = {head.name for head in set_apart(heads)[1]}
    predictions = {head.name: head.predictions for head in heads if head.name not in apart}
    return [compare_heads(predictions, classes, split, params) for split in opened]


def read_ledgers(heads: Sequence[HeadSummary], data: Path, features: Path) -> list[Entry]:
    """Entries of every stage; of the sets in `features`, those of sets that a head reads."""
    sets = sorted({made.name for head in heads for made in head.recipe.inputs.values()})
    folders = [*(data / name for name in DATA_LEDGERS), *(features / name for name in sets)]
    return [entry for folder in folders for entry in read_ledger(folder / "ledger.parquet")]
