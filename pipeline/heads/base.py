"""What every head shares: outputs, standardised inputs, masked pooling, the way to one vector.

Sizes: `(clips, time, dim)` for rows, `(clips, time)` for masks, True where a row stands for
something seen or heard.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from pipeline.errors import ParamsError
from pipeline.heads.params import PLANE, HeadParams

Per = Literal["clip", "frame"]

POLAR = "polar"
"""Name of the output that predicts valence and arousal together."""

FLAT_COLUMN = 1e-6
"""A column whose scale is below this part of its mean is constant but for float32 rounding."""


@dataclass(frozen=True)
class Output:
    """One output of a head, named like the target that it predicts: its number, or a logit for
    each class. `polar` (cos, sin and the intensity's logit) is for valence and arousal together.
    """

    name: str
    size: int
    per: Per

    @property
    def targets(self) -> tuple[str, ...]:
        """Targets that it predicts."""
        return PLANE if self.name == POLAR else (self.name,)


@runtime_checkable
class LabelledBatch(Protocol):
    """A batch of clips with their labels."""

    @property
    def inputs(self) -> Mapping[str, Float[Tensor, "clips _ _"]]:
        """Modality → rows."""

    @property
    def masks(self) -> Mapping[str, Bool[Tensor, "clips _"]]:
        """Modality → where its rows are present."""

    @property
    def targets(self) -> Mapping[str, Tensor]:
        """Target → labels, `(clips,)` or `(clips, time)`, with classes last where it has many."""

    @property
    def target_masks(self) -> Mapping[str, Tensor]:
        """Target → where there is a label, `(clips,)` or `(clips, time)`."""


class Head(nn.Module):
    """Network from modalities with masks to outputs.

    `dims` gives the row size of each modality the head reads; every one of them is in `inputs`
    and `masks` of each call, with a mask all False (and a `time` of 0, if need be) where it is
    absent. A modality's `time` is its own rows, or the window's grid, shared by all, when any
    output is per frame. What lies where a mask is False never reaches an output, and every
    subset of modalities gives finite outputs, none at all included.

    A member fills in `fuse` and `readouts`, or, if `solved`, also `fit`: its weights are then
    computed from the training clips at once, not by gradient descent.
    """

    solved: ClassVar[bool] = False
    readouts: nn.ModuleDict

    def __init__(
        self, params: HeadParams, dims: Mapping[str, int], outputs: Sequence[Output]
    ) -> None:
        super().__init__()
        if not dims or not outputs:
            raise ParamsError(
                f"a head reads at least one modality and predicts at least one target, got "
                f"{len(dims)} and {len(outputs)}; name a feature set in `inputs` and a target"
            )
        self.params = params
        # Sorted, for columns are concatenated in this order: a recipe may list them in another.
        self.dims = dict(sorted(dims.items()))
        self.outputs = tuple(outputs)
        self.standardise = Standardise(self.dims)

    def start(self) -> None:
        """Load the weights that training starts from; called once, by training alone."""

    def fit(self, train: Iterable[LabelledBatch], val: Iterable[LabelledBatch]) -> None:
        """Solve the weights on `train`, choosing on `val`; of heads with `solved` only."""
        raise NotImplementedError

    def fuse(
        self,
        rows: Mapping[str, Float[Tensor, "clips _ _"]],
        masks: Mapping[str, Bool[Tensor, "clips _"]],
    ) -> dict[Per, Tensor]:
        """Vectors `(clips, width)` for `clip`, `(clips, time, width)` for `frame`, as needed.

        `rows` are standardised, and zero where their mask is False.
        """
        raise NotImplementedError

    def fused(
        self,
        inputs: Mapping[str, Float[Tensor, "clips _ _"]],
        masks: Mapping[str, Bool[Tensor, "clips _"]],
    ) -> dict[Per, Tensor]:
        """What the last linear layers see: `fuse` of the standardised inputs."""
        rows = {name: self.standardise(name, inputs[name], masks[name]) for name in self.dims}
        return self.fuse(rows, masks)

    def forward(
        self,
        inputs: Mapping[str, Float[Tensor, "clips _ _"]],
        masks: Mapping[str, Bool[Tensor, "clips _"]],
    ) -> dict[str, Tensor]:
        """Output name → `(clips, size)`, or `(clips, time, size)` for outputs per frame."""
        fused = self.fused(inputs, masks)
        return {
            output.name: self.readouts[output.name](fused[output.per]) for output in self.outputs
        }

    @property
    def per(self) -> dict[str, Per]:
        """Target → whether it is predicted per clip or per frame."""
        return {target: output.per for output in self.outputs for target in output.targets}

    @property
    def pers(self) -> tuple[Per, ...]:
        """`clip`, `frame` or both: what the outputs are asked per, in their order."""
        return tuple(dict.fromkeys(output.per for output in self.outputs))


def read_out(outputs: Iterable[Output], width: int) -> nn.ModuleDict:
    """One linear layer per output, from vectors of size `width`."""
    return nn.ModuleDict({output.name: nn.Linear(width, output.size) for output in outputs})


class Standardise(nn.Module):
    """Shifts and scales each modality's columns by moments of the training rows."""

    def __init__(self, dims: Mapping[str, int]) -> None:
        super().__init__()
        for modality, dim in dims.items():
            self.register_buffer(f"{modality}_mean", torch.zeros(dim))
            self.register_buffer(f"{modality}_scale", torch.ones(dim))

    def set_moments(
        self, modality: str, mean: Float[Tensor, " dim"], scale: Float[Tensor, " dim"]
    ) -> None:
        """Keep `mean` and `scale`; columns that do not vary are shifted and left unscaled."""
        varies = scale > FLAT_COLUMN * mean.abs()
        getattr(self, f"{modality}_mean").copy_(mean)
        getattr(self, f"{modality}_scale").copy_(torch.where(varies, scale, 1.0))

    def forward(
        self, modality: str, rows: Float[Tensor, "clips time dim"], mask: Bool[Tensor, "clips time"]
    ) -> Float[Tensor, "clips time dim"]:
        """Standardised rows, zero where `mask` is False."""
        mean: Tensor = getattr(self, f"{modality}_mean")
        scale: Tensor = getattr(self, f"{modality}_scale")
        return ((rows - mean) / scale).masked_fill(~mask[..., None], 0.0)


class Concat(nn.Module):
    """Modalities side by side, mixed → one vector per clip or frame.

    A learned vector stands where a modality is absent.
    """

    def __init__(self, modalities: Iterable[str], width: int, dropout: float) -> None:
        super().__init__()
        self.modalities = tuple(modalities)
        self.absent = nn.ParameterDict(
            {name: nn.Parameter(0.02 * torch.randn(width)) for name in self.modalities}
        )
        self.mix = nn.Sequential(
            nn.Linear(len(self.modalities) * width, width), nn.GELU(), nn.Dropout(dropout)
        )

    def forward(
        self,
        rows: Mapping[str, Float[Tensor, "clips _ width"]],
        masks: Mapping[str, Bool[Tensor, "clips _"]],
        per: Per,
    ) -> Float[Tensor, "clips *time width"]:
        """Vectors per clip, modalities pooled by their masks, or per frame of the shared grid."""
        parts = []
        for name in self.modalities:
            vectors, present = summarise(rows[name], masks[name], per)
            parts.append(torch.where(present[..., None], vectors, self.absent[name]))
        mixed: Tensor = self.mix(torch.cat(parts, dim=-1))
        return mixed


def summarise(
    rows: Float[Tensor, "clips time dim"], mask: Bool[Tensor, "clips time"], per: Per
) -> tuple[Float[Tensor, "clips *grid dim"], Bool[Tensor, "clips *grid"]]:
    """Vectors of one modality, and where it is present: pooled per clip, as they are per frame."""
    if per == "frame":
        return rows, mask
    return masked_mean(rows, mask), mask.any(dim=1)


def masked_mean(
    rows: Float[Tensor, "clips time dim"], mask: Bool[Tensor, "clips time"]
) -> Float[Tensor, "clips dim"]:
    """Mean over the rows that `mask` keeps; zero for a clip that keeps none."""
    kept = rows.masked_fill(~mask[..., None], 0.0).sum(dim=1)
    return kept / mask.sum(dim=1, keepdim=True).clamp(min=1)
