from collections.abc import Sequence
from functools import partial

import pytest
import torch
from torch import Tensor

from pipeline.errors import ParamsError
from pipeline.heads.base import Output
from pipeline.heads.losses import LossChoice, head_loss
from pipeline.heads.params import HEADS, EnsembleParams, JoinedParams
from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.joining import JOINS, Join
from pipeline.heads.shared.params import Per
from pipeline.modalities import RowShape
from tests.stores import make_params, make_stream

OUTPUTS = (
    Output("emotion", 3, "clip"),
    Output("valence", 1, "clip"),
    Output("emotions", 2, "clip"),
)
BOTH = {"face": RowShape.of((5,)), "audio": RowShape.of((4,))}
ALL: dict[Per, Tensor] = {"clip": torch.tensor([[True, True], [True, True]])}


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(3)


def answer(clips: int = 2) -> dict[str, Tensor]:
    return {output.name: torch.randn(clips, output.size) for output in OUTPUTS}


def build(per: Per = "clip", **options: object) -> torch.nn.Module:
    params = make_params("late_fusion", dict.fromkeys(BOTH, "set"), **options)
    head = HEADS.load("late_fusion").Head(params, BOTH, [Output("valence", 1, per)])
    return head.eval()


def test_a_mean_is_one_of_chances_and_of_ratings() -> None:
    one, other = answer(), answer()
    joined = Join(OUTPUTS, 2)([one, other], ALL)
    chances = (one["emotion"].softmax(dim=1) + other["emotion"].softmax(dim=1)) / 2
    torch.testing.assert_close(joined["emotion"].softmax(dim=1), chances)
    torch.testing.assert_close(joined["valence"], (one["valence"] + other["valence"]) / 2)
    scores = (one["emotions"].sigmoid() + other["emotions"].sigmoid()) / 2
    torch.testing.assert_close(joined["emotions"].sigmoid(), scores)


@pytest.mark.parametrize("join", JOINS)
def test_a_head_with_nothing_to_go_on_has_no_say(join: str) -> None:
    one, other = answer(), answer()
    present: dict[Per, Tensor] = {"clip": torch.tensor([[True, True], [False, True]])}
    made = JOINS[join](OUTPUTS, 2)  # type: ignore[index]
    for name, value in made([one, other], present).items():
        alone = one[name].log_softmax(dim=1) if name == "emotion" else one[name]
        found = value.log_softmax(dim=1) if name == "emotion" else value
        torch.testing.assert_close(found[0], alone[0])
        assert not torch.allclose(found[1], alone[1])


@pytest.mark.parametrize("join", ["weights", "logistic"])
def test_what_is_fitted_goes_by_the_head_that_is_right(join: str) -> None:
    labels = torch.arange(30) % 3
    right, noise = 3.0 * torch.eye(3)[labels] + torch.randn(30, 3), 3.0 * torch.randn(30, 3)
    outputs = OUTPUTS[:1]
    answers = [{"emotion": noise}, {"emotion": right}]
    present: dict[Per, Tensor] = {"clip": torch.ones(2, 30, dtype=torch.bool)}
    made = JOINS[join](outputs, 2)  # type: ignore[index]
    targets, known = {"emotion": labels}, {"emotion": torch.ones(30, dtype=torch.bool)}
    measure = partial(head_loss, targets=targets, masks=known, choice=LossChoice())
    before = measure(made(answers, present))
    made.fit(answers, present, measure)
    found = made(answers, present)
    assert measure(found) < before
    assert (found["emotion"].argmax(dim=1) == labels).float().mean() > 0.85
    mean = Join(outputs, 2)(answers, present)["emotion"].argmax(dim=1)
    assert (mean == labels).float().mean() < 0.75


def test_answers_meet_at_their_time_and_not_at_their_number() -> None:
    """A face that is found in one frame of four leaves the others to the sound of that second."""
    head = build("frame")
    face = make_stream(torch.randn(1, 4, 5))
    streams = {"audio": make_stream(torch.randn(1, 4, 4)), "face": face}
    face.mask[0, [0, 2, 3]] = False
    joined, (audio, video) = head(streams)["valence"], (p["valence"] for p in head.parts(streams))
    torch.testing.assert_close(joined[0, [0, 2, 3]], audio[0, [0, 2, 3]])
    torch.testing.assert_close(joined[0, 1], (audio[0, 1] + video[0, 1]) / 2)


def test_a_member_sees_its_own_modality_alone() -> None:
    head = build(members={"face": {"kind": "lstm", "width": 8}, "audio": {"kind": "gated"}})
    streams = {name: make_stream(torch.randn(2, 3, *BOTH[name].sizes)) for name in BOTH}
    others: dict[str, StreamRows] = {**streams, "face": make_stream(torch.randn(2, 3, 5))}
    (audio, face), (same, another) = head.parts(streams), head.parts(others)
    torch.testing.assert_close(audio, same)
    assert not torch.allclose(face["valence"], another["valence"])


def test_an_ensemble_has_each_member_once_for_each_seed() -> None:
    options = {"members": [{"kind": "mlp"}, {"kind": "gated"}], "seeds": [4, 5]}
    params = make_params("ensemble", dict.fromkeys(BOTH, "set"), **options)
    assert isinstance(params, EnsembleParams)
    assert list(params.plan_members(BOTH)) == ["0_mlp_4", "0_mlp_5", "1_gated_4", "1_gated_5"]
    assert params.kinds == ["ensemble", "gated", "mlp"]
    first, second, *_ = HEADS.load("ensemble").Head(params, BOTH, OUTPUTS).heads
    assert not torch.equal(first.readouts["emotion"].weight, second.readouts["emotion"].weight)


def ask(kind: str, **options: object) -> JoinedParams:
    params = make_params(kind, {"face": "set"}, **options)
    assert isinstance(params, JoinedParams)
    return params


@pytest.mark.parametrize(
    ("kind", "members", "told"),
    [
        ("ensemble", [{"kind": "linear"}], r"members\.0: kind: expected one that is trained"),
        ("ensemble", [{"kind": "ensemble"}], r"members\.0: kind: expected one that is trained"),
        ("ensemble", [{}], r"members\.0: kind: expected one that is trained"),
        ("ensemble", [{"kind": "mlp", "width": 0}], r"members\.0: width: Input should be"),
        ("ensemble", [{"kind": "mlp", "deep": 1}], r"members\.0: deep: Extra inputs"),
        ("late_fusion", {"audio": {"kind": "mlp"}}, r"members\.audio: expected a modality of"),
        ("late_fusion", {"face": {"kind": "mlp", "targets": []}}, r"targets: expected to be said"),
        ("ensemble", [{"kind": "mlp", "postprocessing": {}}], r"postprocessing: expected to be sa"),
    ],
)
def test_members_that_cannot_be_are_told(kind: str, members: Sequence[object], told: str) -> None:
    with pytest.raises(ParamsError, match=told):
        ask(kind, members=members)
