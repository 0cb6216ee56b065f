"""Heads as reports see them, read from their folders."""

import csv
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path

import pyarrow as pa

from pipeline.errors import StoreError
from pipeline.evaluation.pairing import check_predictions, list_words, select_rows
from pipeline.evaluation.ranking import rank_heads
from pipeline.evaluation.records import Evaluation
from pipeline.evaluation.table import NOTHING, PREDICTIONS_SCHEMA
from pipeline.heads.recipes import Recipe, read_recipe
from pipeline.limits import MOST_HISTORY, MOST_ROWS
from pipeline.modalities import MODALITIES, modality_of
from pipeline.report.formats import is_better_low
from pipeline.store.records import read_bytes, read_record
from pipeline.store.tables import read_table

BASELINE = "linear"
"""Kind of the head that all others must beat."""

DROP = 0.10
"""From validation to test, a drop of a metric from this on is told: ten points."""


@dataclass(frozen=True)
class HeadSummary:
    """One head: how it did, how it was made, what each epoch measured, and what it predicts.

    `history` has the rows of `history.csv` as text; it is empty for a head solved exactly. Of a
    head that is read, `predictions` are those from all its inputs.
    """

    evaluation: Evaluation
    recipe: Recipe
    history: list[dict[str, str]]
    predictions: pa.Table

    @property
    def name(self) -> str:
        """Name of the head."""
        return self.evaluation.head

    @property
    def kind(self) -> str:
        """Member of the family of heads."""
        return self.recipe.kind

    @property
    def sets(self) -> dict[str, str]:
        """Modality → feature set, or the several of a joint set, in the order of modalities."""
        inputs = self.recipe.inputs
        names = {
            modality: [
                made.name for stream, made in inputs.items() if modality_of(stream) == modality
            ]
            for modality in MODALITIES
        }
        return {modality: " + ".join(found) for modality, found in names.items() if found}

    @property
    def fused(self) -> bool:
        """Whether the head reads more than one modality."""
        return len(self.sets) > 1

    @property
    def transductive(self) -> bool:
        """Whether it has looked at other clips of those whom it is judged on."""
        return self.recipe.params.get("normalisation") == "subject"

    @property
    def drops(self) -> dict[str, tuple[float, float]]:
        """Metric → its values on validation and on an opened test that is DROP or more below.

        The widest drop comes first; metrics of which less is better are left out.
        """
        val = self.evaluation.splits["val"].metrics
        test = self.evaluation.splits["test"].metrics if "test" in self.evaluation.splits else {}
        both = {
            metric: (val[metric].value, found.value)
            for metric, found in test.items()
            if not is_better_low(metric)
        }
        known = {m: (v, t) for m, (v, t) in both.items() if v is not None and t is not None}
        order = sorted(known, key=lambda metric: known[metric][1] - known[metric][0])
        return {m: known[m] for m in order if round(known[m][0] - known[m][1], 6) >= DROP}

    @cached_property
    def seen(self) -> dict[str, list[str]]:
        """Modality → corpora that the head is judged on and its encoder was trained on, if any.

        Names are compared in upper case or lower.
        """
        judged = {corpus.casefold() for corpus in list_words(self.predictions["corpus"])}
        found: dict[str, list[str]] = {modality: [] for modality in self.sets}
        for stream, made in self.recipe.inputs.items():
            known = found[modality_of(stream)]
            for corpus in made.provenance.get("seen_corpora", ()):
                if corpus.casefold() in judged and corpus not in known:
                    known.append(corpus)
        return {modality: corpora for modality, corpora in found.items() if corpora}


def read_summaries(models: Path, reports: Path, heads: Sequence[str]) -> list[HeadSummary]:
    """Summaries of `heads`, in their order, each with a folder in `models` and in `reports`.

    Raises StoreError where a file is absent or damaged.
    """
    found = [_read_summary(models / head, reports / head) for head in heads]
    for head in found:
        if head.evaluation.splits.keys() != found[0].evaluation.splits.keys():
            raise StoreError(
                f"{reports / head.name}: expected the splits of {found[0].name}, got others; run "
                f"`dvc repro` to judge both alike"
            )
    return found


def read_history(folder: Path, runs: Container[str]) -> list[dict[str, str]]:
    """Rows of the history of the head in `folder`; raises StoreError where it is none of `runs`."""
    path = folder / "history.csv"
    text = read_bytes(path, "the history of a head", "run `dvc repro` or `dvc checkout`")
    try:
        if len(text) > MOST_HISTORY:
            raise ValueError(f"expected at most {MOST_HISTORY:,} bytes, got {len(text):,}")
        # Not `DictReader`, which fills short rows up to any width.
        columns, *lines = filter(None, csv.reader(StringIO(text.decode("utf-8")), strict=True))
        rows = [dict(zip(columns, cells, strict=True)) for cells in lines]
    except (ValueError, csv.Error) as error:
        raise StoreError(f"{path}: not a readable history ({error}); run `dvc checkout`") from error
    for row in rows:
        _check_epoch(path, row, runs)
    return rows


def _check_epoch(path: Path, row: Mapping[str, str], runs: Container[str]) -> None:
    """Raise StoreError unless a row has one of `runs`, an epoch, and numbers or nothing."""
    try:
        epoch = int(row["epoch"])
        measured = [float(row[name] or 0) for name in row.keys() - {"run", "epoch"}]
        sound = row["run"] in runs and bool(measured) and 0 <= epoch < MOST_ROWS
    except (KeyError, ValueError):
        sound = False
    if not sound:
        raise StoreError(
            f"{path}: expected a run of its recipe, an epoch and numbers, got {dict(row)}; run "
            f"`dvc checkout`"
        )


def rank_summaries(heads: Sequence[HeadSummary]) -> list[HeadSummary]:
    """`heads`, best first, by validation alone."""
    named = {head.name: head for head in heads}
    return [named[name] for name in rank_heads(head.evaluation for head in heads)]


def set_apart(heads: Sequence[HeadSummary]) -> tuple[list[HeadSummary], list[HeadSummary]]:
    """Heads that are ranked, best first, and those that are transductive, ranked by themselves.

    The latter are none where all are: then they are the ones that are ranked.
    """
    ranked = rank_summaries([head for head in heads if not head.transductive])
    apart = rank_summaries([head for head in heads if head.transductive])
    return (ranked, apart) if ranked else (apart, [])


def find_baseline(ranked: Sequence[HeadSummary]) -> HeadSummary | None:
    """The thing to beat: of the linear heads the first of `ranked`; None where there is none."""
    return next((head for head in ranked if head.kind == BASELINE), None)


def _read_summary(model: Path, folder: Path) -> HeadSummary:
    evaluation = _read_evaluation(folder / "evaluation.json")
    # Reports compare heads as they are: what was predicted without a modality stays out of memory,
    # most of the rows where a head reads several.
    predictions = select_rows(
        read_table(folder / "predictions.parquet", PREDICTIONS_SCHEMA), withheld=NOTHING
    )
    check_predictions(model.name, predictions)
    recipe = read_recipe(model)
    return HeadSummary(
        evaluation=evaluation,
        recipe=recipe,
        history=read_history(model, recipe.priors),
        predictions=predictions,
    )


def _read_evaluation(path: Path) -> Evaluation:
    remedy = "run `dvc repro` to judge the head anew"
    read = read_record(path, Evaluation, "an evaluation", remedy)
    if read.head != path.parent.name:
        raise StoreError(
            f"{path}: expected the evaluation of {path.parent.name}, got that of {read.head!r}; "
            f"{remedy}"
        )
    return read
