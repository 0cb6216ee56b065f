"""What heads of several kinds are told."""

from typing import ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from pipeline.families import suggest
from pipeline.heads.inputs import NO_FEATURES, Inputs
from pipeline.heads.postprocessing_params import CAUSAL_SMOOTHING, PostprocessingParams
from pipeline.heads.training_params import SCORE, TargetName, TrainingParams
from pipeline.heads.window_params import WindowParams
from pipeline.limits import MOST_HEAD_LAYERS, MOST_SIZE
from pipeline.sections import Section
from pipeline.targets import PREDICTED, TARGETS, list_metrics

PLANE = ("valence", "arousal")
"""Targets that span a plane, in which polar coordinates are."""

Per = Literal["clip", "frame"]
"""What a target is labelled by."""

PoolName = Literal["mean", "statistics", "attention"]


class HeadParams(Section):
    """What every head is told: `heads.<head>` in params.yaml.

    `coordinates` says how valence and arousal leave the head: `cartesian` directly, `polar` as
    angle and intensity. `normalisation` says whose moments rows are standardised by: those of all
    that trains, of what trains of the `corpus` of their clip, or of all clips on its side of its
    `subject`, whom such a head then knows.
    """

    kind: str
    inputs: Inputs
    targets: list[TargetName] = Field(list(PREDICTED), min_length=1)
    coordinates: Literal["cartesian", "polar"] = "cartesian"
    normalisation: Literal["train", "corpus", "subject"] = "train"
    windows: WindowParams = WindowParams()
    training: TrainingParams = TrainingParams()
    postprocessing: PostprocessingParams = PostprocessingParams()

    @model_validator(mode="after")
    def _check_monitor(self) -> "HeadParams":
        """Refuse a monitored metric that the targets do not have."""
        monitor, known = self.training.monitor, self.metrics
        if monitor is not None and monitor not in known:
            text = "training.monitor: expected a metric of the targets; {hint}"
            raise PydanticCustomError("monitor", text, {"hint": suggest(monitor, known)})
        return self

    @model_validator(mode="after")
    def _check_sampler(self) -> "HeadParams":
        """Refuse to draw by classes that are not predicted."""
        if self.training.sampler == "weighted" and "emotion" not in self.targets:
            text = "training.sampler: weighted draws by the class of emotion; add it to `targets`"
            raise PydanticCustomError("sampler", text)
        return self

    @model_validator(mode="after")
    def _check_coordinates(self) -> "HeadParams":
        """Refuse polar coordinates of valence or arousal alone, and a target named twice."""
        if len(set(self.targets)) < len(self.targets):
            raise PydanticCustomError("targets", "targets: expected each at most once")
        plane = set(PLANE) & set(self.targets)
        if self.coordinates == "polar" and len(plane) == 1:
            text = "coordinates: polar needs both valence and arousal among the targets"
            raise PydanticCustomError("coordinates", text)
        return self

    @model_validator(mode="after")
    def _check_normalisation(self) -> "HeadParams":
        """Refuse to standardise turns of others by who is in the clip."""
        if self.normalisation == "subject" and self.windows.context_turns:
            text = (
                "normalisation: subject would standardise what others say (windows.context_turns) "
                "by who is in the clip; choose another, or set it to 0"
            )
            raise PydanticCustomError("normalisation", text)
        return self

    @model_validator(mode="after")
    def _check_losses(self) -> "HeadParams":
        """Refuse losses of targets that are not predicted, or that polar has its own for."""
        polar = PLANE if self.coordinates == "polar" else ()
        known = [target for target in self.targets if target not in polar]
        for target in self.training.losses:
            if target not in known:
                text = "training.losses: expected targets that have a choice of losses; {hint}"
                hint = suggest(target, known)
                raise PydanticCustomError("losses", text, {"hint": hint})
        return self

    @model_validator(mode="after")
    def _check_target_weights(self) -> "HeadParams":
        """Refuse weights of what is not predicted, or of one of two that share a loss."""
        polar = PLANE if self.coordinates == "polar" else ()
        known = [target for target in self.targets if target not in polar]
        if self.training.learned_weights and len(known) + bool(polar) < 2:
            text = "training.learned_weights: expected several losses to weigh, got one"
            raise PydanticCustomError("learned_weights", text)
        for target in self.training.target_weights:
            if target not in known:
                text = "training.target_weights: expected targets with a loss of their own; {hint}"
                raise PydanticCustomError("target_weights", text, {"hint": suggest(target, known)})
        return self

    @model_validator(mode="after")
    def _check_postprocessing(self) -> "HeadParams":
        """Refuse what fits none of the targets."""
        asked, found = self.postprocessing, [TARGETS[name] for name in self.targets]
        needs = {
            "rescale": (asked.rescale, "a rating", [t.kind == "rating" for t in found]),
            "temperature": (asked.temperature, "emotion", [t.kind == "class" for t in found]),
            "smoothing and gap_seconds": (
                asked.of_frames,
                "one that frames may be labelled with",
                [t.framed for t in found],
            ),
        }
        for option, (wanted, what, fits) in needs.items():
            if wanted and not any(fits):
                text = "postprocessing.{option}: expected {what} among the targets, got {targets}"
                told = {"option": option, "what": what, "targets": ", ".join(self.targets)}
                raise PydanticCustomError("postprocessing", text, told)
        return self

    @model_validator(mode="after")
    def _check_looking_ahead(self) -> "HeadParams":
        """Refuse to smooth by later frames where nothing may look ahead."""
        asked = self.postprocessing
        ahead = asked.gap_seconds > 0 or asked.smoothing not in CAUSAL_SMOOTHING
        if self.windows.causal and ahead:
            text = "postprocessing: with windows.causal expected smoothing {known}, and no gap"
            known = " or ".join(CAUSAL_SMOOTHING[1:])
            raise PydanticCustomError("causal", text, {"known": known})
        return self

    @property
    def kinds(self) -> list[str]:
        """Kinds of head that it is made of: its own."""
        return [self.kind]

    @property
    def metrics(self) -> list[str]:
        """What validation measures of these targets, and training may monitor."""
        return [SCORE, "val_loss", *list_metrics(self.targets)]


