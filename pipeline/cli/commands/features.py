"""Commands about feature sets: where they come from, and whether they come again."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.lines import say

app = typer.Typer()


@app.command("import")
def bring(
    files: Annotated[
        list[Path], typer.Argument(help="Files of features, or folders of Hugging Face datasets.")
    ],
    *,
    name: Annotated[str, typer.Option(help="Name of the set; it goes to data/imported/NAME.")],
    modality: Annotated[str, typer.Option(help="What it is of: text, audio, face or scene.")],
    ids: Annotated[
        Path | None,
        typer.Option(help="Clip ids of the entries in order: a .txt, or a table with clip_id."),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Array or column to take, where there are several.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=1e-3, help="Rows of a second, in Hz; else each is a second.")
    ] = None,
    clip_prefix: Annotated[str, typer.Option(help="Put before each id, such as mosi/.")] = "",
    fill: Annotated[
        float | None, typer.Option(help="Number in place of NaN and infinity; else refuse them.")
    ] = None,
    made_by: Annotated[
        str | None, typer.Option(help="Who or what made them, for the provenance.")
    ] = None,
    trained_on_labels: Annotated[
        list[str] | None,
        typer.Option(help="Corpus whose labels had a part in making them; several, or none."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a set that is there; by default, refuse.")
    ] = False,
) -> None:
    """Bring features made elsewhere into data/imported, and say what goes into params.yaml."""
    from pipeline.cli.imports import find_out, list_imported, read_asked, read_known
    from pipeline.imports.importing import import_features
    from pipeline.paths import IMPORTED, LABELS

    out = find_out(IMPORTED, name, force=force)
    given = {"modality": modality, "key": key, "ids": ids}
    stated = {"rate_hz": rate, "prefix": clip_prefix, "fill": fill, "made_by": made_by}
    asked = read_asked(given, stated, trained_on_labels)
    found = import_features(files, out, asked, read_known(LABELS))
    for line in list_imported(out, asked, found):
        say(line)


@app.command()
def encoders() -> None:
    """Show what each encoder is and needs, and what is known of each feature set."""
    from pipeline.audits.catalogue import list_members, list_sets
    from pipeline.cli.listings import tabulate_members, tabulate_sets
    from pipeline.cli.printing import open_console
    from pipeline.params import PARAMS_PATH, load_params
    from pipeline.paths import FEATURES

    console = open_console()
    console.print(tabulate_members(list_members()))
    if PARAMS_PATH.is_file():
        console.print(tabulate_sets(list_sets(load_params().features, FEATURES)))


@app.command()
def weights() -> None:
    """Fetch all weights that params.yaml names; status 1 where some cannot be had."""
    from pipeline.audits.weights import name_all
    from pipeline.cli.listings import list_fetched
    from pipeline.params import load_params

    for line in list_fetched(name_all(load_params())):
        say(line)


@app.command()
def replay(
    path: Annotated[Path, typer.Argument(help="Feature set, features/<set>.")],
    clips: Annotated[
        int, typer.Option(min=1, help="Clips to encode again, a count.", show_default=True)
    ] = 20,
    seed: Annotated[
        int, typer.Option(min=0, help="Which clips these are, a number.", show_default=True)
    ] = 0,
) -> None:
    """Encode clips of a feature set again and compare; status 1 where any differs."""
    from pipeline.audits.replaying import replay_features
    from pipeline.cli.replays import conclude, list_replay
    from pipeline.extraction.source import open_source
    from pipeline.params import parse_feature, read_yaml
    from pipeline.paths import DATA, LABELS

    params = parse_feature(read_yaml(), path.name)
    source = open_source(params, DATA / params.modality, LABELS / "trained.parquet")
    found = replay_features(path, source, clips=clips, seed=seed)
    for line in list_replay(path, found):
        say(line)
    conclude(path, found)
