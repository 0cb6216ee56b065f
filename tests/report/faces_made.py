"""A few clips with faces, gaps and none, packed as the stages pack them."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.faces.params import FacesParams
from pipeline.faces.stores import pack_faces
from pipeline.files import digest_file
from pipeline.labels.clips import CLEAN_SCHEMA, write_clips
from pipeline.media.sampling import Sampling
from pipeline.media.video import read_frames
from tests.conftest import PROJECT
from tests.makers import grey_frames, make_clips, write_video

FACE = PROJECT / "data" / "demo" / "speaker_01" / "clip_01.mp4"
FPS = 5
FRAMES = 7
MISSED = 3
"""Frame of the clip `gap` that shows nobody."""


@dataclass(frozen=True)
class MadeFaces:
    """The clips `toy/blank`, `toy/face` and `toy/gap`, FRAMES frames each, in `root`/data."""

    root: Path

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def film(self) -> Path:
        """Video of `toy/gap`."""
        return self.root / "gap.mkv"


def make_faces(root: Path, *, scene_pixels: int | None = None) -> MadeFaces:
    face = [frame.image for frame in read_frames(FACE, Sampling(rate_hz=float(FPS)))][:FRAMES]
    gap = [np.zeros_like(image) if n == MISSED else image for n, image in enumerate(face)]
    films = {"blank": grey_frames(FRAMES), "face": face, "gap": gap}
    paths = {
        f"toy/{name}": write_video(root / f"{name}.mkv", frames, FPS)
        for name, frames in films.items()
    }
    clips = [
        replace(
            clip,
            fps=float(FPS),
            duration_seconds=FRAMES / FPS,
            media_digest=digest_file(Path(clip.path)),
        )
        for clip in make_clips(paths)
    ]
    params = FacesParams(
        rate_hz=FPS, pixels=40, workers=1, allowed_share=0.5, scene_pixels=scene_pixels
    )
    made = MadeFaces(root)
    write_clips(made.data / "clips" / "clips.parquet", clips, CLEAN_SCHEMA)
    pack_faces(clips, params, made.data, root / "work")
    return made
