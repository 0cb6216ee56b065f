"""Moods: valence and arousal, and the five emotions they are called by."""

from dataclasses import dataclass
from math import hypot

EMOTIONS = {
    "neutral": (0.0, 0.0),
    "happy": (0.6, 0.6),
    "angry": (-0.6, 0.6),
    "sad": (-0.6, -0.6),
    "calm": (0.6, -0.6),
}
"""Each emotion's place on the circumplex (Russell 1980, doi:10.1037/h0077714)."""

NEUTRAL_RADIUS = 0.3


@dataclass(frozen=True)
class Mood:
    """Valence and arousal, each in [-1, 1]."""

    valence: float
    arousal: float


def emotion_of(mood: Mood) -> str:
    """Emotion of a mood: neutral within NEUTRAL_RADIUS of the origin, else its quadrant's."""
    if hypot(mood.valence, mood.arousal) < NEUTRAL_RADIUS:
        return "neutral"
    if mood.arousal >= 0:
        return "happy" if mood.valence >= 0 else "angry"
    return "calm" if mood.valence >= 0 else "sad"
