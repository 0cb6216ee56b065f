"""Activity: which frames of a clip's sound are loud enough to be speech."""

import numpy as np
from jaxtyping import Bool, Float

LOUD_QUANTILE = 0.95
"""What counts as a clip's loud level: unlike the peak, one bang does not move it."""


def find_active(
    energy: Float[np.ndarray, " frames"], active_db: float | None
) -> Bool[np.ndarray, " frames"]:
    """Frames whose energy is within `active_db` of the loud level; digital silence never is."""
    if active_db is None or not len(energy):
        return np.ones(len(energy), bool)
    least = np.quantile(energy, LOUD_QUANTILE) * 10 ** (-active_db / 10)
    return np.asarray((energy > 0) & (energy >= least))
