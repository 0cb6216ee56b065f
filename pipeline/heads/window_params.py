"""What `windows` of a head says."""

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from pipeline.limits import LEAST_SECONDS, MOST_HZ, MOST_SECONDS, MOST_TURNS
from pipeline.sections import Section

Stretch = Annotated[float, Field(ge=LEAST_SECONDS, le=MOST_SECONDS)]


class WindowParams(Section):
    """The stretch of time a head sees at once, and how rows reach its grid points.

    `seconds` None takes each clip whole; `rate_hz` None keeps each modality's own rows (clip
    targets only). `label_delay_seconds` is how long annotators lag behind what they rate.

    `context_turns` are the turns of its dialogue before a clip, and after it unless `causal`, that
    are seen beside it (clip targets only).
    """

    seconds: Stretch | None = None
    hop_seconds: Stretch | None = None
    rate_hz: Annotated[float, Field(gt=0, le=MOST_HZ)] | None = None
    align: Literal["nearest", "mean"] = "mean"
    tolerance_seconds: float = Field(0.1, ge=0)
    causal: bool = False
    label_delay_seconds: float = Field(0.0, ge=0)
    context_turns: int = Field(0, ge=0, le=MOST_TURNS)

    @model_validator(mode="after")
    def _check_hop(self) -> "WindowParams":
        """Refuse a hop without windows, and one that leaves gaps between them."""
        if self.hop_seconds is not None and self.hop_seconds > (self.seconds or 0):
            raise PydanticCustomError("hop", "hop_seconds: expected at most `seconds`")
        return self
