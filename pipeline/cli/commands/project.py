"""Commands about a project: what a run would do, what it would send, and its own files."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.lines import say

app = typer.Typer()


@app.command()
def doctor() -> None:
    """Say what this machine has, and what is amiss; status 1 where something is."""
    from pipeline.audits.health import examine
    from pipeline.cli.printing import open_console, tabulate
    from pipeline.params import PARAMS_PATH, load_params
    from pipeline.paths import PROJECT

    findings = list(examine(PROJECT, load_params() if PARAMS_PATH.is_file() else None))
    rows = [(one.what, one.found, one.amiss or "ok") for one in findings]
    open_console().print(tabulate(("what", "found", "to do"), rows))
    if any(one.amiss for one in findings):
        raise typer.Exit(1)


@app.command()
def plan(
    sample: Annotated[
        int, typer.Option(min=1, help="Clips to try in each stage, a count.", show_default=True)
    ] = 3,
) -> None:
    """Say what each stage would do, and about how long it would take."""
    from pipeline.audits.planning import plan_project
    from pipeline.cli.forecasts import tabulate_forecasts
    from pipeline.cli.printing import open_console
    from pipeline.labels.folders import check_folder, check_tracked
    from pipeline.params import load_params
    from pipeline.paths import PREMISES, PROJECT
    from pipeline.premises.due import find_due
    from pipeline.store.work import locate_work_store

    params = load_params()
    check_tracked(PROJECT)
    for corpus in params.corpora.values():
        check_folder(Path(corpus.depends_on), follow=corpus.follow)
    due = find_due(PROJECT, params, PREMISES)
    if not due:
        say("`dvc repro` would run nothing: all is up to date.")
        return
    forecasts = plan_project(PROJECT, params, locate_work_store(PROJECT), sample)
    open_console().print(tabulate_forecasts([one for one in forecasts if one.stage in due]))
    say(f"`dvc repro` would run {len(due):,} stages; those not named here take seconds.")


@app.command()
def share(
    targets: Annotated[
        list[str] | None, typer.Argument(help="Stages or paths, as for `dvc push`; all without.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Status 1 where faces, voices or words are among them.")
    ] = False,
) -> None:
    """Say what of people a `dvc push` would send."""
    from pipeline.audits.holdings import list_held
    from pipeline.cli.listings import tabulate_held
    from pipeline.cli.printing import open_console
    from pipeline.params import load_params
    from pipeline.paths import PROJECT

    held = list_held(PROJECT, load_params().features, targets or [])
    open_console().print(tabulate_held(held))
    if check and any({"faces", "voices", "words"} & {*one.kinds, *one.rebuilt} for one in held):
        raise typer.Exit(1)


@app.command()
def listings() -> None:
    """Check where a `dvc pull` would write, by DVC's lists of files, which it fetches."""
    from pipeline.audits.listings import check_listings
    from pipeline.paths import PROJECT

    say(f"{check_listings(PROJECT):,} lists of files, none leads out of its out")


@app.command()
def merge(
    base: Annotated[Path, typer.Argument(help="Lock file that both sides began with: %O of git.")],
    ours: Annotated[Path, typer.Argument(help="Ours, which is written: %A.")],
    theirs: Annotated[Path, typer.Argument(help="Theirs: %B.")],
    name: Annotated[str, typer.Argument(help="What git calls the file: %P.")] = "dvc.lock",
) -> None:
    """Merge two dvc.lock entry by entry; git runs it, as `make install` tells it to."""
    from pipeline.merging import merge_locks

    for stage in merge_locks(base, ours, theirs):
        say(f"{name}: {stage}: both sides ran it, theirs is taken", err=True)


@app.command()
def schema() -> None:
    """Write the JSON schema that editors check params.yaml by."""
    from pipeline.files import write_json
    from pipeline.schema import SCHEMA_PATH, describe_params

    write_json(SCHEMA_PATH, describe_params())
    say(f"{SCHEMA_PATH}: written")
