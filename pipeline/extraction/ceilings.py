"""Ceilings: how much one run of `extract` may encode and write, checked before it is spent."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.encoders.params import FeatureParams
from pipeline.errors import MediaError, ParamsError
from pipeline.rows import Rows

GB = 1_000_000_000


@dataclass(frozen=True)
class Encoded:
    """A clip that was encoded: seconds of its media, and bytes of its rows as they are stored.

    `failure` is why it could not be, if so.
    """

    clip_id: str
    seconds: float
    bytes: int
    failure: MediaError | None = None


@dataclass(frozen=True)
class Ceilings:
    """What `params` allow a run that has `clips` clips of feature set `name` to encode."""

    name: str
    params: FeatureParams
    clips: int

    def check_clips(self) -> None:
        """Raise ParamsError where there are more clips than `max_new_clips`."""
        most = self.params.max_new_clips
        if most is not None and self.clips > most:
            raise ParamsError(
                f"params.yaml: features.{self.name}.max_new_clips: expected at most {most:,} clips "
                f"and views to encode, got {self.clips:,}; look by `moodline plan` why, or raise it"
            )

    def limit(self, encoded: Iterator[Encoded]) -> Iterator[Encoded]:
        """`encoded`, as long as their rows stay below `max_gb`.

        Once the first batch was taken, the others are held to be like it; from then on, what came
        counts. Raises ParamsError between two clips, so none that came is lost.
        """
        written = 0
        for done, clip in enumerate(encoded, start=1):
            yield clip
            written += clip.bytes
            whole = written * self.clips // done if done == self.params.batch else written
            if done < self.clips:
                self._check_bytes(whole, done)

    def _check_bytes(self, expected: int, done: int) -> None:
        most = self.params.max_gb
        if most is not None and expected > most * GB:
            raise ParamsError(
                f"params.yaml: features.{self.name}.max_gb: expected at most {most:g} GB of new "
                f"rows, got {expected / GB:.3g} GB by the first {done:,} of {self.clips:,} clips, "
                f"which are kept; ask for fewer layers, pooled rows or a rate_hz, or raise it"
            )


def measure_bytes(rows: Rows, itemsize: int) -> int:
    """Bytes of a clip's rows as they are stored, with their times and validity."""
    times = rows.start_seconds.nbytes + rows.end_seconds.nbytes
    return int(rows.embedding.size * itemsize + times + rows.valid.nbytes)
