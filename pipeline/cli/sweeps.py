"""Sweeps for people: what was tried, best first, and the experiments that make a trial a head."""

import shlex
from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table

from pipeline.cli.printing import tabulate
from pipeline.encoders.params import FeatureParams
from pipeline.report.formats import name_metric, write_number
from pipeline.sweeps.outcomes import Ranked
from pipeline.sweeps.running import Sweep
from pipeline.sweeps.trials import list_overrides


def tabulate_trials(ranked: Sequence[Ranked]) -> Table:
    """One row per trial, the first one in bold."""
    metrics = list(ranked[0].values) if ranked else []
    columns = ("trial", *(f"val\n{name_metric(metric)}" for metric in metrics), "seeds", "seconds")
    table = tabulate(columns, map(_list_cells, ranked))
    for column in table.columns[1:]:
        column.justify = "right"
    if ranked:
        table.rows[0].style = "bold"
    return table


def _list_cells(one: Ranked) -> tuple[str, ...]:
    values = (
        write_number(mean) + (f" ± {write_number(spread)}" if spread is not None else "")
        for mean, spread in one.values.values()
    )
    return (one.trial, *values, str(one.seeds), f"{one.seconds:.1f}")


def list_commands(
    sweep: Sweep, head: str, features: Mapping[str, FeatureParams]
) -> Iterator[list[str]]:
    """Trial by trial, best first: the command by which DVC queues it as an experiment."""
    for number, one in enumerate(sweep.ranked, start=1):
        overrides = list_overrides(sweep.trials[one.trial], head, features)
        settings = [part for override in overrides for part in ("--set-param", override)]
        yield ["dvc", "exp", "run", "--queue", "--name", f"{head}-{number}", *settings]


def tell_command(command: Sequence[str]) -> str:
    """`command` as a shell takes it."""
    return shlex.join(command)
