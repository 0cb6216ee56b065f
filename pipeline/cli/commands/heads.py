"""Commands about heads: side by side, over other sets, and made again."""

import os
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.lines import say

app = typer.Typer()


@app.command()
def summary() -> None:
    """Print the table of heads, best first, and where the report lies."""
    from pipeline.cli.heads import tabulate_heads
    from pipeline.cli.printing import open_console
    from pipeline.params import load_params
    from pipeline.paths import HEAD_REPORTS, MODELS, PAGE
    from pipeline.report.summary import read_summaries

    heads = read_summaries(MODELS, HEAD_REPORTS, list(load_params().heads))
    open_console().print(tabulate_heads(heads))
    say(f"report: {PAGE}" if PAGE.is_file() else "no report yet: run `dvc repro`")


@app.command()
def compare(
    heads: Annotated[list[str], typer.Argument(help="Heads of params.yaml, two or more.")],
) -> None:
    """Print heads side by side on each opened split, with intervals, each two of them tested."""
    from pipeline.cli.heads import choose_heads, list_comparisons
    from pipeline.cli.printing import open_console
    from pipeline.params import load_params
    from pipeline.paths import HEAD_REPORTS, MODELS
    from pipeline.report.overview import compare_opened
    from pipeline.report.summary import read_summaries

    params = load_params()
    found = read_summaries(MODELS, HEAD_REPORTS, choose_heads(heads, params.heads))
    console = open_console()
    for shown in list_comparisons(found, compare_opened(found, params.evaluate)):
        console.print(shown)


@app.command()
def sweep(
    head: Annotated[str, typer.Argument(help="Head of params.yaml that is tried.")],
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each trial.")] = 1,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default, one per core.")
    ] = None,
    queue: Annotated[
        int, typer.Option(min=0, help="So many of the best become experiments in DVC's queue.")
    ] = 0,
) -> None:
    """Try a head over every feature set alone, then over the best of each modality together."""
    import subprocess
    from itertools import islice

    from pipeline.cli.heads import choose_heads
    from pipeline.cli.printing import open_console
    from pipeline.cli.sweeps import list_commands, tabulate_trials, tell_command
    from pipeline.params import expand_set, load_params
    from pipeline.paths import FEATURES, LABELS, PROJECT, SWEEPS, TARGETS
    from pipeline.sweeps.running import Place, Sweeper

    params = load_params()
    (name,) = choose_heads([head], params.heads)
    place = Place(FEATURES, TARGETS, LABELS / "clips.parquet", PROJECT)
    path = SWEEPS / f"{name}.csv"
    with Sweeper(params.heads[name], place, path, workers or os.cpu_count() or 1) as sweeper:
        joint = {one: expand_set(one, params.joint) for one in params.joint}
        found = sweeper.sweep(params.features, range(seeds), joint)
    open_console().print(tabulate_trials(found.ranked))
    for trial, reason in found.refused.items():
        say(f"{trial}: not tried: {reason}", err=True)
    say(f"{path}: every trial, by validation alone")
    commands = list_commands(found, name, params.features)
    for command in islice(commands, queue):
        subprocess.run(command, check=True)
    if not queue:
        for command in islice(commands, 1):
            say(f"the first as an experiment: {tell_command(command)}")


@app.command()
def rebuild(
    path: Annotated[Path, typer.Argument(help="Trained head, models/<head>.")],
    out: Annotated[Path, typer.Option(help="File to write.", show_default=True)] = Path(
        "params.yaml"
    ),
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file that is there; by default, refuse.")
    ] = False,
) -> None:
    """Write the params.yaml that makes a head again, and say what it needs."""
    from pipeline.cli.heads import tell_rebuilt
    from pipeline.presets.rebuilding import rebuild_head, write_params

    rebuilt = rebuild_head(path)
    write_params(rebuilt, out, force=force)
    say(tell_rebuilt(rebuilt, out))
