"""The corpus as its authors would ship it: a folder of clips and `clips.csv`."""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from pipeline.files import write_whole
from synthesis.film import Footage, film_take
from synthesis.movie import write_movie
from synthesis.scenery import draw_room
from synthesis.script import Take, cast_people, plan_takes
from synthesis.voice import HZ

COLUMNS = ("path", "speaker", "transcript", "emotion", "valence", "arousal")


def write_corpus(folder: Path, seed: int) -> int:
    """Write the whole corpus below `folder`; the number of its clips, broken ones included."""
    takes = plan_takes(cast_people(seed), seed)
    for take in takes:
        write_clip(folder / take.path, take)
    write_whole(folder / "clips.csv", lambda aside: write_labels(aside, takes))
    return len(takes)


def write_labels(path: Path, takes: Iterable[Take]) -> None:
    """Write the labels of `takes`, in the order given, as CSV with COLUMNS."""
    with path.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for take in takes:
            label = (take.emotion, take.label.valence, take.label.arousal)
            table.writerow([take.path, take.person.name, take.transcript, *label])


def write_clip(path: Path, take: Take) -> None:
    """Write the clip of `take`, and break it where the script says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    WRITERS[take.damage](path, take, film_take(take))


def _write_good(path: Path, _take: Take, footage: Footage) -> None:
    write_movie(path, footage.frames, footage.samples, hz=HZ)


def _write_truncated(path: Path, take: Take, footage: Footage) -> None:
    """Two thirds of a file, as after a broken download; the index at its end is lost."""
    _write_good(path, take, footage)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


def _write_without_audio(path: Path, _take: Take, footage: Footage) -> None:
    write_movie(path, footage.frames, None, hz=HZ)


def _write_silent(path: Path, _take: Take, footage: Footage) -> None:
    write_movie(path, footage.frames, np.zeros_like(footage.samples), hz=HZ)


def _write_without_face(path: Path, take: Take, footage: Footage) -> None:
    """The voice from an empty room."""
    room = (draw_room(take.person.room) * 255).astype(np.uint8)
    write_movie(path, np.repeat(room[None], len(footage.frames), axis=0), footage.samples, hz=HZ)


def _write_nothing(path: Path, _take: Take, _footage: Footage) -> None:
    path.write_bytes(b"")


WRITERS: dict[str, Callable[[Path, Take, Footage], None]] = {
    "": _write_good,
    "truncated": _write_truncated,
    "no_audio": _write_without_audio,
    "silent": _write_silent,
    "no_face": _write_without_face,
    "empty": _write_nothing,
}
