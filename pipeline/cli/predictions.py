"""Predictions for people and programs: a line for each medium that a head was asked about."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast, get_args

from pipeline.errors import CorpusError, ParamsError
from pipeline.files import write_whole
from pipeline.labels.clips import Clip
from pipeline.paths import MODELS
from pipeline.predictor.making import Device
from pipeline.predictor.predictor import Told
from pipeline.predictor.results import describe_whole, name_values
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


def check_answered(answered: bool, media: int, out: Path) -> None:
    """Raise CorpusError where no head had anything to go by."""
    if not answered:
        raise CorpusError(
            f"predict: expected media that can be used, got none of {media:,}; what is wrong with "
            f"each is in {out}"
        )


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


def check_plot(path: Path, clips: Sequence[Clip], heads: Sequence[str], *, drawn: bool) -> None:
    """Raise ParamsError unless there is to be one timeline that can be written to `path`."""
    if len(clips) != 1 or len(heads) != 1 or not drawn or path.suffix.lower() != ".png":
        raise ParamsError(
            f"--save-plot: expected one medium, one head, pictures and a path that ends in .png, "
            f"got media: {len(clips):,}, heads: {len(heads)}, {path.name}"
            f"{'' if drawn else ', --no-plot'}; all timelines are in --out"
        )


def check_people(*, everyone: bool, join: bool) -> None:
    """Raise ParamsError where heads are one that may each see other people.

    >>> check_people(everyone=True, join=False)
    """
    if everyone and join:
        raise ParamsError(
            "--faces all: expected heads by themselves, for each may see other people, got --join; "
            "leave one of them out"
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


def tell_unlike(told: Told, known: set[str]) -> Iterator[str]:
    """Lines on where a medium is unlike the training data; those that are `known` were said."""
    for line in (f"{told.name}: {sentence}" for sentence in told.unlike):
        if line not in known:
            known.add(line)
            yield line


def write_record(told: Told, head: str, emotions: Sequence[str]) -> str:
    """The same as a line of JSON in ASCII, for terminals, with all that the table of media has."""
    return json.dumps({"head": head, **describe_whole(told, emotions)})
