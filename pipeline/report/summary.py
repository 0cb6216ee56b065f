"""Heads as the report sees them: read from their folders, and summed up on the terminal."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.errors import StoreError
from pipeline.evaluation.judgement import Evaluation, SplitName, rank_heads
from pipeline.heads.recipes import Recipe, read_recipe
from pipeline.paths import HEAD_REPORTS, MODELS
from pipeline.prediction.table import PREDICTIONS_SCHEMA
from pipeline.report.formats import DASH, name_metric, write_number
from pipeline.rows import MODALITIES
from pipeline.store.tables import read_table

BASELINE = "linear"
"""Kind of the head that all others must beat."""

SUMMED = ("ccc_mean", "uar", "accuracy")
"""Metrics that stand for a head where there is room for few."""

_PLAIN_WIDTH = 132


@dataclass(frozen=True)
class HeadSummary:
    """One head: how it did, how it was made, what each epoch measured, and what it predicts.

    `history` has the rows of `history.csv` as text; it is empty for a head solved exactly.
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
        return str(self.recipe.params["kind"])

    @property
    def sets(self) -> dict[str, str]:
        """Modality → feature set, in the order of modalities."""
        inputs = self.recipe.inputs
        return {modality: inputs[modality].name for modality in MODALITIES if modality in inputs}

    @property
    def fused(self) -> bool:
        """Whether the head reads more than one modality."""
        return len(self.recipe.inputs) > 1

    @cached_property
    def seen(self) -> dict[str, list[str]]:
        """Modality → corpora that the head is judged on and its encoder was trained on, if any.

        A corpus is what the ids of its clips begin with, in upper case or lower.
        """
        clip_ids = pc.unique(self.predictions["clip_id"]).to_pylist()
        judged = {clip_id.split("/", 1)[0].casefold() for clip_id in clip_ids}
        stated = {
            modality: self.recipe.inputs[modality].provenance.get("seen_corpora", ())
            for modality in self.sets
        }
        found = {
            modality: [corpus for corpus in corpora if corpus.casefold() in judged]
            for modality, corpora in stated.items()
        }
        return {modality: corpora for modality, corpora in found.items() if corpora}


def read_summaries(project: Path, heads: Sequence[str]) -> list[HeadSummary]:
    """Summaries of `heads`, in their order; raises StoreError where a file is absent or damaged."""
    return [_read_summary(project, head) for head in heads]


def read_history(folder: Path) -> list[dict[str, str]]:
    """Rows of the history of the head in `folder`; raises StoreError where it is absent."""
    path = folder / "history.csv"
    try:
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError as error:
        raise StoreError(f"{path}: no such file; run `dvc repro` or `dvc checkout`") from error


def rank_summaries(heads: Sequence[HeadSummary]) -> list[HeadSummary]:
    """`heads`, best first, by validation alone."""
    named = {head.name: head for head in heads}
    return [named[name] for name in rank_heads(head.evaluation for head in heads)]


def find_baseline(ranked: Sequence[HeadSummary]) -> HeadSummary | None:
    """The thing to beat: of the linear heads the first of `ranked`; None where there is none."""
    return next((head for head in ranked if head.kind == BASELINE), None)


def print_summary(heads: Sequence[HeadSummary], console: Console | None = None) -> None:
    """Print a table of `heads`, best first, to `console`, by default standard output."""
    console = console or Console()
    if not console.is_terminal:
        console = Console(file=console.file, width=_PLAIN_WIDTH)
    console.print(_tabulate(rank_summaries(heads)))


def _read_summary(project: Path, head: str) -> HeadSummary:
    folder, model = project / HEAD_REPORTS / head, project / MODELS / head
    return HeadSummary(
        evaluation=_read_evaluation(folder / "evaluation.json"),
        recipe=read_recipe(model),
        history=read_history(model),
        predictions=read_table(folder / "predictions.parquet", PREDICTIONS_SCHEMA),
    )


def _read_evaluation(path: Path) -> Evaluation:
    try:
        return Evaluation.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise StoreError(f"{path}: no such file; run `dvc repro` or `dvc checkout`") from error
    except ValidationError as error:
        mistake = error.errors()[0]
        raise StoreError(
            f"{path}: not an evaluation ({mistake['loc']}: {mistake['msg']})"
        ) from error


def _tabulate(heads: Sequence[HeadSummary]) -> Table:
    splits = list(heads[0].evaluation.splits)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("head", overflow="fold")
    table.add_column("reads")
    for split in splits:
        for metric in SUMMED:
            table.add_column(f"{split}\n{name_metric(metric)}", justify="right")
    marked = (("best", heads[0]), ("to beat", find_baseline(heads)))
    for head in heads:
        marks = [word for word, chosen in marked if head is chosen]
        marks += ["has seen the corpus"] if head.seen else []
        style = "bold" if head is heads[0] else None
        table.add_row(*_row(head, splits, marks), style=style)
    return table


def _row(head: HeadSummary, splits: Sequence[SplitName], marks: Sequence[str]) -> Iterator[Text]:
    yield Text(head.name + (f" ({', '.join(marks)})" if marks else ""))
    yield Text(" + ".join(head.sets))
    for split in splits:
        for metric in SUMMED:
            value = head.evaluation.splits[split].metrics[metric].value
            yield Text(DASH if value is None else write_number(value))
