"""What every head must do, whatever it is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import get_args

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from pipeline.errors import ParamsError
from pipeline.heads.base import Head, Output, Per
from pipeline.heads.losses import head_loss
from pipeline.heads.outputs import decode_outputs, head_outputs
from pipeline.heads.params import HEADS, PLANE
from pipeline.modalities import RowShape
from pipeline.sections import parse_section
from pipeline.targets import TARGETS

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
TIMES = {"face": 5, "audio": 7, "text": 11}
GRID = 7
CLIPS = 3
CLASSES = 5
OPTIONS = {"linear": {"strengths": [1.0]}}
SUBSETS = list(chain.from_iterable(combinations(NAMES, count) for count in range(len(NAMES) + 1)))

CASES = [
    (kind, coordinates, per, shapes)
    for kind, member in HEADS.members.items()
    for coordinates in get_args(member.params.model_fields["coordinates"].annotation)
    for per in ("clip", "frame")
    for shapes in SHAPES
]


@dataclass
class Batch:
    inputs: dict[str, Tensor]
    masks: dict[str, Tensor]

    def take(self, clips: Sequence[int], time: int | None = None) -> "Batch":
        inputs = {name: rows[clips, :time] for name, rows in self.inputs.items()}
        return Batch(inputs, {name: mask[clips, :time] for name, mask in self.masks.items()})

    def without(self, *absent: str) -> "Batch":
        masks = {name: mask & (name not in absent) for name, mask in self.masks.items()}
        return Batch(self.inputs, masks)

    def filled(self, value: float) -> "Batch":
        inputs = {
            name: torch.where(fit(self.masks[name], rows), rows, value)
            for name, rows in self.inputs.items()
        }
        return Batch(inputs, self.masks)


def fit(mask: Tensor, rows: Tensor) -> Tensor:
    return mask.reshape(*mask.shape, *[1] * (rows.ndim - 2))


@dataclass
class Labelled(Batch):
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
        shapes = {name: self.shapes[name] for name in streams or NAMES}
        torch.manual_seed(2)
        member = HEADS.load(self.kind)
        inputs = dict.fromkeys(("face", "scene", "audio", "text"), "none")
        options = {"kind": self.kind, "inputs": inputs, "coordinates": self.coordinates}
        options |= OPTIONS.get(self.kind, {})
        params = parse_section(HEADS.find(self.kind).params, options, "head")
        head: Head = member.Head(params, shapes, self.outputs)
        for reader in head.readers.values():
            reader.set_moments(torch.randn(reader.columns), 0.5 + torch.rand(reader.columns))
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

    def batch(self, clips: int = CLIPS) -> Batch:
        times = TIMES if self.per == "clip" else dict.fromkeys(NAMES, GRID)
        inputs = {
            name: torch.randn(clips, times[name], *shape.sizes)
            for name, shape in self.shapes.items()
        }
        masks = {name: torch.rand(clips, times[name]) < 0.7 for name in NAMES}
        for mask in masks.values():
            mask[:, 0] = True
        return Batch(inputs, masks)

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
        batch, targets = self.batch(clips=23), self.targets(clips=23)
        masks = know_all(targets)
        return Labelled(batch.inputs, batch.masks, targets, masks)


def know_all(targets: dict[str, Tensor]) -> dict[str, Tensor]:
    """A mask of each target, True for every clip or frame."""
    return {
        name: torch.ones(
            labels.shape[:-1] if TARGETS[name].behaviour.vector else labels.shape, dtype=torch.bool
        )
        for name, labels in targets.items()
    }


def predict(head: Head, batch: Batch) -> dict[str, Tensor]:
    with torch.no_grad():
        return head(batch.inputs, batch.masks)


def assert_close(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest) -> Case:
    return Case(*request.param)


@pytest.fixture(scope="module")
def head(case: Case) -> Head:
    return case.head()


@pytest.fixture
def batch(case: Case, head: Head) -> Batch:
    torch.manual_seed(3)
    return case.batch()


class TestHead:
    def test_gives_each_output_in_its_size(self, case: Case, head: Head, batch: Batch) -> None:
        lead = (CLIPS,) if case.per == "clip" else (CLIPS, GRID)
        found = {name: tuple(value.shape) for name, value in predict(head, batch).items()}
        assert found == {output.name: (*lead, output.size) for output in head.outputs}

    @pytest.mark.parametrize("value", [1e6, float("nan")])
    def test_never_sees_masked_rows(self, head: Head, batch: Batch, value: float) -> None:
        found, expected = predict(head, batch.filled(value)), predict(head, batch)
        torch.testing.assert_close(found, expected, rtol=0, atol=0)

    def test_predicts_a_clip_alone_as_in_a_padded_batch(
        self, case: Case, head: Head, batch: Batch
    ) -> None:
        kept = 4
        for mask in batch.masks.values():
            mask[1, kept:] = False
        found = predict(head, batch.take([1], time=kept))
        expected = {name: value[[1]] for name, value in predict(head, batch).items()}
        if case.per == "frame":
            expected = {name: value[:, :kept] for name, value in expected.items()}
        assert_close(found, expected)

    @pytest.mark.parametrize("present", SUBSETS, ids=lambda names: "+".join(names) or "none")
    def test_is_finite_for_every_subset_of_modalities(
        self, head: Head, batch: Batch, present: tuple[str, ...]
    ) -> None:
        found = predict(head, batch.without(*set(NAMES) - set(present)))
        assert all(value.isfinite().all() for value in found.values())

    def test_takes_a_modality_without_any_row(self, case: Case, head: Head, batch: Batch) -> None:
        if case.per == "frame":
            pytest.skip("frame outputs share one grid")
        expected = predict(head, batch.without("text"))
        batch.inputs["text"], batch.masks["text"] = (
            torch.zeros(CLIPS, 0, *case.shapes["text"].sizes),
            batch.masks["text"][:, :0],
        )
        assert_close(predict(head, batch), expected)

    def test_is_deterministic_in_eval(self, head: Head, batch: Batch) -> None:
        torch.testing.assert_close(predict(head, batch), predict(head, batch), rtol=0, atol=0)

    def test_is_made_the_same_from_one_seed(self, case: Case, head: Head, batch: Batch) -> None:
        found = predict(case.head(), batch)
        torch.testing.assert_close(found, predict(head, batch), rtol=0, atol=0)

    def test_trains_every_parameter(self, case: Case, head: Head) -> None:
        if head.solved:
            pytest.skip("solved, not trained")
        batch, targets = case.batch(clips=11), case.targets(clips=11)
        for number, name in enumerate(NAMES):
            batch.masks[name][number] = False
        masks = know_all(targets)
        head_loss(head(batch.inputs, batch.masks), targets, masks).backward()
        dead = [name for name, value in head.named_parameters() if not _is_reached(value)]
        assert dead == []

    def test_comes_back_from_safetensors(self, case: Case, head: Head, batch: Batch) -> None:
        torch.manual_seed(5)
        member = HEADS.load(case.kind)
        copy = member.Head(head.params, dict(reversed(case.shapes.items())), case.outputs).eval()
        copy.load_state_dict(load(save(head.state_dict())))
        torch.testing.assert_close(predict(copy, batch), predict(head, batch), rtol=0, atol=0)

    def test_keeps_the_order_of_clips(self, head: Head, batch: Batch) -> None:
        expected = {name: value[[2, 0, 1]] for name, value in predict(head, batch).items()}
        assert_close(predict(head, batch.take([2, 0, 1])), expected)

    def test_works_with_one_modality_only(self, case: Case, batch: Batch) -> None:
        head = case.head("audio")
        found = decode_outputs(predict(head, batch))
        assert all(value.isfinite().all() for value in found.values())
        assert found.keys() == set(case.predicted)

    @pytest.mark.parametrize("modality", NAMES)
    def test_misses_a_modality_it_learned_from(
        self, head: Head, batch: Batch, modality: str
    ) -> None:
        found, whole = predict(head, batch.without(modality)), predict(head, batch)
        assert all(not torch.allclose(found[name], whole[name], atol=1e-4) for name in whole)

    def test_refuses_rows_of_another_shape(self, case: Case) -> None:
        odd = {"face": RowShape.of((3, 5, 7), layered=True)}
        with pytest.raises(ParamsError, match=r"inputs: face: expected .*, got layers x tokens"):
            HEADS.load(case.kind).Head(case.head().params, odd, case.outputs)


def _is_reached(parameter: Tensor) -> bool:
    return parameter.grad is not None and bool(parameter.grad.any())
