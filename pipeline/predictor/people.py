"""People: each person seen in a film as a clip of its own, by the crops of its face."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Int64

from pipeline.faces.spool import take_rows
from pipeline.faces.tables import FACE_SCHEMA
from pipeline.files import digest_json
from pipeline.predictor.answering import Answer
from pipeline.predictor.joining import Met, join_tracks
from pipeline.predictor.timing import NOBODY
from pipeline.store.index import Location, rowless
from pipeline.store.ledger import Entry
from pipeline.store.provenance import Provenance, derive_key
from pipeline.store.reader import MediaStore
from pipeline.store.writer import Made, StoreWriter

LEAST_SECONDS = 1.0
"""Who is seen for less than that, and for less than half of the longest, only passes by."""

MOST_PEOPLE = 16
"""Of a film: more than a page shows side by side, or anybody looks at."""


@dataclass(frozen=True)
class Person:
    """Someone who is answered for: the clip that its rows are of, and its first track in the film.

    `track` is None where people are not told apart, or nobody is seen: the clip is the film's.
    """

    clip_id: str
    track: int | None = None


def name_clip(clip_id: str, track: int) -> str:
    """Id of the clip that a person in a film is, by its first track; no file can be called so.

    >>> name_clip("media/talk", 2)
    'media/talk//2'
    """
    return f"{clip_id}//{track}"


def list_people(clip_ids: Iterable[str], parted: Iterable[str]) -> dict[str, list[Person]]:
    """Film → who is answered for in it, by the ids of the store that `part_people` made.

    >>> list_people(["media/a", "media/b"], ["media/a//7", "media/b"])["media/a"]
    [Person(clip_id='media/a//7', track=7)]
    """
    found: dict[str, list[Person]] = {clip_id: [] for clip_id in clip_ids}
    for name in parted:
        clip_id, _, track = name.rpartition("//")
        if clip_id in found:
            found[clip_id].append(Person(name, int(track)))
    by_track = {c: sorted(own, key=lambda one: one.track or 0) for c, own in found.items()}
    return {clip_id: own or [Person(clip_id)] for clip_id, own in by_track.items()}


def part_people(faces: MediaStore, tracks: MediaStore, out: Path, work: Path) -> None:
    """Make `out` a store in which each person of each clip of `faces` is a clip, see `name_clip`.

    `faces` hold the crops of everyone, `tracks` all that were seen. Who is left out is told in the
    ledger. What `work` holds is not made again. Of a film some crops are in memory at once.
    """
    made_by = Provenance(faces.provenance["stage"], faces.provenance["settings"])
    held = faces.list_keys()
    locations: dict[str, Location] = {}
    ledger: list[Entry] = []
    with StoreWriter(work, made_by, "parquet", FACE_SCHEMA) as writer:
        for clip_id in faces:
            if not faces.has_rows(clip_id):
                locations[clip_id] = rowless(clip_id)
                continue
            ends = _take_ends(faces.read_rows(clip_id))
            seen = tracks.read_columns(clip_id, ["track"])
            chosen, remark = choose_people(ends, _count_unclear(ends, seen))
            ledger += [Entry(clip_id, "faces", "marked", "people", remark)] if remark else []
            people = {name_clip(clip_id, one.number): one for one in chosen}
            keys = {
                name: derive_key(digest_json([held[clip_id], one.tracks]), made_by.fingerprint)
                for name, one in people.items()
            }
            missing = {name: people[name] for name in writer.missing(keys, out)}
            with writer.scratch() as folder:
                for name, crops in _take_crops(faces.read_rows(clip_id), missing, folder):
                    writer.add(name, keys[name], Made(crops))
                writer.close_part()
            locations |= writer.locate(keys)
        writer.publish(out, locations, ledger)


def _take_ends(batches: Iterable[pa.Table]) -> pa.Table:
    """The first row of each track, and then the last of each."""
    first: dict[int, pa.Table] = {}
    last: dict[int, pa.Table] = {}
    for crops in batches:
        tracks = crops["track"].to_numpy()
        for track in np.unique(tracks).tolist():
            places = np.flatnonzero(tracks == track)
            first.setdefault(track, crops.take(places[:1]))  # a slice would hold all of them
            last[track] = crops.take(places[-1:])
    return pa.concat_tables([*first.values(), *last.values()])


def _take_crops(
    batches: Iterable[pa.Table], people: Mapping[str, Met], folder: Path
) -> Iterator[tuple[str, pa.Table]]:
    """Name → rows of each of `people`, all under its number, mapped from files in `folder`."""
    if not people:
        return
    paths = {name: folder / f"{place}.arrow" for place, name in enumerate(people)}
    with ExitStack() as stack:
        files = {
            name: stack.enter_context(pa.ipc.new_file(str(path), FACE_SCHEMA))
            for name, path in paths.items()
        }
        for crops in batches:
            for name, one in people.items():
                own = crops.filter(pc.is_in(crops["track"], pa.array(one.tracks)))
                numbers = pa.array(np.full(len(own), one.number))
                place = own.column_names.index("track")
                files[name].write_table(own.set_column(place, FACE_SCHEMA.field("track"), numbers))
    for name, path in paths.items():
        yield name, take_rows(path)


def choose_people(crops: pa.Table, unclear: int) -> tuple[list[Met], str]:
    """People of a film that are answered for, and a sentence on others, if there are any.

    `crops` are its rows in a store of everyone's faces, or the first and the last of each track; so
    many tracks have none.
    """
    people = join_tracks(crops)
    least = min(LEAST_SECONDS, max(one.seconds for one in people) / 2)
    long = [one for one in people if one.seconds >= least]
    kept = sorted(long, key=lambda one: one.seconds, reverse=True)[:MOST_PEOPLE]
    reasons = {
        f"seen for less than {LEAST_SECONDS:g} s": len(people) - len(long),
        "never seen well enough": unclear,
        f"beyond the {MOST_PEOPLE} that are seen longest": len(long) - len(kept),
    }
    told = ", ".join(f"{count} {reason}" for reason, count in reasons.items() if count)
    return kept, f"{len(kept)} answered for, not for {told}" if told else ""


def _count_unclear(crops: pa.Table, tracks: pa.Table | None) -> int:
    """How many of `tracks` have no crop that was kept."""
    seen = 0 if tracks is None else len(tracks["track"].unique())
    return seen - len(crops["track"].unique())


def share_answers(
    people: Sequence[Person], answers: Mapping[str, Answer]
) -> Sequence[Answer | None]:
    """Answer of each of `people` of a clip; of several, at the times that they are seen alone."""
    if len(people) == 1:
        return [answers.get(people[0].clip_id)]
    own = [answers[person.clip_id] for person in people]
    shown = share_times([answer.people for answer in own])
    return [answer.keep_times(times) for answer, times in zip(own, shown, strict=True)]


def share_times(
    people: Sequence[Int64[np.ndarray, " times"]],
) -> list[Bool[np.ndarray, " times"]]:
    """Times that each of several people has a row at: those around which it is seen.

    `people` are tracks as `find_people` has them. Times at which nobody is seen are the first's, so
    that every time has a row.

    >>> share_times([np.array([4, NOBODY, NOBODY]), np.array([7, 7, NOBODY])])
    [array([ True, False,  True]), array([ True,  True, False])]
    """
    seen = np.stack(people) != NOBODY
    seen[0] |= ~seen.any(axis=0)
    return list(seen)
