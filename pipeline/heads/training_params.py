"""What `training` of a head says."""

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    PositiveFloat,
    PositiveInt,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from pipeline.families import suggest
from pipeline.limits import MOST_MASKS
from pipeline.sections import Section
from pipeline.targets import TARGETS


def _check_target(name: str) -> str:
    if name not in TARGETS:
        hint = suggest(name, TARGETS)
        raise PydanticCustomError("target", "unknown target; {hint}", {"hint": hint})
    return name


TargetName = Annotated[
    str,
    AfterValidator(_check_target),
    WithJsonSchema({"enum": list(TARGETS), "type": "string"}),
]

ModalityDropout = Annotated[float, Field(ge=0, lt=1)] | Literal["soft_hard", "noise"]
"""Chance that a modality of a window is withheld, or how copies of each batch lack modalities."""

LEAST_ALPHA = 0.01
"""Of MixUp: below, PyTorch's draws from Beta underflow; at 0.001 a quarter of them are 1/2."""


class MixupParams(Section):
    """Windows blended two by two in training, and their labels with them; `alpha` 0 leaves them.

    What of a window stays its own is drawn from Beta(`alpha`, `alpha`), once for each batch, and
    so are the partners; `share` is how many of the batches are mixed.
    """

    alpha: float = Field(0.0, ge=0, le=100)
    share: float = Field(1.0, gt=0, le=1)

    @model_validator(mode="after")
    def _check_alpha(self) -> "MixupParams":
        """Refuse a Beta so steep that it is drawn from wrongly."""
        if 0 < self.alpha < LEAST_ALPHA:
            text = "alpha: expected 0 or at least {least}, got {alpha}"
            raise PydanticCustomError("alpha", text, {"least": LEAST_ALPHA, "alpha": self.alpha})
        return self


class SpecAugmentParams(Section):
    """Stretches of rows, and of what lies along them, that training hears as the mean of all.

    So many of each for each window of sound, of any length up to the share of its rows, or of the
    numbers of a row: its frequencies, if it is a spectrum.
    """

    time_masks: int = Field(0, ge=0, le=MOST_MASKS)
    time_share: float = Field(0.2, gt=0, le=1)
    frequency_masks: int = Field(0, ge=0, le=MOST_MASKS)
    frequency_share: float = Field(0.2, gt=0, le=1)

    @property
    def masks(self) -> int:
        """How many there are for each window."""
        return self.time_masks + self.frequency_masks


class PictureAugmentParams(Section):
    """Changes of pictures, drawn anew for each window in each pass, one for all of its rows.

    Half of them are mirrored left to right, with `mirror`; they are turned by up to `degrees`
    either way, and from `crop` to all of their sides are kept. Differences from the mean of
    training are multiplied by 1 - `light` to 1 + `light`, and up to `light` standard deviations are
    added. At the chance `erase` a rectangle of a window's pictures is nothing but that mean.
    """

    mirror: bool = False
    degrees: float = Field(0.0, ge=0, le=180)
    crop: float = Field(1.0, gt=0, le=1)
    light: float = Field(0.0, ge=0, lt=1)
    erase: float = Field(0.0, ge=0, le=1)

    @property
    def moves(self) -> bool:
        """Whether places of a picture move."""
        return self.mirror or self.degrees > 0 or self.crop < 1

    @property
    def on(self) -> bool:
        """Whether anything is changed."""
        return self.moves or self.light > 0 or self.erase > 0


