"""What every head must do, whatever it is made of."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations
from typing import get_args

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from pipeline.errors import ParamsError
from pipeline.heads.base import Head, Output
from pipeline.heads.context import name_context, split_context
from pipeline.heads.losses import head_loss
from pipeline.heads.outputs import decode_outputs, head_outputs
from pipeline.heads.params import HEADS
from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.params import PLANE, Per
from pipeline.modalities import RowShape
from pipeline.sections import parse_section
from pipeline.targets import TARGETS
from tests.stores import make_stream

SHAPES = {
    "flat": {
        name: RowShape.of((dim,)) for name, dim in (("face", 13), ("audio", 17), ("text", 19))
    },
    "deep": {
        "face": RowShape.of((5, 2, 3)),
        "audio": RowShape.of((4, 17), layered=True),
        "text": RowShape.of((7, 11)),
    },
}
"""One vector a row; a map, layers and tokens."""

NAMES = ("face", "audio", "text")
TURNS = name_context("text", "before_others")
TIMES = {"face": 5, "audio": 7, "text": 11}
GRID = 7
CLIPS = 3
CLASSES = 5
OPTIONS: dict[str, dict[str, object]] = {
    "linear": {"strengths": [1.0]},
    "beit": {"cross_attention": True},
    "ensemble": {"members": [{"kind": "mlp"}, {"kind": "gated"}], "seeds": [0, 7]},
    "late_fusion": {"members": {"face": {"kind": "lstm"}}},
    "cnn": {"width": 32, "layers": 2},
    "resnet_vit": {"width": 16, "heads": 2},
}
SUBSETS = list(chain.from_iterable(combinations(NAMES, count) for count in range(len(NAMES) + 1)))

ANSWERS = (
    ("cartesian", "clip", "flat"),
    ("cartesian", "frame", "deep"),
    ("polar", "clip", "deep"),
    ("polar", "frame", "flat"),
)
"""Each two of coordinates, places and rows, once."""

CASES = [
    (kind, coordinates, per, shapes)
    for kind, member in HEADS.members.items()
    for coordinates, per, shapes in ANSWERS
    if coordinates in get_args(member.params.model_fields["coordinates"].annotation)
]


Streams = dict[str, StreamRows]


def take(streams: Streams, clips: Sequence[int], time: int | None = None) -> Streams:
    return {
        name: StreamRows(*(value[clips, :time] for value in vars(stream).values()))
        for name, stream in streams.items()
    }


def withhold(streams: Streams, absent: Collection[str]) -> Streams:
    return {name: stream.keep(name not in absent) for name, stream in streams.items()}


def fill(streams: Streams, value: float) -> Streams:
    return {
        name: replace(stream, rows=torch.where(fit(stream), stream.rows, value))
        for name, stream in streams.items()
    }


def fit(stream: StreamRows) -> Tensor:
    return stream.mask.reshape(*stream.mask.shape, *[1] * (stream.rows.ndim - 2))


@dataclass
class Labelled:
    streams: Streams
    targets: dict[str, Tensor]
    target_masks: dict[str, Tensor]


@dataclass
class Case:
    kind: str
    coordinates: str
    per: Per
    rows: str

    @property
    def shapes(self) -> dict[str, RowShape]:
        return SHAPES[self.rows]

    def head(self, *streams: str) -> Head:
        shapes = {name: self.shapes[split_context(name)[0]] for name in streams or NAMES}
        torch.manual_seed(2)
        member = HEADS.load(self.kind)
        inputs = {"scene": "none", **dict.fromkeys(NAMES, "made")}
        options = {"kind": self.kind, "inputs": inputs, "coordinates": self.coordinates}
        options |= OPTIONS.get(self.kind, {})
        params = parse_section(HEADS.find(self.kind).params, options, "head")
        head: Head = member.Head(params, shapes, self.outputs)
        for stream, reader in head.readers.items():
            columns = reader.columns
            head.set_moments(stream, torch.randn(columns), 0.5 + torch.rand(columns))
        if head.solved:
            head.fit([self.labelled()], [self.labelled()])
        return head.eval()

    @property
    def outputs(self) -> tuple[Output, ...]:
        return head_outputs(
            self.predicted, self.coordinates, CLASSES, per=dict.fromkeys(TARGETS, self.per)
        )

    @property
    def predicted(self) -> list[str]:
        """Every target that may be labelled so: outputs of every kind."""
        return [name for name, target in TARGETS.items() if self.per == "clip" or target.framed]

    def streams(self, clips: int = CLIPS) -> Streams:
        times = TIMES if self.per == "clip" else dict.fromkeys(NAMES, GRID)
        streams = {
            name: make_stream(torch.randn(clips, times[name], *shape.sizes))
            for name, shape in self.shapes.items()
        }
        for stream in streams.values():
            stream.mask[:, 1:] = torch.rand(clips, stream.mask.shape[1] - 1) < 0.7
        return streams

    def targets(self, clips: int) -> dict[str, Tensor]:
        shape = (clips,) if self.per == "clip" else (clips, GRID)
        kinds = {
            "class": torch.randint(CLASSES, shape),
            "rating": torch.rand(shape),
            "presence": torch.randint(2, shape).float(),
            "scores": torch.rand(*shape, CLASSES).sub(0.5).clamp(min=0),
            "votes": torch.rand(*shape, CLASSES).softmax(dim=-1),
        }
        labels = {name: kinds[TARGETS[name].kind].clone() for name in self.predicted}
        for name in PLANE:
            labels[name] = torch.rand(shape) * 2 - 1
        return labels

    def labelled(self) -> Labelled:
        targets, streams = self.targets(clips=23), self.streams(clips=23)
        return Labelled({**streams, TURNS: streams["text"]}, targets, know_all(targets))


def know_all(targets: dict[str, Tensor]) -> dict[str, Tensor]:
    """A mask of each target, True for every clip or frame."""
    return {
        name: torch.ones(
            labels.shape[:-1] if TARGETS[name].behaviour.vector else labels.shape, dtype=torch.bool
        )
        for name, labels in targets.items()
    }


def predict(head: Head, streams: Streams) -> dict[str, Tensor]:
    with torch.no_grad():
        return head(streams)


def assert_close(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest) -> Case:
    return Case(*request.param)


@pytest.fixture(scope="module")
def head(case: Case) -> Head:
    return case.head()


@pytest.fixture
def streams(case: Case, head: Head) -> Streams:
    torch.manual_seed(3)
    return case.streams()


class TestHead:
    def test_gives_each_output_in_its_size(self, case: Case, head: Head, streams: Streams) -> None:
        lead = (CLIPS,) if case.per == "clip" else (CLIPS, GRID)
        found = {name: tuple(value.shape) for name, value in predict(head, streams).items()}
        assert found == {output.name: (*lead, output.size) for output in head.outputs}

    @pytest.mark.parametrize("value", [1e6, float("nan")])
    def test_never_sees_masked_rows(self, head: Head, streams: Streams, value: float) -> None:
        found, expected = predict(head, fill(streams, value)), predict(head, streams)
        torch.testing.assert_close(found, expected, rtol=0, atol=0)

    def test_predicts_a_clip_alone_as_in_a_padded_batch(
        self, case: Case, head: Head, streams: Streams
    ) -> None:
        kept = 4
        for stream in streams.values():
            stream.mask[1, kept:] = False
        found = predict(head, take(streams, [1], time=kept))
        expected = {name: value[[1]] for name, value in predict(head, streams).items()}
        if case.per == "frame":
            expected = {name: value[:, :kept] for name, value in expected.items()}
        assert_close(found, expected)

    @pytest.mark.parametrize("present", SUBSETS, ids=lambda names: "+".join(names) or "none")
    def test_is_finite_for_every_subset_of_modalities(
        self, head: Head, streams: Streams, present: tuple[str, ...]
    ) -> None:
        found = predict(head, withhold(streams, set(NAMES) - set(present)))
        assert all(value.isfinite().all() for value in found.values())

    def test_takes_a_modality_without_any_row(
        self, case: Case, head: Head, streams: Streams
    ) -> None:
        if case.per == "frame":
            pytest.skip("frame outputs share one grid")
        expected = predict(head, withhold(streams, ["text"]))
        none = make_stream(torch.zeros(CLIPS, 0, *case.shapes["text"].sizes))
        assert_close(predict(head, {**streams, "text": none}), expected)

    def test_is_deterministic_in_eval(self, head: Head, streams: Streams) -> None:
        torch.testing.assert_close(predict(head, streams), predict(head, streams), rtol=0, atol=0)

    def test_is_made_the_same_from_one_seed(self, case: Case, head: Head, streams: Streams) -> None:
        found = predict(case.head(), streams)
        torch.testing.assert_close(found, predict(head, streams), rtol=0, atol=0)

    def test_trains_every_parameter(self, case: Case, head: Head) -> None:
        if head.solved:
            pytest.skip("solved, not trained")
        streams, targets = case.streams(clips=11), case.targets(clips=11)
        for number, name in enumerate(NAMES):
            streams[name].mask[number] = False
        losses = [head_loss(part, targets, know_all(targets)) for part in head.parts(streams)]
        torch.stack(losses).sum().backward()
        dead = [name for name, value in head.named_parameters() if not _is_reached(value)]
        assert dead == []

    def test_comes_back_from_safetensors(self, case: Case, head: Head, streams: Streams) -> None:
        torch.manual_seed(5)
        member = HEADS.load(case.kind)
        copy = member.Head(head.params, dict(reversed(case.shapes.items())), case.outputs).eval()
        copy.load_state_dict(load(save(head.state_dict())))
        torch.testing.assert_close(predict(copy, streams), predict(head, streams), rtol=0, atol=0)

    def test_keeps_the_order_of_clips(self, head: Head, streams: Streams) -> None:
        expected = {name: value[[2, 0, 1]] for name, value in predict(head, streams).items()}
        assert_close(predict(head, take(streams, [2, 0, 1])), expected)

    def test_works_with_one_modality_only(self, case: Case, streams: Streams) -> None:
        head = case.head("audio")
        found = decode_outputs(predict(head, streams))
        assert all(value.isfinite().all() for value in found.values())
        assert found.keys() == set(case.predicted)

    @pytest.mark.parametrize("modality", NAMES)
    def test_misses_a_modality_it_learned_from(
        self, head: Head, streams: Streams, modality: str
    ) -> None:
        found, whole = predict(head, withhold(streams, [modality])), predict(head, streams)
        assert all(not torch.allclose(found[name], whole[name], atol=1e-4) for name in whole)

    def test_reads_the_turns_around_a_clip(self, case: Case, streams: Streams) -> None:
        if case.per == "frame":
            pytest.skip("frames have no turns around them")
        head, said = case.head("text", TURNS), streams["text"]
        turns = replace(said, rows=said.rows + 1)
        found, alone = (
            predict(head, {**streams, TURNS: turns.keep(seen)}) for seen in (True, False)
        )
        assert all(not torch.allclose(found[name], alone[name], atol=1e-4) for name in alone)

    def test_refuses_rows_of_another_shape(self, case: Case) -> None:
        odd = {"face": RowShape.of((3, 5, 7), layered=True)}
        with pytest.raises(ParamsError, match=r"inputs: face: expected .*, got layers x tokens"):
            HEADS.load(case.kind).Head(case.head().params, odd, case.outputs)


def _is_reached(parameter: Tensor) -> bool:
    return parameter.grad is not None and bool(parameter.grad.any())
