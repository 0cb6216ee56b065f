"""What `faces` in params.yaml says: which faces are found, whose are kept, and how they are cut."""

from typing import Annotated, Final, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from pipeline.faces import GIVEN
from pipeline.limits import MOST_FRAMES, MOST_HZ
from pipeline.media.sampling import SAMPLED, Sampling
from pipeline.sections import Section

Choice = Literal["largest", "longest", "centre", "left", "right", "speaker"]

EVERYONE: Final = "everyone"
"""Stands in place of a choice where everybody is kept, to be told apart by their tracks.

params.yaml cannot say it: a clip of a corpus is of one person.
"""

Whose = Choice | Literal["everyone"]


class Thresholds(Section):
    """What a crop must keep to (`quality.Quality` has the units); unknown angles keep to any."""

    min_sharpness: float = Field(0.0, ge=0)
    min_brightness: float = Field(0.0, ge=0, le=1)
    max_brightness: float = Field(1.0, ge=0, le=1)
    max_yaw: float = Field(180.0, ge=0)
    max_pitch: float = Field(180.0, ge=0)
    min_size: float = Field(0.0, ge=0)


class FacesParams(Section):
    """How faces are found and cut.

    Frames: `rate_hz` a second; where that is null, `every` so manieth, or `per_clip` of them evenly
    spread, or all; of the middle share of each clip alone, if `middle_share` says so.

    Faces: found by `detector`, or by the best whose weights are here for `auto`; `weights`,
    `min_score` and `search_pixels`, the longer side at which frames are searched, are the
    detector's own where null. `batch` frames are searched at once on `device`.

    People: a face is followed through gaps of up to `gap_seconds`, and that of whom `choose` names
    is kept (`choosing.choose_tracks`).

    Crops: of `pixels`, turned upright by eyes, nose and mouth with `align`, else the box and
    `margin` of it on each side; those that do not keep to the `thresholds` are left out.
    `scene_pixels` asks for whole frames of that height as well.

    `workers` processes take a clip each, and `limit_seconds` for each minute of it at most.
    """

    detector: str = "cascade"
    weights: str | None = None
    min_score: float | None = Field(None, ge=0)
    search_pixels: PositiveInt | None = None
    batch: PositiveInt = 16
    device: Literal["cpu", "cuda"] = "cpu"
    precision: Literal["fp32", "fp16", "bf16"] = "fp32"
    rate_hz: Annotated[float, Field(gt=0, le=MOST_HZ)] | None = 5.0
    every: Annotated[int, Field(gt=0, le=MOST_FRAMES)] | None = None
    per_clip: Annotated[int, Field(gt=0, le=MOST_FRAMES)] | None = None
    middle_share: float = Field(1.0, gt=0, le=1)
    gap_seconds: float = Field(0.5, ge=0, le=10)
    choose: Choice = "largest"
    align: bool = False
    pixels: PositiveInt = 112
    margin: float = Field(0.2, ge=0)
    jpeg_quality: int = Field(95, ge=1, le=100)
    thresholds: Thresholds = Thresholds()
    scene_pixels: PositiveInt | None = None
    allowed_share: float = Field(0.5, ge=0, le=1)
    workers: PositiveInt = 2
    limit_seconds: PositiveFloat = 600.0

    @model_validator(mode="after")
    def _check_sampling(self) -> "FacesParams":
        """Refuse two ways of taking frames."""
        ways = {"rate_hz": self.rate_hz, "every": self.every, "per_clip": self.per_clip}
        asked = [name for name, value in ways.items() if value is not None]
        if len(asked) > 1:
            text = "expected one of rate_hz, every, per_clip, got {asked}; set the others to null"
            raise PydanticCustomError("sampling", text, {"asked": " and ".join(asked)})
        return self

    @model_validator(mode="after")
    def _check_scenes(self) -> "FacesParams":
        """Refuse whole frames of a corpus's crops."""
        if self.detector == GIVEN and self.scene_pixels is not None:
            text = "scene_pixels: expected null with detector given, which sees no whole frame"
            raise PydanticCustomError("scenes", text)
        return self

    @property
    def sampling(self) -> Sampling:
        """Which frames of a clip are looked at."""
        return Sampling(**self.model_dump(include=set(SAMPLED)))
