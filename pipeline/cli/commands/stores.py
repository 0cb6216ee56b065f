"""Commands about what stages leave: what it holds, whether it is sound, what is left over."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.lines import say

app = typer.Typer()


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(help="Store, head, table, or a folder of them.")],
) -> None:
    """Show what a store, a joint set, a head or a table holds; of data/labels an overview."""
    from pipeline.audits.inspection import inspect_path
    from pipeline.cli.inspections import show_found, show_labels
    from pipeline.cli.printing import open_console
    from pipeline.paths import LABELS

    console = open_console()
    if path.name == LABELS.name and (path / "trained.parquet").is_file():
        for renderable in show_labels(path):
            console.print(renderable)
        return
    for renderable in show_found(path, inspect_path(path)):
        console.print(renderable)


@app.command()
def faces(
    clip: Annotated[
        str | None, typer.Option(help="Id of a clip; without it, the clips to look at first.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Page to write; by default one in reports/faces.")
    ] = None,
    clips: Annotated[
        int, typer.Option(min=1, help="Clips on the page of all, a count.", show_default=True)
    ] = 40,
) -> None:
    """Write a page of face crops: a clip with its frames and people, or the worst clips."""
    from pipeline.cli.faces import write_faces
    from pipeline.params import PARAMS_PATH, parse_corpora, read_yaml
    from pipeline.paths import DATA

    corpora = parse_corpora(read_yaml()) if PARAMS_PATH.is_file() else None
    say(str(write_faces(DATA, clip, out, clips, corpora)))


@app.command()
def verify(
    paths: Annotated[list[Path], typer.Argument(help="Stores, heads, tables, folders of them.")],
) -> None:
    """Check every digest of stores, joint sets, heads and tables."""
    from pipeline.audits.verification import verify_paths
    from pipeline.errors import StoreError

    checked = damaged = 0
    for found in verify_paths(paths):
        checked, damaged = checked + 1, damaged + bool(found.problems)
        say(f"{'DAMAGED' if found.problems else 'ok':8}{found.kind:6}{found.path}")
        for problem in found.problems:
            say(f"        {problem}")
    if damaged:
        raise StoreError(
            f"{damaged} of {checked} damaged; remove what is named above, its part in "
            f".dvc/moodline as well, then `dvc pull` it or make it again by `dvc repro --force`"
        )


@app.command()
def diff(
    first: Annotated[Path, typer.Argument(metavar="A", help="Feature set or store of media.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another one of the same kind.")],
    tolerance: Annotated[
        float,
        typer.Option(min=0, help="Relative difference up to which two rows are the same, a ratio."),
    ] = 1e-3,
) -> None:
    """Say why two stores differ, and by how much; status 1 where their content does."""
    from pipeline.audits.differences import compare_stores
    from pipeline.cli.comparisons import list_differences

    differences = compare_stores(first, second, tolerance)
    for line in list_differences(differences):
        say(line)
    if not differences.same:
        raise typer.Exit(1)


@app.command()
def prune(
    dry: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, remove nothing.")
    ] = False,
) -> None:
    """Free what no store needs any more of the work store."""
    from pipeline.cli.printing import write_bytes
    from pipeline.paths import PROJECT
    from pipeline.store.pruning import prune_parts
    from pipeline.store.work import locate_work_store

    def tell(parts: int, size: int, needed: int, unfinished: int) -> str:
        freed = f"{parts} parts {'would go' if dry else 'removed'} ({write_bytes(size)})"
        return f"{freed}, {needed} needed, {unfinished} of a run that has not ended"

    found = []
    for pruned in prune_parts(locate_work_store(PROJECT), dry=dry):
        found.append(pruned)
        counts = (pruned.removed, pruned.removed_bytes, pruned.needed, pruned.unfinished)
        held = "in use" if pruned.locked else "perhaps in use, for its file system has no locks"
        told = f"{held}, left alone" if pruned.busy else tell(*counts)
        say(f"{pruned.folder}: {told}")
    total = tell(
        sum(pruned.removed for pruned in found),
        sum(pruned.removed_bytes for pruned in found),
        sum(pruned.needed for pruned in found),
        sum(pruned.unfinished for pruned in found),
    )
    say(f"in all: {total}, {sum(pruned.busy for pruned in found)} folders in use")


@app.command()
def clear(
    dry: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, remove nothing.")
    ] = False,
) -> None:
    """Remove feature sets, heads and reports that params.yaml no longer names."""
    from pipeline.audits.leftovers import find_leftovers
    from pipeline.files import remove
    from pipeline.params import load_params
    from pipeline.paths import PROJECT

    found = list(find_leftovers(PROJECT, load_params()))
    for path in found:
        if not dry:
            remove(path)
        say(f"{path}: {'would go' if dry else 'removed'}")
    if not found:
        say("nothing to remove: params.yaml names all that is here")
