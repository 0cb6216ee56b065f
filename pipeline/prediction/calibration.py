"""Calibration: answers brought to the scale, and the sureness, that validation asks for."""

import numpy as np
from jaxtyping import Float

from pipeline.heads.recipes import Adjustment
from pipeline.targets import Target

LEAST_CHANCE = float(np.finfo(np.float32).tiny)
"""Of a class: a chance of 0 would stay 0 at any temperature, and sums of nothing but 0 divide."""

Values = Float[np.ndarray, "*shape"]


def calibrate(target: Target, values: Values, adjustment: Adjustment) -> Values:
    """Ratings brought to scale within their range, chances of classes tempered; all else stays.

    Centring and scaling ratings as validation has them is from Trigeorgis and others, Adieu
    features? End-to-end speech emotion recognition using a deep convolutional recurrent network,
    ICASSP 2016.
    """
    if target.kind == "rating":
        moved = adjustment.scale * values + adjustment.shift
        return np.asarray(np.clip(moved, target.low, target.high), values.dtype)
    if target.kind == "class" and adjustment.temperature != 1:
        return temper(values, adjustment.temperature)
    return values


def temper(chances: Values, temperature: float) -> Values:
    """Chances of classes, as if their logits were divided by `temperature`: their order stays.

    Guo and others, On calibration of modern neural networks, ICML 2017. The softmax of z / T is
    that of log p / T, where p is the softmax of z.
    """
    powers = np.maximum(chances.astype(np.float64), LEAST_CHANCE) ** (1 / temperature)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), chances.dtype)
