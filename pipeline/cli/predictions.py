"""Predictions for people and programs: a line for each medium that a head was asked about."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import typer

from pipeline.cli.lines import say
from pipeline.errors import CorpusError, ParamsError
from pipeline.files import write_whole
from pipeline.labels.clips import Clip
from pipeline.paths import MODELS
from pipeline.predictor.making import Device
from pipeline.predictor.predictor import AnyPredictor, Told
from pipeline.predictor.results import Asked, describe_whole, name_values, write_results
from pipeline.predictor.timing import Spacing
from pipeline.targets import TARGETS


def find_head(name: str) -> Path:
    """Folder of the head `name`: that of the project, or else `name` itself.

    >>> find_head("models/beit")
    PosixPath('models/beit')
    """
    own = MODELS / name
    return own if (own / "recipe.json").is_file() else Path(name)


def ask_device(name: str | None) -> Device | None:
    """Device of this name; raises ParamsError for any other than those of params.yaml."""
    if name == "cuda":
        _check_gpu()
    if name is None or name in get_args(Device):
        return cast("Device | None", name)
    raise ParamsError(f"--device: expected {' or '.join(get_args(Device))}, got {name!r}")


def _check_gpu() -> None:
    import torch

    if not torch.cuda.is_available():
        raise ParamsError("--device: expected a GPU for cuda, got none; choose cpu")


def check_names(names: Sequence[str]) -> None:
    """Raise ParamsError where there is no head, or two have one name.

    Their results would be the same files.

    >>> check_names(["beit", "mlp"])
    """
    if not names:
        raise ParamsError("--head: expected a head, or a --bundle, got neither; name one")
    for name in names:
        if names.count(name) > 1:
            raise ParamsError(
                f"--head: expected each head once, got {name!r} twice; give those that are called "
                f"the same an --out each"
            )


def check_plot(path: Path | None, clips: Sequence[Clip], heads: Sequence[str]) -> None:
    """Raise ParamsError unless `path` is None, or one timeline can be written to it."""
    if path is None:
        return
    if len(clips) != 1 or len(heads) != 1 or path.suffix.lower() != ".png":
        raise ParamsError(
            f"--save-plot: expected one medium, one head and a path that ends in .png, got media: "
            f"{len(clips):,}, heads: {len(heads)}, {path.name}; all timelines are in --out"
        )


def save_timeline(path: Path, told: Told, out: Path, head: str) -> None:
    """Write to `path`, too, the timeline of what a head told, if it told anything over time."""
    picture = out / told.name / f"{head}.timeline.png"
    if picture.is_file():
        write_whole(path, lambda aside: aside.write_bytes(picture.read_bytes()))


def tell_whole(told: Told, emotions: Sequence[str]) -> str:
    """What is said of one medium as a whole, or of a person in it, in a line."""
    name = ", ".join(filter(None, (told.name, told.who)))
    if told.answer is None or told.answer.whole is None:
        return f"{name}: nothing to go by ({'; '.join(told.remarks) or 'no row of it'})"
    said = [
        f"{target} {value}" if TARGETS[target].behaviour.number else value
        for target, value in name_values(told.answer.whole, emotions).items()
    ]
    return f"{name}: {', '.join(said)}"


def tell_odd(told: Told, known: set[str]) -> Iterator[str]:
    """Lines on where a medium is unlike the training data, and on what could not be written of it.

    Those that are `known` were said.
    """
    for line in (f"{told.name}: {sentence}" for sentence in (*told.unlike, *told.lost)):
        if line not in known:
            known.add(line)
            yield line


def write_record(told: Told, head: str, emotions: Sequence[str]) -> str:
    """The same as a line of JSON in ASCII, for terminals, with all that the table of media has."""
    return json.dumps({"head": head, **describe_whole(told, emotions)})


@dataclass(frozen=True)
class Telling:
    """What a call of `moodline predict` writes to `out`, and prints."""

    out: Path
    as_json: bool
    save_plot: Path | None
    smooth: int
    pictures: bool
    annotations: Sequence[str]

    def tell(self, clips: Sequence[Clip], asked: Iterable[tuple[AnyPredictor, Spacing]]) -> None:
        """Say what each predictor tells of `clips`, at times that follow each other as is `asked`.

        Raises CorpusError where none had anything to go by, and where some of what was to be
        written could not be.
        """
        warned: set[str] = set()
        answered, lost = False, set[str]()
        for own, spacing in asked:
            for told in self._tell(clips, own, spacing, warned):
                answered |= told.answer is not None
                lost |= {told.name} if told.lost else set()
        if not answered:
            raise CorpusError(
                f"predict: expected media that can be used, got none of {len(clips):,}; what is "
                f"wrong with each is in {self.out}"
            )
        if lost:
            raise CorpusError(
                f"predict: expected to write all that was asked for, could not of {len(lost):,} of "
                f"{len(clips):,} media; what is wrong with each is in {self.out}"
            )

    def _tell(
        self, clips: Sequence[Clip], predictor: AnyPredictor, spacing: Spacing, warned: set[str]
    ) -> Iterator[Told]:
        """What one predictor tells, once it is said."""
        recipe = predictor.recipe
        asked = Asked(spacing, self.smooth, self.pictures, self.annotations)
        for told in write_results(predictor, clips, self.out, asked):
            for line in tell_odd(told, warned):
                say(line, err=True)
            if self.as_json:
                typer.echo(write_record(told, recipe.head, recipe.emotions))
            else:
                say(tell_whole(told, recipe.emotions), err=told.answer is None)
            if self.save_plot is not None:
                save_timeline(self.save_plot, told, self.out, recipe.head)
            yield told
        table = self.out / f"{recipe.head}.csv"
        say(f"{table}: {len(clips):,} media by {recipe.head}", err=self.as_json)
