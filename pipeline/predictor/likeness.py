"""Likeness: where new media are unlike those that a head was trained on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.extraction.media_numbers import LETTERS, Numbers, is_share, measure_media
from pipeline.heads.recipes import Recipe
from pipeline.modalities import MODALITIES, Modality, modality_of
from pipeline.report.formats import write_number
from pipeline.store.reader import open_media

Bounds = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Wording:
    """How a number is told: what it is below and above all that is usual, None where that is well.

    And its unit, and how many digits after the point tell something.
    """

    below: str | None
    above: str | None
    unit: str
    digits: int = 0


WORDINGS = {
    ("audio", "seconds"): Wording("shorter", "longer", "s", 1),
    ("audio", "loudness"): Wording("quieter", "louder", "dB"),
    ("face", "seconds"): Wording("shorter", "longer", "s", 1),
    ("face", "pixels"): Wording("smaller faces", "larger faces", "pixels"),
    ("face", "share"): Wording("fewer frames with a face", None, "of them", 2),
    ("face", "step"): Wording(None, "faces farther apart in time", "s", 2),
    ("scene", "pixels"): Wording("lower frames", "higher frames", "pixels"),
    ("text", "words"): Wording("fewer words", "more words", "words"),
}
"""(modality, number) → its words; a share of letters or languages has those of `_tell_share`."""


def tell_unlike(recipe: Recipe, data: Path, *, crowd: bool) -> dict[str, list[str]]:
    """clip_id → sentences on what is unlike the media that the head was trained on.

    `data` has the stores of the clips' media; nothing is said of faces where they are those of a
    `crowd`. A feature set that was made before media were measured says nothing of them, and nor do
    imported ones.
    """
    told: dict[str, list[str]] = {}
    measured = {s: own.provenance.get("media") for s, own in recipe.inputs.items()}
    usual = {modality_of(s): media for s, media in measured.items() if media}
    for modality in (one for one in MODALITIES if one in usual and (one != "face" or not crowd)):
        store = open_media(data / modality)
        for clip_id, numbers in measure_media(modality, store, store).items():
            found = compare_numbers(modality, numbers, usual[modality])
            told.setdefault(clip_id, []).extend(found)
    return told


def compare_numbers(modality: Modality, numbers: Numbers, bounds: Bounds) -> Iterator[str]:
    """A sentence on each of the `numbers` of a clip's media that is not within its `bounds`.

    >>> list(compare_numbers("audio", {"loudness": -48.2}, {"loudness": (-31.0, -12.0)}))
    ['audio: quieter (−48 dB) than 99 % of what the head was trained on (−31 to −12 dB)']
    """
    for name, number in numbers.items():
        low, high = bounds.get(name, (0.0, 0.0) if is_share(name) else (number, number))
        if is_share(name):
            if number > high:
                yield _tell_share(modality, name, number, high)
            continue
        wording = WORDINGS[modality, name]
        shown = [round(one, wording.digits) for one in (number, low, high)]
        word = wording.below if shown[0] < shown[1] else wording.above
        if word is not None and not shown[1] <= shown[0] <= shown[2]:
            found, least, most = (write_number(one, wording.digits) for one in shown)
            yield (
                f"{modality}: {word} ({found} {wording.unit}) than 99 % of what the head was "
                f"trained on ({least} to {most} {wording.unit})"
            )


def _tell_share(modality: str, name: str, number: float, high: float) -> str:
    kind, which = name.split(maxsplit=1)
    what = f"letters are {which.title()}" if kind == LETTERS else f"words are in language {which}"
    return (
        f"{modality}: {100 * number:.0f} % of its {what}, where 99 % of what the head was trained "
        f"on had {100 * high:.0f} % at most"
    )
