"""What `heads` in params.yaml says, and the table of heads."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from pipeline.families import Family, ParamsMember, suggest
from pipeline.limits import (
    LEAST_SECONDS,
    MOST_BLOCKS,
    MOST_HEAD_LAYERS,
    MOST_HZ,
    MOST_KERNEL,
    MOST_MASKS,
    MOST_MEMBERS,
    MOST_SECONDS,
    MOST_SIZE,
)
from pipeline.sections import Name, Section, find_mistakes
from pipeline.targets import PREDICTED, TARGETS, list_metrics

NO_FEATURES = "none"
"""The feature set of a modality that a head does without."""

PLANE = ("valence", "arousal")
"""Targets that span a plane, in which polar coordinates are."""


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


Per = Literal["clip", "frame"]
"""What a target is labelled by."""

PoolName = Literal["mean", "statistics", "attention"]


class Inputs(Section):
    """Feature set of each modality; `none` for those a head does without."""

    face: str
    scene: str
    audio: str
    text: str

    def sets(self) -> dict[str, str]:
        """Modality → feature set, those that are `none` left out."""
        return {
            modality: name for modality, name in self.model_dump().items() if name != NO_FEATURES
        }


class JointParams(Section):
    """Two feature sets of one modality that heads read as one input: `joint.<name>`.

    Either may be a joint set itself, so that any number of sets can be joined.
    """

    first: Name
    second: Name


Stretch = Annotated[float, Field(ge=LEAST_SECONDS, le=MOST_SECONDS)]


class WindowParams(Section):
    """The stretch of time a head sees at once, and how rows reach its grid points.

    `seconds` None takes each clip whole; `rate_hz` None keeps each modality's own rows (clip
    targets only). `label_delay_seconds` is how long annotators lag behind what they rate.
    """

    seconds: Stretch | None = None
    hop_seconds: Stretch | None = None
    rate_hz: Annotated[float, Field(gt=0, le=MOST_HZ)] | None = None
    align: Literal["nearest", "mean"] = "mean"
    tolerance_seconds: float = Field(0.1, ge=0)
    causal: bool = False
    label_delay_seconds: float = Field(0.0, ge=0)

    @model_validator(mode="after")
    def _check_hop(self) -> "WindowParams":
        """Refuse a hop without windows, and one that leaves gaps between them."""
        if self.hop_seconds is not None and self.hop_seconds > (self.seconds or 0):
            raise PydanticCustomError("hop", "hop_seconds: expected at most `seconds`")
        return self


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


class TrainingParams(Section):
    """How a head is trained by gradient descent; those solved in closed form read `refit` alone.

    `monitor` is the validation metric that stops training and chooses the weights; None takes
    the mean of what ranks heads by each of the targets. Epochs that are better by no more than
    `least_gain` count as no better.

    The learning rate rises over `warmup_epochs` and then follows the `schedule`: it is `constant`,
    times `decay` at each of the `milestones` for `steps` (epochs after the rise, which go up), or
    where `monitor` has been no better for `decay_patience` epochs for `plateau` (which has no
    rise), or falls as a `cosine` does. `momentum` and `dampening` are those of `sgd`.

    `losses` names, target by target, another loss than the first of its kind, and `target_weights`
    what it is multiplied by, 1 for those not named; with `learned_weights` they are learned with
    the head. `class_weights` are by class, 1 for those not named; `balanced` is the inverse of the
    class's share of the training labels. Beside the loss `focal` they are its α. The `sampler` is
    `weighted` where an epoch's windows are drawn with replacement, so that each class of `emotion`
    comes as often, and `shuffled` where each comes once. It is one remedy against rare classes, and
    goes without weights of classes and focal loss. `label_smoothing` gives that share of each label
    to all classes alike. `consistency` is the weight of how far two passes over a batch, each with
    dropout of its own, differ in the chances of classes; the loss beside it is the mean of both.

    Training alone sees windows mixed by `mixup`, sound masked by `spec_augment`, and modalities
    withheld at the chance `modality_dropout`, never all of a window; `soft_hard` and `noise` give
    it copies of each batch that lack modalities. `feature_noise` is added to rows, in standard
    deviations of those of training.

    `weight_average` is the decay of the weights' moving average, step by step, which is what
    validation measures and what is kept; 0 takes the weights as they are.

    With `refit` a head is trained once more, on train and val together, for as many epochs as were
    best: that one predicts test and whatever comes later, the first one val.
    """

    epochs: PositiveInt = 60
    batch: PositiveInt = 32
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: PositiveFloat = 1e-3
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
    losses: dict[TargetName, str] = {}
    target_weights: dict[TargetName, PositiveFloat] = {}
    learned_weights: bool = False
    sampler: Literal["shuffled", "weighted"] = "shuffled"
    class_weights: Literal["none", "balanced"] | dict[str, PositiveFloat] = "none"
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    consistency: float = Field(0.0, ge=0)
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


class HeadParams(Section):
    """What every head is told: `heads.<head>` in params.yaml.

    `coordinates` says how valence and arousal leave the head: `cartesian` directly, `polar` as
    angle and intensity.
    """

    kind: str
    inputs: Inputs
    targets: list[TargetName] = Field(list(PREDICTED), min_length=1)
    coordinates: Literal["cartesian", "polar"] = "cartesian"
    windows: WindowParams = WindowParams()
    training: TrainingParams = TrainingParams()

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
            text = "windows.causal: this kind sees all of a window; use mlp, linear, lstm or tcn"
            raise PydanticCustomError("causal", text)
        return self


JoinName = Literal["mean", "weights", "logistic"]


@dataclass(frozen=True)
class MemberPlan:
    """A head within a head: its params, the modalities it reads, and the seed of its weights.

    `seed` None goes on with the numbers of the whole.
    """

    params: NetworkParams
    modalities: tuple[str, ...]
    seed: int | None = None


class JoinedParams(TrainedParams):
    """What heads made of other heads are told.

    `join` says how their answers become one: by their `mean`, by `weights` of each head and class,
    or by a `logistic` model of them all. The latter two are fitted on clips that these heads were
    not trained on: on each of `inner_folds` of the training clips, neighbours together, by heads
    trained on the others.
    """

    coordinates: Literal["cartesian"] = "cartesian"
    join: JoinName = "mean"
    inner_folds: int = Field(3, ge=2, le=20)

    def plan_members(self, modalities: Iterable[str]) -> dict[str, MemberPlan]:
        """Name → head within this one, over these modalities.

        Raises PydanticCustomError for options that a head cannot have.
        """
        raise NotImplementedError

    @model_validator(mode="after")
    def _check_members(self) -> "JoinedParams":
        self.plan_members(self.inputs.sets())
        return self

    @property
    def kinds(self) -> list[str]:
        """Its own kind, and those of the heads within."""
        plans = self.plan_members(self.inputs.sets()).values()
        return sorted({self.kind, *(plan.params.kind for plan in plans)})

    @property
    def dropouts(self) -> list[float]:
        """Those of the heads within."""
        plans = self.plan_members(self.inputs.sets()).values()
        return [plan.params.dropout for plan in plans]

    def parse_member(
        self, name: str, given: Mapping[str, Any], modalities: Collection[str]
    ) -> NetworkParams:
        """Params of the member that `given` describes; it is trained as the whole is."""
        whole = {"targets": self.targets, "windows": self.windows}
        inputs = {
            modality: chosen if modality in modalities else NO_FEATURES
            for modality, chosen in self.inputs.model_dump().items()
        }
        kind = given.get("kind")
        known = [
            found
            for found, member in HEADS.members.items()
            if issubclass(member.params, NetworkParams)
        ]
        if kind not in known:
            raise _refuse_member(
                name, f"kind: expected one that is trained; {suggest(str(kind), known)}"
            )
        if strange := given.keys() & {"inputs", "coordinates", "training", *whole}:
            raise _refuse_member(name, f"{min(strange)}: expected to be said of the whole head")
        try:
            params = HEADS.members[kind].params.model_validate({**given, **whole, "inputs": inputs})
        except ValidationError as error:
            steps, mistake = next(iter(find_mistakes(given, error).items()))
            place = "".join(f"{step}: " for step in steps)
            raise _refuse_member(name, f"{place}{mistake['msg']}") from error
        assert isinstance(params, NetworkParams)
        return params


def _refuse_member(name: str, told: str) -> PydanticCustomError:
    return PydanticCustomError("member", "members.{name}: {told}", {"name": name, "told": told})


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


class AttentionParams(MultiheadParams):
    """`heads.<head>` of kind `attention`."""

    kind: Literal["attention"]


class BeitParams(MultiheadParams):
    """`heads.<head>` of kind `beit`.

    `pretrained` is a folder or a Hub id of a BEiT checkpoint that training starts from, at
    `revision`; `width`, `layers` and `heads` are then the checkpoint's (768, 12 and 12 for base).
    With `cross_attention` streams ask each other first, as those of kind `attention` do.
    """

    kind: Literal["beit"]
    cross_attention: bool = False
    layers: int = Field(2, gt=0, le=MOST_HEAD_LAYERS)
    pretrained: str | None = None
    revision: str = "main"

    @model_validator(mode="after")
    def _check_pooling(self) -> "BeitParams":
        """Refuse to pool rows of which a token tells."""
        if self.pooling != "mean":
            text = "pooling: this kind reads its summary token; leave it out"
            raise PydanticCustomError("pooling", text)
        return self


class GatedParams(NetworkParams):
    """`heads.<head>` of kind `gated`."""

    kind: Literal["gated"]


class ResnetVitParams(MultiheadParams):
    """`heads.<head>` of kind `resnet_vit`; as published, but that dropout is 0.3 and 0.4 there.

    A head's attention is over vectors of twice the `width`.
    """

    kind: Literal["resnet_vit"]
    width: int = Field(256, gt=0, le=MOST_SIZE)
    layers: int = Field(4, gt=0, le=MOST_HEAD_LAYERS)
    heads: PositiveInt = 8


class StagedParams(MultiheadParams):
    """What the heads of two conv stages are told; as published, `width` is 128, `heads` 1 or 4."""

    least_width: ClassVar[int] = 2

    width: int = Field(128, gt=0, le=MOST_SIZE)


class IntermediateAttentionParams(StagedParams):
    """`heads.<head>` of kind `intermediate_attention`."""

    kind: Literal["intermediate_attention"]


class IntermediateTransformerParams(StagedParams):
    """`heads.<head>` of kind `intermediate_transformer`."""

    kind: Literal["intermediate_transformer"]


class LateTransformerParams(StagedParams):
    """`heads.<head>` of kind `late_transformer`."""

    kind: Literal["late_transformer"]


class LinearParams(HeadParams):
    """`heads.<head>` of kind `linear`.

    `strengths` are the penalties tried, per example: λ in mean loss + λ/2 |weight|². `pooling` is
    by the `mean` of a clip's rows, or by `statistics`, which are their mean and deviation.
    """

    kind: Literal["linear"]
    coordinates: Literal["cartesian"] = "cartesian"
    pooling: Literal["mean", "statistics"] = "mean"
    strengths: list[PositiveFloat] = Field([1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0], min_length=1)


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


class LstmParams(RecurrentParams):
    """`heads.<head>` of kind `lstm`."""

    kind: Literal["lstm"]


class CnnLstmParams(RecurrentParams):
    """`heads.<head>` of kind `cnn_lstm`; as published, `width` is 128."""

    looks_ahead: ClassVar[bool] = True

    kind: Literal["cnn_lstm"]
    width: int = Field(128, gt=0, le=MOST_SIZE)


class LandmarkLstmParams(RecurrentParams):
    """`heads.<head>` of kind `landmark_lstm`; as published, with one layer."""

    kind: Literal["landmark_lstm"]
    layers: int = Field(1, gt=0, le=MOST_HEAD_LAYERS)


class CnnConcatParams(NetworkParams):
    """`heads.<head>` of kind `cnn_concat`."""

    looks_ahead: ClassVar[bool] = True

    kind: Literal["cnn_concat"]


class AudioCnnParams(NetworkParams):
    """`heads.<head>` of kind `audio_cnn`; as published, `width` is 128."""

    kind: Literal["audio_cnn"]


class EnsembleParams(JoinedParams):
    """`heads.<head>` of kind `ensemble`.

    `members` are options of heads, `kind` and all, each of which is there once for each of `seeds`.
    """

    kind: Literal["ensemble"]
    members: list[dict[str, Any]] = Field([{"kind": "mlp"}], min_length=1, max_length=MOST_MEMBERS)
    seeds: list[Annotated[int, Field(ge=0, lt=2**63)]] = Field(
        [0, 1, 2], min_length=1, max_length=MOST_MEMBERS
    )

    def plan_members(self, modalities: Iterable[str]) -> dict[str, MemberPlan]:
        """As many as members times seeds."""
        read = tuple(modalities)
        parsed = [
            self.parse_member(str(number), given, read) for number, given in enumerate(self.members)
        ]
        return {
            f"{number}_{params.kind}_{seed}": MemberPlan(params, read, seed)
            for number, params in enumerate(parsed)
            for seed in self.seeds
        }


class LateFusionParams(JoinedParams):
    """`heads.<head>` of kind `late_fusion`.

    `members` is modality → options of the head that reads it, `kind` and all; an `mlp` by default.
    """

    kind: Literal["late_fusion"]
    members: dict[str, dict[str, Any]] = {}

    def plan_members(self, modalities: Iterable[str]) -> dict[str, MemberPlan]:
        """One for each modality."""
        return {
            modality: MemberPlan(
                self.parse_member(
                    modality, self.members.get(modality, {"kind": "mlp"}), [modality]
                ),
                (modality,),
            )
            for modality in modalities
        }

    @model_validator(mode="after")
    def _check_modalities(self) -> "LateFusionParams":
        """Refuse members of modalities that the head does without."""
        read = self.inputs.sets()
        if strange := self.members.keys() - read.keys():
            first = min(strange)
            raise _refuse_member(first, f"expected a modality of `inputs`; {suggest(first, read)}")
        return self


class MlpParams(NetworkParams):
    """`heads.<head>` of kind `mlp`."""

    kind: Literal["mlp"]


class TcnParams(NetworkParams):
    """`heads.<head>` of kind `tcn`: `layers` blocks of convolutions over `kernel` rows, which are
    1, 2, 4, … rows apart.
    """

    kind: Literal["tcn"]
    layers: int = Field(4, gt=0, le=MOST_BLOCKS)
    kernel: int = Field(3, gt=1, le=MOST_KERNEL)


class TemporalTransformerParams(MultiheadParams):
    """`heads.<head>` of kind `temporal_transformer`."""

    kind: Literal["temporal_transformer"]
    layers: int = Field(2, gt=0, le=MOST_HEAD_LAYERS)


HEADS: Family[ParamsMember[HeadParams]] = Family(
    "head",
    {
        "attention": ParamsMember("pipeline.heads.attention", AttentionParams),
        "audio_cnn": ParamsMember("pipeline.heads.audio_cnn", AudioCnnParams),
        "beit": ParamsMember("pipeline.heads.beit", BeitParams),
        "cnn_concat": ParamsMember("pipeline.heads.cnn_concat", CnnConcatParams),
        "cnn_lstm": ParamsMember("pipeline.heads.cnn_lstm", CnnLstmParams),
        "ensemble": ParamsMember("pipeline.heads.ensemble", EnsembleParams),
        "gated": ParamsMember("pipeline.heads.gated", GatedParams),
        "intermediate_attention": ParamsMember(
            "pipeline.heads.intermediate_attention", IntermediateAttentionParams
        ),
        "intermediate_transformer": ParamsMember(
            "pipeline.heads.intermediate_transformer", IntermediateTransformerParams
        ),
        "landmark_lstm": ParamsMember("pipeline.heads.landmark_lstm", LandmarkLstmParams),
        "late_fusion": ParamsMember("pipeline.heads.late_fusion", LateFusionParams),
        "late_transformer": ParamsMember("pipeline.heads.late_transformer", LateTransformerParams),
        "linear": ParamsMember("pipeline.heads.linear", LinearParams),
        "lstm": ParamsMember("pipeline.heads.lstm", LstmParams),
        "mlp": ParamsMember("pipeline.heads.mlp", MlpParams),
        "resnet_vit": ParamsMember("pipeline.heads.resnet_vit", ResnetVitParams),
        "tcn": ParamsMember("pipeline.heads.tcn", TcnParams),
        "temporal_transformer": ParamsMember(
            "pipeline.heads.temporal_transformer", TemporalTransformerParams
        ),
    },
)
