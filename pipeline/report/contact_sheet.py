"""The contact sheet: crops of a dozen clips to look at beside the report, and faces counted.

The picture holds faces and the counts do not, so they are files of their own: where faces may not
leave, the report and its counts still may.
"""

from collections.abc import Sequence
from pathlib import Path

from pipeline.faces.tables import FACE_SCHEMA
from pipeline.files import write_json
from pipeline.report.face_summaries import ClipFaces, count_faces, summarise_clips
from pipeline.report.pages import write_page
from pipeline.report.pictures import pick_evenly
from pipeline.report.strips import draw_strips
from pipeline.store.reader import open_media

MOST_CLIPS = 12
MOST_MARKED = 4
"""Of these clips, as many as that have a remark, if there are some."""

CROPS = 6
"""Crops of each clip."""

PIXELS = 88


def write_sheet(data: Path, sheet: Path, counts: Path) -> None:
    """Write the picture `sheet`, an SVG, and the JSON file `counts` of the store `data`/face.

    Raises StoreError where the store is absent or damaged.
    """
    clips = summarise_clips(data)
    write_json(counts, count_faces(clips).model_dump())
    chosen = choose_clips(clips)
    strips = draw_strips(open_media(data / "face", FACE_SCHEMA), chosen, CROPS, PIXELS)
    write_page(sheet, "faces_sheet.svg.j2", {"strips": strips, "crops": CROPS, "pixels": PIXELS})


def choose_clips(clips: Sequence[ClipFaces]) -> list[ClipFaces]:
    """At most MOST_CLIPS of `clips` with crops, evenly spread over ids: marked ones, then plain."""
    marked, plain = (
        [clip for clip in clips if clip.crops and (clip.status == "marked") == wanted]
        for wanted in (True, False)
    )
    room = max(MOST_MARKED, MOST_CLIPS - len(plain))
    first = pick_evenly(marked, room)
    return first + pick_evenly(plain, MOST_CLIPS - len(first))
