"""Commands about heads: side by side, over other sets, and made again."""

import os
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.lines import say
from pipeline.cli.options import Faces, Frames, SavePlot, WhoseFaces
from pipeline.cli.scoring_options import (
    Bundles,
    Heads,
    Join,
    Judge,
    Map,
    MaxPerEmotion,
    Media,
    NumFrames,
    Root,
)

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


@app.command()
def predict(
    media: Media = None,
    *,
    head: Heads = None,
    bundle: Bundles = None,
    out: Annotated[Path, typer.Option(help="Folder to write; a second call goes on there.")],
    every: Annotated[
        int, typer.Option(min=1, help="Answer at every so manieth frame of a film, a count.")
    ] = 10,
    hop: Annotated[
        float | None,
        typer.Option(min=1e-3, help="Seconds from answer to answer, in place of --every."),
    ] = None,
    window: Annotated[
        float | None,
        typer.Option(
            min=1e-3,
            help="Seconds around each answer that it goes by; else the head's own, or 1.",
        ),
    ] = None,
    frames: Frames = None,
    faces: Faces = WhoseFaces.one,
    smooth: Annotated[
        int, typer.Option(min=1, help="Answers that each value is the mean of; 1: as they are.")
    ] = 3,
    detector: Annotated[
        str | None, typer.Option(help="Find faces by this detector, not by the head's own.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu or cuda, for all networks; else as in training.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Clips encoded at once; else as in training.")
    ] = None,
    plot: Annotated[
        bool, typer.Option(help="Draw pictures beside the tables, and make a page.")
    ] = True,
    save_plot: SavePlot = None,
    annotations: Annotated[
        list[str] | None,
        typer.Option(
            help="Write annotations, too: eaf (ELAN), TextGrid (Praat), vtt, mp4 (film); several."
        ),
    ] = None,
    join: Join = False,
    map_: Map = None,
    corpus: Judge = None,
    root: Root = None,
    max_per_emotion: MaxPerEmotion = None,
    num_frames: NumFrames = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a line of JSON for each medium and head.")
    ] = False,
) -> None:
    """Say what heads see in new media, as a whole and over time; or judge them on a corpus."""
    from pipeline.cli.predictions import (
        ask_device,
        check_answered,
        check_names,
        check_people,
        check_plot,
        find_head,
        save_timeline,
        tell_unlike,
        tell_whole,
        write_record,
    )
    from pipeline.cli.scoring import (
        Judging,
        check_asked,
        judge_heads,
        split_weight,
        unite_heads,
    )
    from pipeline.predictor.annotations import check_endings
    from pipeline.predictor.gathering import gather_media
    from pipeline.predictor.making import Running
    from pipeline.predictor.mapping import AS_THEY_ARE, read_map
    from pipeline.predictor.predictor import Predictor
    from pipeline.predictor.results import Asked, write_results

    judging = {"--root": root, "--max-per-emotion": max_per_emotion, "--num-frames": num_frames}
    everyone = faces is WhoseFaces.all
    over_time = {
        **{"--hop": hop, "--window": window, "--annotations": annotations},
        **{"--frames": frames, "--faces": everyone or None, "--save-plot": save_plot},
    }
    check_asked(media or (), corpus, judging, over_time)
    clips = gather_media(media) if media else []
    check_endings(annotations or ())
    if save_plot is not None:
        heads = [*(head or ()), *(bundle or ())]
        check_plot(save_plot, clips, heads[:1] if join else heads, drawn=plot)
    check_people(everyone=everyone, join=join)
    classes = AS_THEY_ARE if map_ is None else read_map(map_)
    named, bundled = (
        [split_weight(one) if join else (one, 1.0) for one in given or ()]
        for given in (head, bundle)
    )
    running = Running(ask_device(device), batch_size, detector, num_frames, everyone)
    predictors = [
        *(Predictor.load(find_head(name), running) for name, _ in named),
        *(Predictor.from_pretrained(name, running=running) for name, _ in bundled),
    ]
    weights = [weight for _, weight in (*named, *bundled)]
    check_names([predictor.head.recipe.head for predictor in predictors])
    if corpus is not None:
        asked_of = Judging(corpus, root, max_per_emotion, out)
        judge_heads(unite_heads(predictors, weights, classes, join=join), asked_of, as_json=as_json)
        return
    if join or classes:
        predictors = [*unite_heads(predictors, weights, classes, join=join)]
    warned: set[str] = set()
    answered = False
    for predictor in predictors:
        recipe, spacing = predictor.head.recipe, predictor.space(window, hop, every, frames)
        asked = Asked(spacing, smooth, plot, annotations or ())
        for told in write_results(predictor, clips, out, asked):
            answered |= told.answer is not None
            for line in tell_unlike(told, warned):
                say(line, err=True)
            if as_json:
                typer.echo(write_record(told, recipe.head, recipe.emotions))
            else:
                say(tell_whole(told, recipe.emotions), err=told.answer is None)
        say(f"{out / recipe.head}.csv: {len(clips):,} media by {recipe.head}", err=as_json)
        if save_plot is not None:
            save_timeline(save_plot, told, out, recipe.head)
    check_answered(answered, len(clips), out)


@app.command()
def bundle(
    head: Annotated[str, typer.Argument(help="Head of models/, or its folder.")],
    out: Annotated[Path, typer.Argument(help="Folder to write; it must not be there yet.")],
    licence: Annotated[
        str | None,
        typer.Option(help="What the head's own weights are under, in the Hub's words: mit."),
    ] = None,
) -> None:
    """Write a head, and the weights that it needs and may go along, to one folder."""
    from pipeline.cli.bundles import list_bundled
    from pipeline.cli.predictions import find_head
    from pipeline.paths import HEAD_REPORTS
    from pipeline.predictor.bundling import bundle_head

    for line in list_bundled(bundle_head(find_head(head), HEAD_REPORTS, out, licence), out):
        say(line)
