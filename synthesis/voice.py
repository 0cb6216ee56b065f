"""A voice: glottal pulses sent through the formants of vowels, and hiss for consonants.

The source-filter model (Fant 1960). Pulses are Rosenberg's (1971, doi:10.1121/1.1912389);
formants are the men's means of Peterson and Barney (1952, doi:10.1121/1.1906875), a fourth added.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.signal import lfilter

from synthesis.moods import Mood

HZ = 16_000

FORMANTS_HZ = {
    "a": (730, 1090, 2440, 3400),
    "e": (530, 1840, 2480, 3500),
    "i": (270, 2290, 3010, 3600),
    "o": (570, 840, 2410, 3300),
    "u": (300, 870, 2240, 3300),
}
BANDWIDTHS_HZ = (70, 90, 130, 200)


@dataclass(frozen=True)
class Throat:
    """What is a speaker's own.

    Mean pitch, length of the vocal tract (1 is a man's), share of breath, and the pole that dulls
    the voice.
    """

    pitch_hz: float
    tract: float
    breath: float
    tilt: float


@dataclass(frozen=True)
class Speech:
    """Sound of one clip at HZ, and how loud each sample's syllable is in [0, 1]."""

    samples: Float[np.ndarray, " samples"]
    loudness: Float[np.ndarray, " samples"]


def speak(throat: Throat, mood: Mood, seconds: float, rng: np.random.Generator) -> Speech:
    """Babble of `seconds` in the voice of `throat`; its peak is 1."""
    size = round(seconds * HZ)
    edges = syllable_edges(mood.arousal, seconds, rng)
    loudness = _loudness(edges, size, mood.arousal)
    source = glottal_pulses(_pitch(throat, mood, size, rng), 0.64 - 0.16 * mood.arousal)
    source += throat.breath * rng.standard_normal(size)
    voiced = _tilt(_vowels(source, edges, throat, mood, rng), throat.tilt - 0.3 * mood.arousal)
    hiss = _hiss(edges, size, rng) * (0.05 + 0.04 * mood.arousal)
    samples = loudness * voiced / np.abs(voiced).max() + hiss
    return Speech(samples / np.abs(samples).max(), loudness)


def syllable_edges(
    arousal: float, seconds: float, rng: np.random.Generator
) -> Float[np.ndarray, " edges"]:
    """Seconds at which syllables begin and end; about 2 to 7 a second, by arousal."""
    count = max(2, round(seconds * (4.5 + 2.8 * arousal)))
    lengths = rng.uniform(0.7, 1.3, count)
    edges = np.concatenate([[0.0], np.cumsum(lengths)])
    return np.asarray(edges * seconds / lengths.sum())


def glottal_pulses(
    pitch_hz: Float[np.ndarray, " samples"], open_share: float
) -> Float[np.ndarray, " samples"]:
    """Derivative of Rosenberg's pulses, one a period; the glottis is open for `open_share`."""
    phase = np.cumsum(pitch_hz) / HZ % 1.0
    rising, falling = open_share * 0.67, open_share * 0.33
    rise = 0.5 * (1 - np.cos(np.pi * phase / rising))
    fall = np.cos(0.5 * np.pi * (phase - rising) / falling)
    flow = np.where(phase < rising, rise, np.where(phase < open_share, fall, 0.0))
    return np.asarray(np.diff(flow, prepend=0.0))


def _pitch(
    throat: Throat, mood: Mood, size: int, rng: np.random.Generator
) -> Float[np.ndarray, " samples"]:
    """Pitch in Hz: higher and livelier with arousal, rising with valence, never quite still."""
    across = np.linspace(-0.5, 0.5, size)
    seconds = np.arange(size) / HZ
    melody = np.sin(2 * np.pi * (rng.uniform(0.6, 1.2) * seconds + rng.random()))
    steps = np.arange(0, seconds[-1] + 0.1, 0.02)
    shake = np.interp(seconds, steps, rng.standard_normal(len(steps)))
    semitones = (
        6.0 * mood.arousal
        + 6.0 * mood.valence * across
        + (2.0 + 1.5 * mood.arousal) * melody
        + 0.25 * shake
    )
    return np.asarray(throat.pitch_hz * 2 ** (semitones / 12))


def _loudness(
    edges: Float[np.ndarray, " edges"], size: int, arousal: float
) -> Float[np.ndarray, " samples"]:
    """One hump a syllable, sharper with arousal."""
    syllable = np.interp(np.arange(size) / HZ, edges, np.arange(len(edges)))
    hump = np.abs(np.sin(np.pi * syllable))
    loudness: Float[np.ndarray, " samples"] = 0.04 + 0.96 * hump ** (0.8 + 0.25 * arousal)
    return loudness


def _vowels(
    source: Float[np.ndarray, " samples"],
    edges: Float[np.ndarray, " edges"],
    throat: Throat,
    mood: Mood,
    rng: np.random.Generator,
) -> Float[np.ndarray, " samples"]:
    """`source` through a vowel per syllable, faded from one into the next."""
    chosen = rng.choice(list(FORMANTS_HZ), len(edges) - 1)
    place = np.interp(np.arange(len(source)) / HZ, edges, np.arange(len(edges)) - 0.5)
    spread = 1 + 0.06 * mood.valence
    voiced = np.zeros_like(source)
    for vowel, formants in FORMANTS_HZ.items():
        weight = np.interp(place, np.arange(len(chosen)), (chosen == vowel).astype(float))
        hertz = [formant * spread / throat.tract for formant in formants]
        voiced += weight * _resonate(source, hertz)
    return voiced


def _resonate(
    source: Float[np.ndarray, " samples"], formants_hz: list[float]
) -> Float[np.ndarray, " samples"]:
    """`source` through one two-pole resonator per formant (Klatt 1980, doi:10.1121/1.383940)."""
    for hertz, bandwidth in zip(formants_hz, BANDWIDTHS_HZ, strict=True):
        radius = np.exp(-np.pi * bandwidth / HZ)
        middle = 2 * radius * np.cos(2 * np.pi * hertz / HZ)
        source = lfilter([1 - middle + radius**2], [1, -middle, radius**2], source)
    return source


def _tilt(samples: Float[np.ndarray, " samples"], amount: float) -> Float[np.ndarray, " samples"]:
    """`samples` duller the nearer `amount`, a pole, is to 1."""
    return np.asarray(lfilter([1.0], [1.0, -min(amount, 0.93)], samples))


def _hiss(
    edges: Float[np.ndarray, " edges"], size: int, rng: np.random.Generator
) -> Float[np.ndarray, " samples"]:
    """Bursts of high noise where syllables meet."""
    seconds = np.arange(size)[:, None] / HZ
    kept = edges[:-1][rng.random(len(edges) - 1) < 0.6]
    bursts = np.exp(-0.5 * ((seconds - kept) / 0.018) ** 2).sum(axis=1)
    return np.asarray(bursts * lfilter([1, -0.9], [1.0], rng.standard_normal(size)))