class TrainingParams(Section):
    """How a head is trained by gradient descent; those solved in closed form read `refit` alone.

    `monitor` is the validation metric that stops training and chooses the weights; None takes
    the mean of what ranks heads by each of the targets. Epochs that are better by no more than
    `least_gain` count as no better.

    The learning rate rises over `warmup_epochs` and then follows the `schedule`: it is `constant`,
    times `decay` at each of the `milestones` for `steps` (epochs after the rise, which go up), or
    where `monitor` has been no better for `decay_patience` epochs for `plateau` (which has no
    rise), or falls as a `cosine` does. It rises, and falls so, batch by batch. `momentum` and
    `dampening` are those of `sgd`. `learning_rates` is pattern → rate, scheduled alike, of the
    parameters whose names the pattern fits; at 0 they stay as they are. Of several patterns the
    first counts.

    At the `precision` bf16 a head multiplies in bfloat16 while it is trained (Micikevicius et al.,
    Mixed precision training, ICLR 2018); weights, losses, validation and predictions are fp32.

    `losses` names, target by target, another loss than the first of its kind, and `target_weights`
    what it is multiplied by, 1 for those not named; with `learned_weights` they are learned with
    the head. `class_weights` are by class, 1 for those not named; `balanced` is the inverse of the
    class's share of the training labels. Beside the loss `focal` they are its α. The `sampler` is
    `weighted` where an epoch's windows are drawn with replacement, so that each class of `emotion`
    comes as often, and `shuffled` where each comes once. It is one remedy against rare classes, and
    goes without weights of classes and focal loss. `label_smoothing` gives that share of each label
    to all classes alike. `consistency` is the weight of how far two passes over a batch, each with
    dropout of its own, differ in the chances of classes; the loss beside it is the mean of both.

    Training alone sees pictures changed by `picture_augment`, windows mixed by `mixup`, sound
    masked by `spec_augment`, and modalities withheld at the chance `modality_dropout`, never all of
    a window; `soft_hard` and `noise` give it copies of each batch that lack modalities.
    `feature_noise` is added to rows, in standard deviations of those of training.

    `weight_average` is the decay of the weights' moving average, step by step, which is what
    validation measures and what is kept; 0 takes the weights as they are.

    With `refit` a head is trained once more, on train and val together, for as many epochs as were
    best: that one predicts test and whatever comes later, the first one val.
    """

    epochs: PositiveInt = 60
    batch: PositiveInt = 32
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: PositiveFloat = 1e-3
    learning_rates: dict[str, Annotated[float, Field(ge=0)]] = {}
    weight_decay: float = Field(1e-2, ge=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    dampening: float = Field(0.0, ge=0, lt=1)
    schedule: Literal["constant", "plateau", "cosine", "steps"] = "constant"
    warmup_epochs: int = Field(0, ge=0)
    milestones: list[PositiveInt] = []
    decay: float = Field(0.1, gt=0, lt=1)
    decay_patience: PositiveInt = 5
    patience: PositiveInt = 12
    least_gain: float = Field(0.0, ge=0)
    gradient_clip: PositiveFloat | None = 1.0
    precision: Literal["fp32", "bf16"] = "fp32"
    losses: dict[TargetName, str] = {}
    target_weights: dict[TargetName, PositiveFloat] = {}
    learned_weights: bool = False
    sampler: Literal["shuffled", "weighted"] = "shuffled"
    class_weights: Literal["none", "balanced"] | dict[str, PositiveFloat] = "none"
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    consistency: float = Field(0.0, ge=0)
    picture_augment: PictureAugmentParams = PictureAugmentParams()
    mixup: MixupParams = MixupParams()
    spec_augment: SpecAugmentParams = SpecAugmentParams()
    feature_noise: float = Field(0.0, ge=0)
    modality_dropout: ModalityDropout = 0.1
    weight_average: float = Field(0.0, ge=0, lt=1)
    monitor: str | None = None
    refit: bool = False
    seed: int = Field(0, ge=0, lt=2**63)

    @model_validator(mode="after")
    def _check_refit(self) -> "TrainingParams":
        """Refuse to train without validation by a schedule that goes by it."""
        if self.refit and self.schedule == "plateau":
            text = "refit: nothing tells of a plateau where val is trained on; choose a schedule"
            raise PydanticCustomError("refit", text)
        return self

    @model_validator(mode="after")
    def _check_schedule(self) -> "TrainingParams":
        """Refuse milestones that nothing goes by or that fall, and a plateau that begins slowly."""
        if (self.schedule == "steps") != bool(self.milestones):
            text = "milestones: expected some with schedule steps, and none with others"
            raise PydanticCustomError("milestones", text)
        if self.milestones != sorted(set(self.milestones)):
            raise PydanticCustomError("milestones", "milestones: expected numbers that go up")
        if self.schedule == "plateau" and self.warmup_epochs:
            text = "warmup_epochs: expected 0 with schedule plateau, got {epochs}"
            raise PydanticCustomError("warmup", text, {"epochs": self.warmup_epochs})
        return self

    @model_validator(mode="after")
    def _check_sampler(self) -> "TrainingParams":
        """Refuse two remedies against rare classes at a time."""
        if self.sampler == "weighted":
            other = "class_weights" if self.class_weights != "none" else "losses.emotion: focal"
            if self.class_weights != "none" or self.losses.get("emotion") == "focal":
                text = "sampler: weighted goes without {other}: both would count rare classes up"
                raise PydanticCustomError("sampler", text, {"other": other})
        return self

    @model_validator(mode="after")
    def _check_losses(self) -> "TrainingParams":
        """Refuse a loss that does not fit its target, and weights both set and learned."""
        for target, loss in self.losses.items():
            fitting = TARGETS[target].behaviour.losses
            if loss not in fitting:
                text = "losses.{target}: {hint}"
                hint = {"target": target, "hint": suggest(loss, fitting)}
                raise PydanticCustomError("loss", text, hint)
        if self.learned_weights and self.target_weights:
            text = "learned_weights: goes without target_weights, which would be learned anew"
            raise PydanticCustomError("learned_weights", text)
        return self


SCORE = "score"
"""Metric that stops training when none is named: the mean of what ranks heads by each target."""
