"""What `clean` in params.yaml says: which clips are usable."""

from pydantic import Field, PositiveFloat, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from pipeline.sections import Section


class CleanParams(Section):
    """What `clean` keeps; at most `allowed_share` of the clips may be left out.

    Sound below `quiet_dbfs` (RMS, decibels below full scale) is marked, below `silent_dbfs` it
    is no sound at all.
    """

    min_seconds: PositiveFloat = 0.2
    max_seconds: PositiveFloat = 600.0
    quiet_dbfs: float = -45.0
    silent_dbfs: float = -80.0
    allowed_share: float = Field(0.1, ge=0, le=1)
    workers: PositiveInt = 2
    limit_seconds: PositiveFloat = 300.0

    @model_validator(mode="after")
    def _check_bounds(self) -> "CleanParams":
        """Refuse bounds that no clip can meet."""
        if self.min_seconds > self.max_seconds:
            raise PydanticCustomError("bounds", "min_seconds must not exceed max_seconds")
        return self
