"""Several heads as one, and what a labelled corpus says of them, for people and programs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from pipeline.cli.lines import say
from pipeline.cli.predictions import check_names, find_head
from pipeline.labels.joining import Classes
from pipeline.predictor.fusion import FusedPredictor, Member
from pipeline.predictor.labelled import LabelledClips, choose_clips, find_corpus, read_labelled
from pipeline.predictor.making import Running
from pipeline.predictor.predictor import Predictor
from pipeline.predictor.scoring import Scored, check_scored, score_corpus, tell_seen
from pipeline.report.formats import name_metric, write_interval, write_number

SHOWN = ("accuracy", "uar", "macro_f1")


def split_weight(given: str) -> tuple[str, float]:
    """Name of a head and its weight, 1 where none is given.

    >>> split_weight("models/face:0.6"), split_weight("face"), split_weight("C:/face")
    (('models/face', 0.6), ('face', 1.0), ('C:/face', 1.0))
    """
    name, _, weight = given.rpartition(":")
    try:
        return (name, float(weight)) if name else (given, 1.0)
    except ValueError:
        return given, 1.0


def load_members(
    heads: Sequence[str], bundles: Sequence[str], running: Running, *, join: bool
) -> list[Member]:
    """Predictors of `heads` and `bundles`, with their weights where they are to `join`.

    Raises as `Predictor.load`, `from_pretrained` and `check_names` do.
    """
    members = []
    for given, bundled in (*((name, False) for name in heads), *((name, True) for name in bundles)):
        name, weight = split_weight(given) if join else (given, 1.0)
        if bundled:
            predictor = Predictor.from_pretrained(name, running=running)
        else:
            predictor = Predictor.load(find_head(name), running)
        members.append(Member(predictor, weight))
    check_names([member.name for member in members])
    return members


def unite_heads(members: Sequence[Member], classes: Classes, *, join: bool) -> list[FusedPredictor]:
    """All as one where they are to `join`, else each by itself, in the words of `classes`."""
    groups = [members] if join else [[member] for member in members]
    return [FusedPredictor(group, classes) for group in groups]


@dataclass(frozen=True)
class Judging:
    """A corpus that judges heads, the folder it is in, how many clips of each class, and results'.

    None for the project's own folder, and for all clips.
    """

    corpus: str
    root: Path | None
    most: int | None
    out: Path


def judge_heads(heads: Sequence[FusedPredictor], asked: Judging, *, as_json: bool) -> None:
    """Say what each of `heads` is worth on a labelled corpus, and write it to a folder."""
    labelled = read_labelled(asked.corpus, find_corpus(asked.corpus, asked.root))
    for predictor in heads:
        check_scored(predictor)
    for predictor in heads:
        head, emotions = predictor.recipe.head, predictor.recipe.emotions
        chosen = choose_clips(labelled, emotions, predictor.classes, asked.most)
        for line in (*tell_left(chosen, head), *tell_seen(predictor, chosen)):
            say(line, err=True)
        scored = score_corpus(predictor, chosen, asked.corpus, asked.out)
        if as_json:
            typer.echo(write_score(scored, head, asked.corpus))
        else:
            say(tell_scored(scored, head, asked.corpus))
        table = asked.out / f"{head}.{asked.corpus}.csv"
        say(f"{table}: {len(chosen.clips):,} clips, and a picture beside it", err=as_json)


def tell_left(chosen: LabelledClips, head: str) -> Iterator[str]:
    """A line on the clips that cannot be judged, if there are any."""
    if chosen.left:
        told = ", ".join(f"{name or 'no label'} {n:,}" for name, n in chosen.left.most_common())
        yield f"left out: {chosen.left.total():,} clips of no class of {head} ({told})"


def tell_scored(scored: Scored, head: str, corpus: str) -> str:
    """What a head is worth on a corpus, in a line."""
    told = []
    for metric in SHOWN:
        estimate = scored.metrics[metric]
        interval = f" ({found})" if (found := write_interval(estimate)) else ""
        told.append(f"{name_metric(metric)} {write_number(estimate.value)}{interval}")
    covered = scored.metrics["accuracy"]
    return (
        f"{corpus} by {head}: {', '.join(told)}; {covered.covered:,} of {covered.annotated:,} clips"
    )


def write_score(scored: Scored, head: str, corpus: str) -> str:
    """The same as a line of JSON, with all metrics, and with what the head knows of the corpus."""
    values = {metric: estimate.value for metric, estimate in scored.metrics.items()}
    seen = list(scored.seen)
    return json.dumps({"head": head, "corpus": corpus, "metrics": values, "seen": seen})
