"""Runs of frames: what a network of video sees at once. Each gives a row; all clips share batches.

A run is of frames that follow one another in what was kept of a clip, whatever time lies between.
The last one may reach over the clip's end: its last frame is repeated then. Every frame is in one.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from math import prod
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.encoders.params import FrameRunParams
from pipeline.encoders.shared.pictures import FREE_SHARE, Picture, PictureEncoder, Preparation
from pipeline.errors import ParamsError
from pipeline.networks.pretrained import first_line
from pipeline.rows import FrameRun, Frames, Rows

VERSION = 1
"""Raised whenever runs are cut or completed otherwise: part of the key of every set they shape."""

Network = Callable[[Float[Tensor, "runs time 3 height width"]], Float[Tensor, "runs *row"]]


def plan_run(params: FrameRunParams, own: int) -> FrameRun:
    """The run that `params` ask for, of `own` frames where they do not say.

    Raises ParamsError for a hop that would leave frames out.
    """
    frames = params.frames_per_run or own
    hop = params.hop or frames
    if hop > frames:
        raise ParamsError(f"hop: expected at most {frames}, the frames of a run, got {hop}")
    return FrameRun(frames, hop)


def cut_runs(frames: int, run: FrameRun) -> list[range]:
    """Places of each run's own frames in a clip of so many; only the last may have too few."""
    end = max(1, frames - run.frames + run.hop) if frames else 0
    return [range(start, min(start + run.frames, frames)) for start in range(0, end, run.hop)]


class FrameRunEncoder(PictureEncoder):
    """One row per run, from the start of its first frame to the end of its last own one."""

    def __init__(
        self,
        network: Network,
        preparation: Preparation,
        provenance: dict[str, Any],
        run: FrameRun,
        *,
        device: str,
        frames: int,
    ) -> None:
        def run_stills(pictures: Float[Tensor, "runs 3 _ _"]) -> Float[Tensor, "runs *row"]:
            try:
                return network(pictures[:, None].expand(-1, run.frames, -1, -1, -1))
            except (AssertionError, IndexError, RuntimeError, TypeError, ValueError) as error:
                height, width = preparation.crop
                raise ParamsError(
                    f"frames_per_run: expected runs that the network takes, got {run.frames} "
                    f"frames of {height} x {width} ({first_line(error)}); choose another "
                    f"number, size or network"
                ) from error

        self.run = run
        constants = {"frame_runs_version": VERSION, "frame_run": asdict(run)}
        # The first pictures, which tell the shape of a row, are shown as runs of one still each.
        super().__init__(run_stills, preparation, {**provenance, **constants}, device, frames)
        self.network = lambda pictures: network(pictures.view(-1, run.frames, *pictures.shape[1:]))

    @torch.inference_mode()
    def encode(self, clips: Sequence[Frames]) -> list[Rows]:
        """Rows of each clip, one per run; none for a clip without frames."""
        cuts = [cut_runs(len(clip.images), self.run) for clip in clips]
        runs = [(clip, places) for clip, cut in zip(clips, cuts, strict=True) for places in cut]
        rows = np.empty((len(runs), *self.row_shape), np.float32)

        def fill(numbers: Sequence[int]) -> Sequence[int]:
            shown = [image for number in numbers for image in self._complete(*runs[number])]
            rows[numbers] = self._run(shown)
            return numbers

        most = FREE_SHARE * prod(self.preparation.crop)
        weights = [max(1, prod(clip.images.shape[1:3]) // most) for clip, _ in runs]
        units = [weight * self.run.frames for weight in weights]
        self.batcher.run(range(len(runs)), units, fill)
        ends = np.cumsum([len(cut) for cut in cuts], dtype=int)
        return [
            arrange_runs(clip, cut, rows[end - len(cut) : end])
            for clip, cut, end in zip(clips, cuts, ends, strict=True)
        ]

    def _complete(self, clip: Frames, places: range) -> list[Picture]:
        """Pictures of a run, the last one repeated where there are too few."""
        whole = range(places.start, places.start + self.run.frames)
        return [clip.images[min(place, places[-1])] for place in whole]


def arrange_runs(clip: Frames, cut: Sequence[range], rows: Float[np.ndarray, "runs *row"]) -> Rows:
    """One clip's rows, each with the stretch of its run's own frames."""
    starts = clip.start_seconds[[places[0] for places in cut]]
    ends = clip.end_seconds[[places[-1] for places in cut]]
    return Rows(rows, starts, ends, np.ones(len(cut), bool))
