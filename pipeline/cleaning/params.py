"""What `clean` in params.yaml says: which clips are usable, and how loud their sound becomes."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from pipeline.sections import Section

Verdict = Literal["reject", "mark", "off"]
"""What becomes of a clip in which something was found; `off` does not even say it."""

Gain = Literal["peak", "rms", "loudness"]

GAIN_LEVELS: Mapping[Gain, float] = {"peak": -1.0, "rms": -20.0, "loudness": -23.0}
"""Usual levels: peak and loudness of EBU R 128 (2020), in dB below full scale and LUFS; RMS in dB
below full scale, the reference level of SMPTE RP 155."""

Share = Annotated[float, Field(ge=0, le=1)]


class Checks(Section):
    """What becomes of a clip by what was found in it, each under its word in the ledger."""

    alike: Verdict = "mark"
    antiphase: Verdict = "mark"
    backwards: Verdict = "mark"
    clipped: Verdict = "mark"
    doubled: Verdict = "mark"
    joined: Verdict = "mark"
    lengths_apart: Verdict = "mark"
    not_finite: Verdict = "mark"
    other_track: Verdict = "mark"
    quiet: Verdict = "mark"
    short_sound: Verdict = "mark"
    tracks_apart: Verdict = "mark"
    wrong_extension: Verdict = "mark"

    def judge(self, word: str) -> Verdict:
        """Verdict on what `word` stands for."""
        verdict: Verdict = getattr(self, word)
        return verdict


class CleanParams(Section):
    """What `clean` keeps; at most `allowed_share` of the clips may be left out.

    Sound below `quiet_dbfs` (RMS, decibels below full scale) is quiet, below `silent_dbfs` it
    is no sound at all. Sound is clipped where more than `clipped_share` of its samples are as loud
    as can be, and short where it covers less than `sound_share` of its clip. Timestamps go
    backwards where they do by more than `back_seconds`; lengths of sound and pictures are apart
    where they differ by more than `apart_seconds`, and by more than `apart_share` of the longer.
    Two clips are alike where at most the share `alike_sound` of the bits of their sound differ, or
    `alike_pictures` of those of their pictures.

    With `gain`, all sound has the same peak, RMS or loudness, `gain_level` or the usual one.
    """

    min_seconds: PositiveFloat = 0.2
    max_seconds: PositiveFloat = 600.0
    quiet_dbfs: float = -45.0
    silent_dbfs: float = -80.0
    clipped_share: Share = 0.01
    sound_share: Share = 0.9
    back_seconds: float = Field(0.0, ge=0)
    apart_seconds: float = Field(0.5, ge=0)
    apart_share: Share = 0.1
    alike_sound: float = Field(0.2, ge=0, le=0.25)
    alike_pictures: float = Field(0.12, ge=0, le=0.25)
    checks: Checks = Checks()
    gain: Gain | None = None
    gain_level: float | None = Field(None, ge=-60, le=0)
    allowed_share: Share = 0.1
    workers: PositiveInt = 2
    limit_seconds: PositiveFloat = 300.0

    @model_validator(mode="after")
    def _check_bounds(self) -> "CleanParams":
        """Refuse bounds that no clip can meet, and a level of no gain."""
        if self.min_seconds > self.max_seconds:
            raise PydanticCustomError("bounds", "min_seconds must not exceed max_seconds")
        if self.gain is None and self.gain_level is not None:
            raise PydanticCustomError("gain", "gain_level needs a gain: peak, rms or loudness")
        return self

    @property
    def level(self) -> float | None:
        """Level that sound is brought to, None where it stays as it is."""
        if self.gain is None:
            return None
        return GAIN_LEVELS[self.gain] if self.gain_level is None else self.gain_level
