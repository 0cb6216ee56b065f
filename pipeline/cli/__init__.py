"""The `moodline` command: what a person asks of the project besides `dvc repro`.

Every command imports what it needs when it runs, so that `moodline --help` answers at once.
"""

import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Emotion models from videos of talking people: one DVC pipeline, `dvc repro` runs it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


JUDGING = ("verify", "replay", "diff", "weights", "share", "listings")
"""Commands whose status is an answer: one that is cut short has not given it."""


_PLACES = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR, errno.ENOTDIR),
        *(errno.ENAMETOOLONG, errno.ELOOP),
    }
)
"""Errors of the system over a path that was given, or found in what was."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command of `arguments`, by default the process's own.

    A user's mistake, a path that is not what it should be, or output that cannot be written, ends
    the process with one line and status 1, Ctrl-C with status 130; a pipe that nobody reads on ends
    it without a word.
    """
    from pipeline.errors import MoodlineError, show_line

    given = sys.argv[1:] if arguments is None else arguments
    try:
        _run(given)
    except MoodlineError as error:
        sys.exit(f"moodline: {error}")
    except BrokenPipeError:
        _drop_output()
        sys.exit(int(any(command in given[:1] for command in JUDGING)))
    except OSError as error:
        if error.errno in _PLACES and error.filename is not None:
            place = show_line(str(error.filename2 or error.filename))
            sys.exit(f"moodline: {place}: {error.strerror}; mend it, or name another")
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        _drop_output()
        place = show_line(str(error.filename or "standard output"))
        sys.exit(f"moodline: {place}: {error.strerror}; make room, or write elsewhere")


def _run(arguments: Sequence[str]) -> None:
    """Run a command, and have all that it prints written before it ends."""
    try:
        app(list(arguments), prog_name="moodline")
    except SystemExit as ended:
        # click and rich end the process themselves where a pipe is closed.
        if isinstance(ended.__context__, BrokenPipeError):
            raise ended.__context__ from None
        sys.stdout.flush()
        raise


def _drop_output() -> None:
    """Let go of what is not written yet: the interpreter would try again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(text: str, *, err: bool = False) -> None:
    """Print a line as it stands, with what a terminal would obey as escapes."""
    from pipeline.errors import show_line

    typer.echo(show_line(text), err=err)


def _tell_version(asked: bool) -> bool:
    if asked:
        from importlib.metadata import version

        say(f"moodline {version('moodline')}")
        raise typer.Exit
    return asked


@app.callback()
def begin(
    asked: Annotated[
        bool,
        typer.Option(
            "--version", help="Say which moodline this is.", callback=_tell_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Emotion models from videos of talking people: one DVC pipeline, `dvc repro` runs it."""
    from pipeline.store.tables import leave_pandas_out

    leave_pandas_out()


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
) -> None:
    """List a corpus's files, with size and time, for depends_on to name."""
    from pipeline.labels.manifests import write_manifest

    say(f"{out}: {write_manifest(root, out):,} files; depends_on may name it")


@app.command()
def unpack(
    table: Annotated[Path, typer.Argument(help="FER2013's table, fer2013.csv.")],
    out: Annotated[Path, typer.Argument(help="Folder to write, which must not be there.")],
) -> None:
    """Write the pictures that FER2013's table holds as files, by split and emotion."""
    from pipeline.labels.corpora.fer2013 import unpack_table

    say(f"{out}: {unpack_table(table, out):,} pictures; root may name it")


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
    from pipeline.params import load_params
    from pipeline.paths import FEATURES, LABELS, PROJECT, SWEEPS, TARGETS
    from pipeline.sweeps.running import Place, Sweeper

    params = load_params()
    (name,) = choose_heads([head], params.heads)
    place = Place(FEATURES, TARGETS, LABELS / "clips.parquet", PROJECT)
    path = SWEEPS / f"{name}.csv"
    with Sweeper(params.heads[name], place, path, workers or os.cpu_count() or 1) as sweeper:
        found = sweeper.sweep(params.features, range(seeds))
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
def schema() -> None:
    """Write the JSON schema that editors check params.yaml by."""
    from pipeline.files import write_json
    from pipeline.schema import SCHEMA_PATH, describe_params

    write_json(SCHEMA_PATH, describe_params())
    say(f"{SCHEMA_PATH}: written")
