"""What `heads` in params.yaml says, and the table of heads."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from pipeline.families import Family, ParamsMember, suggest
from pipeline.heads.inputs import NO_FEATURES
from pipeline.heads.shared.params import (
    HeadParams,
    MultiheadParams,
    NetworkParams,
    RecurrentParams,
    StagedParams,
    TrainedParams,
)
from pipeline.limits import MOST_BLOCKS, MOST_HEAD_LAYERS, MOST_KERNEL, MOST_MEMBERS, MOST_SIZE
from pipeline.sections import find_mistakes

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
        own = {"inputs", "coordinates", "normalisation", "training", "postprocessing", *whole}
        if strange := given.keys() & own:
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


class AttentionParams(MultiheadParams):
    """`heads.<head>` of kind `attention`."""

    kind: Literal["attention"]


class BeitParams(MultiheadParams):
    """`heads.<head>` of kind `beit`.

    `pretrained` is a folder or a Hub id of a BEiT checkpoint that training starts from, at the
    commit `revision`; `width`, `layers` and `heads` are then the checkpoint's (768, 12 and 12 for
    base). With `cross_attention` streams ask each other first, as those of kind `attention` do.
    """

    kind: Literal["beit"]
    cross_attention: bool = False
    layers: int = Field(2, gt=0, le=MOST_HEAD_LAYERS)
    pretrained: str | None = None
    revision: str | None = Field(None, pattern="^[0-9a-f]{40}$")

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


class GraphParams(MultiheadParams):
    """`heads.<head>` of kind `graph`."""

    looks_ahead: ClassVar[bool] = False

    kind: Literal["graph"]
    layers: int = Field(2, gt=0, le=MOST_HEAD_LAYERS)


class ResnetVitParams(MultiheadParams):
    """`heads.<head>` of kind `resnet_vit`; as published, but that dropout is 0.3 and 0.4 there.

    A head's attention is over vectors of twice the `width`.

    Rows that are pictures or maps go through a `trunk` first, if one is named: all layers of that
    network of timm but its classifier, trained with the head. `pretrained` is a folder or a Hub id,
    at the commit `revision`, of the weights that it starts from.
    """

    kind: Literal["resnet_vit"]
    trunk: str | None = Field(None, pattern="^[a-z0-9_]+$")
    pretrained: str | None = None
    revision: str | None = Field(None, pattern="^[0-9a-f]{40}$")
    width: int = Field(256, gt=0, le=MOST_SIZE)
    layers: int = Field(4, gt=0, le=MOST_HEAD_LAYERS)
    heads: PositiveInt = 8

    @model_validator(mode="after")
    def _check_pretrained(self) -> "ResnetVitParams":
        """Refuse weights of no network."""
        if self.pretrained is not None and self.trunk is None:
            text = "pretrained: weights of a trunk, and `trunk` is none; name one, or leave it out"
            raise PydanticCustomError("pretrained", text)
        return self


class CnnParams(NetworkParams):
    """`heads.<head>` of kind `cnn`: `layers` stages, each of twice the channels of the one before;
    the last has `width`. The first layer goes over the cells by steps of `stride`. With `mirror` it
    answers by pictures and their mirror images.
    """

    kind: Literal["cnn"]
    width: int = Field(256, gt=0, le=MOST_SIZE)
    layers: int = Field(3, gt=0, le=MOST_BLOCKS)
    stride: Literal[1, 2] = 2
    mirror: bool = False

    @model_validator(mode="after")
    def _check_channels(self) -> "CnnParams":
        """Refuse a width that cannot be halved so often."""
        parts = 2**self.layers
        if self.width % parts:
            text = "width: expected a multiple of {parts} for {layers} layers, got {width}"
            told = {"parts": parts, "layers": self.layers, "width": self.width}
            raise PydanticCustomError("width", text, told)
        return self


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
        "cnn": ParamsMember("pipeline.heads.cnn", CnnParams),
        "cnn_concat": ParamsMember("pipeline.heads.cnn_concat", CnnConcatParams),
        "cnn_lstm": ParamsMember("pipeline.heads.cnn_lstm", CnnLstmParams),
        "ensemble": ParamsMember("pipeline.heads.ensemble", EnsembleParams),
        "gated": ParamsMember("pipeline.heads.gated", GatedParams),
        "graph": ParamsMember("pipeline.heads.graph", GraphParams),
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
