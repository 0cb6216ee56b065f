"""Gain: one factor for all the sound of a clip, so that clips are as loud as one another."""

import math
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from jaxtyping import Float32

from pipeline.cleaning.params import Gain
from pipeline.media import AUDIO_HZ
from pipeline.media.audio import loudness_dbfs, split

GATE_LUFS = -70.0
"""Sound that is less loud has no loudness (ITU-R BS.1770-4, annex 1)."""


def apply_gain(
    samples: Float32[np.ndarray, " samples"], gain: Gain, level: float
) -> Float32[np.ndarray, " samples"]:
    """`samples` at AUDIO_HZ, of which the peak, RMS (dB below full scale) or loudness is `level`.

    What would be clipped stays below: no sample becomes louder than full scale. Silence stays so.
    """
    peak = measure_peak(samples)
    found = {"peak": measure_peak, "rms": loudness_dbfs, "loudness": measure_loudness}[gain](
        samples
    )
    if not math.isfinite(found):
        return samples
    factor = 10 ** (min(level - found, -peak) / 20)
    louder: Float32[np.ndarray, " samples"] = samples * np.float32(factor)
    return louder


def measure_peak(samples: Float32[np.ndarray, " samples"]) -> float:
    """The loudest of `samples` in dB below full scale, minus infinity for digital silence."""
    loudest = max(float(np.abs(block).max(initial=0)) for block in split(samples))
    return 20 * math.log10(loudest) if loudest else -math.inf


def measure_loudness(samples: Float32[np.ndarray, " samples"]) -> float:
    """Integrated loudness of `samples` at AUDIO_HZ in LUFS, as EBU R 128 has it, of one channel.

    Minus infinity below GATE_LUFS, and for less than the 0.4 s that it is measured over.
    """
    graph = Graph()
    source = graph.add_abuffer(sample_rate=AUDIO_HZ, format="flt", layout="mono")
    meter = graph.add("ebur128", "metadata=1:framelog=quiet")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    told = GATE_LUFS
    for number, block in enumerate([*split(samples), None]):
        graph.push(None if block is None else _make_frame(block, number * len(split(samples)[0])))
        told = _read_meter(graph, told)
    return told if told > GATE_LUFS else -math.inf


def _make_frame(block: Float32[np.ndarray, " block"], place: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block[None]), "flt", "mono")
    frame.sample_rate, frame.time_base, frame.pts = AUDIO_HZ, Fraction(1, AUDIO_HZ), place
    return frame


def _read_meter(graph: Graph, told: float) -> float:
    """Loudness up to the last frame that is through, `told` where none is."""
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return told
        told = float(frame.metadata["lavfi.r128.I"])
