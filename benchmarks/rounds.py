"""Several ways of doing the same work, timed in turns and told over one of them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Job = Callable[[], object]


@dataclass(frozen=True)
class Side:
    """One way of doing the work: `prepare` makes a job of `units` units; its call is timed."""

    name: str
    prepare: Callable[[], Job]
    units: int


@dataclass(frozen=True)
class Timings:
    """Seconds per unit of each side in each round; the first side is the baseline."""

    names: tuple[str, ...]
    seconds: Float[np.ndarray, "rounds sides"]

    @property
    def medians(self) -> dict[str, float]:
        """Side → median of its seconds per unit."""
        return self._by_name(np.median(self.seconds, axis=0))

    def ratios(self, quantile: float = 0.5) -> dict[str, float]:
        """Side → this quantile, over the rounds, of its time over the baseline's."""
        return self._by_name(np.quantile(self.seconds / self.seconds[:, :1], quantile, axis=0))

    def _by_name(self, values: Float[np.ndarray, " sides"]) -> dict[str, float]:
        return dict(zip(self.names, values.tolist(), strict=True))


def time_rounds(sides: Sequence[Side], rounds: int, rng: np.random.Generator) -> Timings:
    """Timings of `sides`; each round runs them all in a new order, so that noise hits all alike."""
    seconds = np.empty((rounds, len(sides)))
    for times in seconds:
        for number in rng.permutation(len(sides)):
            times[number] = _time_job(sides[number].prepare()) / sides[number].units
    return Timings(tuple(side.name for side in sides), seconds)


def _time_job(job: Job) -> float:
    begun = time.perf_counter()
    job()
    return time.perf_counter() - begun


def print_table(timings: Timings, unit: str) -> None:
    """Print a line per side: median time of one `unit`, and its ratio to the baseline's."""
    baseline = timings.names[0]
    print(f"{'':24}{'µs per ' + unit:>16}{'over ' + baseline:>16}{'middle half':>18}")
    ratios, low, high = timings.ratios(), timings.ratios(0.25), timings.ratios(0.75)
    for name, seconds in timings.medians.items():
        middle = f"{low[name]:.2f}–{high[name]:.2f}"
        print(f"{name:24}{1e6 * seconds:16,.1f}{ratios[name]:16,.2f}{middle:>18}")
