"""Commands about corpora: what is read, and params.yaml for it."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.lines import say

app = typer.Typer()


@app.command()
def preset(
    name: Annotated[
        str | None, typer.Argument(help="Preset to write; without it, list all.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="Folder of the corpus; without it, the link that is there.")
    ] = None,
    table: Annotated[
        str | None, typer.Option(help="Table below --root, for `table`; by default the one there.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over edits of params.yaml; by default, refuse.")
    ] = False,
) -> None:
    """Write params.yaml for a corpus, or list the presets; `table` reads the table for it."""
    from pipeline.cli.printing import open_console, tabulate
    from pipeline.presets import apply_preset, find_folder, find_preset, list_presets
    from pipeline.presets.tables import draft_params

    if name is None:
        rows = [(found.name, found.about, found.needs or "not needed") for found in list_presets()]
        open_console().print(tabulate(("preset", "what it is", "--root"), rows))
        return
    chosen = find_preset(name)
    draft = draft_params(chosen.path, find_folder(chosen, Path(), root), table)
    link = apply_preset(chosen, Path(), root, force=force, text=draft.text)
    for told in draft.found:
        say(told)
    say(f"params.yaml: preset {name}")
    if link is not None:
        say(f"{link}: {link.resolve()}")
    say("next: `dvc repro`, or `moodline plan` to see what it would take")


@app.command()
def corpora(
    name: Annotated[
        str | None, typer.Argument(help="Corpus to tell more of; without it, list all.")
    ] = None,
) -> None:
    """Show which corpora are read, or how the folder of one is laid out."""
    from pipeline.cli.listings import describe_corpus, tabulate_corpora
    from pipeline.cli.printing import open_console

    if name is None:
        open_console().print(tabulate_corpora())
        return
    for line in describe_corpus(name):
        say(line)


@app.command()
def scan(
    root: Annotated[Path, typer.Argument(help="Folder of the corpus.")],
    out: Annotated[Path, typer.Argument(help="Manifest to write, outside of it.")],
    *,
    follow: Annotated[
        bool, typer.Option("--follow", help="Follow links that lead out of it, as its section may.")
    ] = False,
) -> None:
    """List a corpus's files, with size and time, for depends_on to name."""
    from pipeline.labels.manifests import write_manifest

    say(f"{out}: {write_manifest(root, out, follow=follow):,} files; depends_on may name it")


@app.command()
def unpack(
    table: Annotated[Path, typer.Argument(help="FER2013's table, fer2013.csv.")],
    out: Annotated[Path, typer.Argument(help="Folder to write, which must not be there.")],
) -> None:
    """Write the pictures that FER2013's table holds as files, by split and emotion."""
    from pipeline.labels.corpora.fer2013 import unpack_table

    say(f"{out}: {unpack_table(table, out):,} pictures; root may name it")
