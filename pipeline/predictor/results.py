"""Results: a folder with what heads say of each medium, as tables and pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.files import write_whole
from pipeline.heads.recipes import Recipe
from pipeline.labels.clips import Clip
from pipeline.modalities import order_modalities
from pipeline.predictor.annotations import WRITERS, name_end, write_annotations
from pipeline.predictor.answering import Values
from pipeline.predictor.gathering import DRAWN, WORK, name_kind
from pipeline.predictor.page import write_medium_page
from pipeline.predictor.predictor import AnyPredictor, Told
from pipeline.predictor.tables import pack_csv, smooth_series, tabulate_people, tabulate_wholes
from pipeline.predictor.timing import Spacing
from pipeline.report.formats import write_number
from pipeline.targets import TARGETS


@dataclass(frozen=True)
class Asked:
    """What results are to be: how answers follow each other, over how many a value is smoothed.

    None follow as the head's own `space` has it. And whether there are pictures and a page beside
    the tables, and `annotations` of which endings.
    """

    spacing: Spacing | None = None
    smooth: int = 3
    pictures: bool = True
    annotations: Sequence[str] = ()


def write_results(
    predictor: AnyPredictor, clips: Sequence[Clip], out: Path, asked: Asked
) -> Iterator[Told]:
    """What a head tells of each of `clips`, which is written to the folder `out` as it comes.

    `<medium>/<head>.csv` and `.parquet` have a row for each time, `<head>.csv` one for each medium,
    or person in it, those that could not be used with the reason. What is encoded already is not
    encoded again.
    """
    recipe = predictor.recipe
    work = out / WORK
    found: list[Told] = []
    told = predictor.predict(clips, work / recipe.head, work / "parts", asked.spacing)
    for _, people in groupby(told, key=lambda one: one.clip.clip_id):
        smoothed = [_smooth(predictor, _remark(one, asked), asked.smooth) for one in people]
        lost = _write_series(smoothed, recipe, out, asked)
        written = [replace(one, lost=lost) for one in smoothed]
        found += [replace(one, faces=None, portrait=None) for one in written]
        yield from written
    wholes = [None if told.answer is None else told.answer.whole for told in found]
    table = tabulate_wholes([_describe(told) for told in found], wholes, recipe.emotions)
    _write_table(table, out / f"{recipe.head}.csv")


def describe_whole(told: Told, emotions: Sequence[str]) -> dict[str, Any]:
    """Column → cell of one clip in the table of all media."""
    whole = None if told.answer is None else told.answer.whole
    row: dict[str, Any] = tabulate_wholes([_describe(told)], [whole], emotions).to_pylist()[0]
    return row


def name_values(whole: Values, emotions: Sequence[str]) -> dict[str, str]:
    """Target → its value for people: `happy 0.87` of classes, `0.55` of a rating."""
    said = {}
    for target, value in whole.items():
        if TARGETS[target].behaviour.number:
            said[target] = write_number(float(value), 2)
        else:
            best = int(value.argmax())
            said[target] = f"{emotions[best]} {write_number(float(value[best]), 2)}"
    return said


def _remark(told: Told, asked: Asked) -> Told:
    """`told`, with a remark where a film is asked for of what is none."""
    if "mp4" not in asked.annotations or name_kind(told.clip) == "film":
        return told
    return replace(told, remarks=[*told.remarks, "no_film: nothing to draw upon, so no mp4"])


def _smooth(predictor: AnyPredictor, told: Told, rows: int) -> Told:
    if told.answer is None:
        return told
    series = smooth_series(told.answer.series, rows, causal=predictor.causal)
    return replace(told, answer=replace(told.answer, series=series))


def _write_series(people: Sequence[Told], recipe: Recipe, out: Path, asked: Asked) -> list[str]:
    """Write what is told of one clip over time, if anything; what a call before told is removed.

    `people` are those who are seen in it, where each is answered for. Returns what is `lost`.
    """
    told = people[0]
    folder, head = out / told.name, recipe.head
    for ending in (".csv", ".parquet", ".html", *DRAWN, *map(name_end, WRITERS)):
        (folder / f"{head}{ending}").unlink(missing_ok=True)
    answers = [person.answer for person in people if person.answer is not None]
    if not answers:
        return []
    table = tabulate_people(answers, recipe.emotions)
    _write_table(table, folder / f"{head}.csv")
    write_whole(folder / f"{head}.parquet", lambda aside: pq.write_table(table, aside))
    lost = write_annotations(people, recipe.emotions, folder / head, asked.annotations)
    if asked.pictures:
        from pipeline.predictor.drawing import draw_clip  # matplotlib: a second

        who = {told.who: told.answer for told in people if told.answer is not None}
        draw_clip(who, recipe.emotions, told.name, folder, head)
        wholes = [name_values(answer.whole or {}, recipe.emotions) for answer in answers]
        write_medium_page(folder / f"{head}.html", people, recipe, wholes)
    return lost


def _write_table(table: pa.Table, path: Path) -> None:
    write_whole(path, lambda aside: aside.write_bytes(pack_csv(table)))


def _describe(told: Told) -> dict[str, Any]:
    """What is known of a clip beside its answer."""
    present = {modality for row in (told.answer.present if told.answer else ()) for modality in row}
    return {
        "media": told.name,
        "person": told.person,
        "path": told.clip.path,
        "seconds": told.clip.duration_seconds,
        "modalities": "+".join(order_modalities(present)),
        "remarks": "; ".join([*told.remarks, *told.unlike, *told.lost]),
    }
