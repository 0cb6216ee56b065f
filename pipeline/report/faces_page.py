"""Pages to look at faces: of one clip with its frames, and of a corpus, the worst clips first."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pipeline.errors import StoreError
from pipeline.faces.params import FacesParams
from pipeline.faces.stores import read_params
from pipeline.faces.tables import FACE_SCHEMA, SCENE_SCHEMA, TRACK_SCHEMA
from pipeline.labels.clips import CLEAN_SCHEMA, Clip, read_clips
from pipeline.labels.corpora.params import CorpusParams
from pipeline.labels.inside import check_inside
from pipeline.media.sampling import Sampling
from pipeline.report.face_summaries import (
    ClipFaces,
    count_faces,
    rank_clips,
    read_facts,
    summarise_clip,
    summarise_clips,
)
from pipeline.report.pages import write_page
from pipeline.report.pictures import name_clip
from pipeline.report.sightings import OTHER_COLOUR, Cast, Crop, Person, list_crops, read_cast
from pipeline.report.stills import Still, take_stills
from pipeline.report.strips import draw_strips, show_crops
from pipeline.report.timelines import MOST_TRACKS, Timeline, draw_timeline
from pipeline.store.ledger import read_ledger
from pipeline.store.reader import MediaStore, open_media

MOST_CROPS = 48
"""Crops on the page of one clip."""

HANDFUL = 8
"""Crops of each clip on the page of a corpus."""

_CROP_PIXELS = 128
_SMALL_PIXELS = 96


def write_clip_page(
    path: Path, data: Path, clip_id: str, corpora: Mapping[str, CorpusParams] | None = None
) -> None:
    """Write the page of one clip of the stores in the folder `data`; it needs no other file.

    Frames are those of the clip's video where it is here, and `corpora` say where it may be, else
    of data/scene. Raises StoreError where data/face or data/tracks is absent, and for an unknown
    clip, and CorpusError for a video outside of `corpora`.
    """
    faces = open_media(data / "face", FACE_SCHEMA)
    tracks = open_media(data / "tracks", TRACK_SCHEMA)
    check_clip(faces, clip_id)
    crops = list_crops(faces[clip_id])
    with name_clip(faces, clip_id):
        shown = show_crops(crops, MOST_CROPS, _CROP_PIXELS)
    cast = read_cast(tracks[clip_id], crops)
    clip, summary = _find_clip(data, clip_id), _summarise(faces, clip_id)
    params = read_params(faces)
    if clip is not None and corpora is not None:
        check_inside([clip], corpora)  # the table of clips may be a stranger's
    filmed = clip if corpora is not None else None
    stills = take_stills(clip_id, filmed, params.sampling, _open_scenes(data / "scene"))
    content = {
        **_describe(faces, params),
        "summary": summary,
        "clip": clip,
        "cast": cast,
        "colours_of": defaultdict(lambda: OTHER_COLOUR, cast.colour_tracks()),
        "stills": stills,
        "pictures": _pair_people(stills.shown, cast),
        "crops": shown,
        "timeline": _draw_timeline(params, summary, clip, cast, crops),
        "most_tracks": MOST_TRACKS,
    }
    write_page(path, "faces_clip.html.j2", content)


def write_corpus_page(path: Path, data: Path, most: int) -> None:
    """Write the page of the `most` clips to look at first in the folder `data`.

    It needs no other file. Raises StoreError where data/face is absent.
    """
    faces, clips = open_media(data / "face", FACE_SCHEMA), summarise_clips(data)
    content = {
        **_describe(faces, read_params(faces)),
        "counts": count_faces(clips),
        "reasons": count_reasons(clips),
        "clips": len(clips),
        "strips": draw_strips(faces, rank_clips(clips)[:most], HANDFUL, _SMALL_PIXELS),
    }
    write_page(path, "faces_corpus.html.j2", content)


def check_clip(faces: MediaStore, clip_id: str) -> None:
    """Raise StoreError that names the nearest known clip unless `clip_id` is in the store."""
    if clip_id in faces:
        return
    # Of ids of far other lengths, such as thousands of letters, difflib looks at no letter.
    nearest = get_close_matches(clip_id, faces.index.clip_ids, n=1)
    hint = f"did you mean {nearest[0]!r}?" if nearest else "run `dvc repro` to make it"
    raise StoreError(f"{faces.path}: no clip {clip_id!r} among {len(faces):,}; {hint}")


def describe_sampling(sampling: Sampling) -> str:
    """Words for which frames are looked at: `5 a second`."""
    part = f", of the middle {sampling.middle_share:.0%}" if sampling.middle_share < 1 else ""
    if sampling.rate_hz is not None:
        return f"{sampling.rate_hz:g} a second{part}"
    if sampling.per_clip is not None:
        return f"{sampling.per_clip} of each clip{part}"
    return f"{'all' if sampling.every is None else f'one in {sampling.every}'}{part}"


def count_reasons(clips: Iterable[ClipFaces]) -> list[tuple[str, str, int]]:
    """Status, reason and how many clips have them; the commonest first, plain clips last."""
    counted = Counter((clip.status, clip.entry.reason if clip.entry else "") for clip in clips)
    ordered = sorted(counted.items(), key=lambda item: (item[0][0] == "ok", -item[1], item[0]))
    return [(*key, count) for key, count in ordered]


def _describe(faces: MediaStore, params: FacesParams) -> dict[str, Any]:
    """What made the store of crops."""
    return {
        "provenance": faces.provenance,
        "settings": faces.provenance["settings"],
        "sampling": describe_sampling(params.sampling),
    }


def _summarise(faces: MediaStore, clip_id: str) -> ClipFaces:
    entries = {entry.clip_id: entry for entry in read_ledger(faces.path / "ledger.parquet")}
    facts = read_facts(faces).get(clip_id, {})
    return summarise_clip(faces, clip_id, entries.get(clip_id), facts)


def _find_clip(data: Path, clip_id: str) -> Clip | None:
    """The clip by its id, None where the table of clips is not here."""
    path = data / "clips" / "clips.parquet"
    clips = read_clips(path, CLEAN_SCHEMA) if path.is_file() else []
    return next((clip for clip in clips if clip.clip_id == clip_id), None)


def _open_scenes(path: Path) -> MediaStore | None:
    return open_media(path, SCENE_SCHEMA) if (path / "store.json").is_file() else None


def _pair_people(stills: Iterable[Still], cast: Cast) -> list[tuple[Still, list[Person]]]:
    """Each still with who is in it."""
    frames = cast.group_frames()
    return [(still, frames.get(still.frame, [])) for still in stills]


def _draw_timeline(
    params: FacesParams,
    summary: ClipFaces,
    clip: Clip | None,
    cast: Cast,
    crops: Sequence[Crop],
) -> Timeline:
    last = max((person.seconds for person in cast.people), default=0.0)
    known = clip.duration_seconds if clip is not None else None
    seconds = max(known or 0.0, last)
    thresholds: Mapping[str, float] = params.thresholds.model_dump()
    frames = summary.frames or len(cast.group_frames())
    step = params.sampling.middle_share * seconds / max(frames, 1)
    return draw_timeline(cast, crops, seconds=seconds, step=step, thresholds=thresholds)
