"""What `postprocessing` of a head says."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.limits import LEAST_SECONDS
from pipeline.sections import Section

SmoothingName = Literal["none", "mean", "median", "gaussian", "wiener"]
"""What evens out the series of a target's answers over a clip."""

CAUSAL_SMOOTHING = ("none", "mean", "median")
"""Of these, those that do without later frames."""

MOST_GAP_SECONDS = 60.0
"""Over which answers are interpolated: what was not seen for longer is not known."""

Width = Annotated[float, Field(ge=LEAST_SECONDS, le=3600)]


class PostprocessingParams(Section):
    """What becomes of a head's answers, by numbers that are fitted on validation; all is off.

    In this order: frames without an answer, between two that are at most `gap_seconds` apart, are
    interpolated; the series of each target that is answered frame by frame is smoothed by
    `smoothing`, over that of `widths_seconds` which is best by what ranks heads by the target, or
    not at all where that is best; with `rescale` ratings get the mean and the deviation of
    validation's labels; with `temperature` chances of classes are as sharp as validation likes.
    """

    gap_seconds: float = Field(0.0, ge=0, le=MOST_GAP_SECONDS)
    smoothing: SmoothingName = "none"
    widths_seconds: list[Width] = Field([0.25, 0.5, 1.0, 2.0, 4.0, 8.0], min_length=1)
    rescale: bool = False
    temperature: bool = False

    @property
    def of_frames(self) -> bool:
        """Whether anything is done to series."""
        return self.gap_seconds > 0 or self.smoothing != "none"

    @property
    def on(self) -> bool:
        """Whether anything is done at all."""
        return self.of_frames or self.rescale or self.temperature