class TrainedParams(HeadParams):
    """What is asked of all heads that are trained by gradient descent, made of others or not."""

    @property
    def dropouts(self) -> list[float]:
        """Dropout of each head that it is made of."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _check_consistency(self) -> "TrainedParams":
        """Refuse passes that cannot differ, or not in classes."""
        if self.training.consistency and not any(self.dropouts):
            text = "training.consistency: two passes differ by dropout, which is 0; set `dropout`"
            raise PydanticCustomError("consistency", text)
        kinds = {TARGETS[target].kind for target in self.targets}
        if self.training.consistency and "class" not in kinds:
            text = "training.consistency: expected a target of classes; add emotion to `targets`"
            raise PydanticCustomError("consistency", text)
        return self

    @model_validator(mode="after")
    def _check_masks(self) -> "TrainedParams":
        """Refuse masks of sound for a head that hears none."""
        if self.training.spec_augment.masks and self.inputs.audio == NO_FEATURES:
            text = "training.spec_augment: masks sound, and `inputs.audio` is none; leave it out"
            raise PydanticCustomError("spec_augment", text)
        return self

    @model_validator(mode="after")
    def _check_copies(self) -> "TrainedParams":
        """Refuse copies of windows without a modality, of windows that have but one."""
        how, modalities = self.training.modality_dropout, list(self.inputs.sets())
        if isinstance(how, str) and len(modalities) < 2:
            text = "training.modality_dropout: {how} takes two modalities or more, got {names}"
            names = ", ".join(modalities) or "none"
            raise PydanticCustomError("copies", text, {"how": how, "names": names})
        return self


class NetworkParams(TrainedParams):
    """What heads trained by gradient descent are told: size of their vectors, and dropout.

    `pooling` says how the rows of a clip become one vector: by their `mean`, by `statistics`, which
    are their mean and deviation, or by shares that `attention` learns.
    """

    looks_ahead: ClassVar[bool] = False
    """Whether it sees rows of a window that come later."""

    width: int = Field(64, gt=0, le=MOST_SIZE)
    dropout: float = Field(0.3, ge=0, lt=1)
    pooling: PoolName = "mean"

    @property
    def dropouts(self) -> list[float]:
        """Its own."""
        return [self.dropout]

    @model_validator(mode="after")
    def _check_causal(self) -> "NetworkParams":
        """Refuse windows that may not look ahead for a head that does."""
        if self.looks_ahead and self.windows.causal:
            others = "mlp, linear, lstm, tcn or graph"
            text = f"windows.causal: this kind sees all of a window; use {others}"
            raise PydanticCustomError("causal", text)
        return self


class MultiheadParams(NetworkParams):
    """Further, for heads with attention: its number of heads, a divisor of `width`."""

    looks_ahead: ClassVar[bool] = True
    least_width: ClassVar[int] = 1
    """What part of `width` the heads must divide, too: the narrowest rows that attend."""

    heads: PositiveInt = 4

    @model_validator(mode="after")
    def _check_attention(self) -> "MultiheadParams":
        """Refuse a width that the heads do not divide."""
        if self.width % (self.heads * self.least_width):
            text = "heads: must divide width {width}, got {heads}"
            width = self.width if self.least_width == 1 else f"{self.width} / {self.least_width}"
            raise PydanticCustomError("heads", text, {"width": width, "heads": self.heads})
        return self


class StagedParams(MultiheadParams):
    """What the heads of two conv stages are told; as published, `width` is 128, `heads` 1 or 4."""

    least_width: ClassVar[int] = 2

    width: int = Field(128, gt=0, le=MOST_SIZE)


class RecurrentParams(NetworkParams):
    """What heads with an LSTM are told: its layers, whose two directions share its width."""

    layers: int = Field(2, gt=0, le=MOST_HEAD_LAYERS)

    @model_validator(mode="after")
    def _check_halves(self) -> "RecurrentParams":
        """Refuse a width that two directions cannot share."""
        if self.width % 2 and not self.windows.causal:
            text = "width: expected an even number for two directions, got {width}"
            raise PydanticCustomError("width", text, {"width": self.width})
        return self
