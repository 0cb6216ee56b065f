import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ParamsError
from pipeline.heads.base import Output
from pipeline.heads.outputs import decode_outputs, head_outputs, polar_parts
from pipeline.targets import TARGETS

ALL = ["emotion", "valence", "arousal"]
PER_CLIP = dict.fromkeys(ALL, "clip")
LOGITS = st.floats(-1e6, 1e6, width=32)


def test_cartesian_outputs_follow_the_targets() -> None:
    per = {"emotion": "clip", "valence": "frame", "arousal": "frame"}
    assert head_outputs(ALL, "cartesian", 7, per=per) == (
        Output("emotion", 7, "clip"),
        Output("valence", 1, "frame"),
        Output("arousal", 1, "frame"),
    )


def test_polar_is_one_output_for_valence_and_arousal() -> None:
    outputs = head_outputs(ALL, "polar", 7, per=PER_CLIP)
    assert outputs == (Output("emotion", 7, "clip"), Output("polar", 3, "clip"))


def test_emotion_alone_has_no_coordinates() -> None:
    outputs = head_outputs(["emotion"], "polar", 7, per=PER_CLIP)
    assert outputs == (Output("emotion", 7, "clip"),)


def test_polar_valence_alone_is_refused() -> None:
    with pytest.raises(ParamsError, match=r"valence and arousal.* got valence per clip; name both"):
        head_outputs(["valence"], "polar", 0, per=PER_CLIP)


def test_polar_per_clip_and_per_frame_is_refused() -> None:
    with pytest.raises(ParamsError, match="got valence per clip and arousal per frame"):
        head_outputs(ALL, "polar", 7, per={**PER_CLIP, "arousal": "frame"})


def test_emotion_of_one_class_is_refused() -> None:
    with pytest.raises(ParamsError, match="target emotion: expected two classes or more, got 1"):
        head_outputs(["emotion"], "cartesian", 1, per=PER_CLIP)


def test_emotion_decodes_to_probabilities() -> None:
    decoded = decode_outputs({"emotion": torch.tensor([[0.0, math.log(3.0)]])})
    torch.testing.assert_close(decoded["emotion"], torch.tensor([[0.25, 0.75]]))


def test_outputs_have_one_number_for_what_is_no_class_and_one_for_each_class_else() -> None:
    outputs = head_outputs(list(TARGETS), "cartesian", 7, per=dict.fromkeys(TARGETS, "clip"))
    sizes = {output.name: output.size for output in outputs}
    assert sizes == {name: 1 if own.behaviour.number else 7 for name, own in TARGETS.items()}


def test_a_presence_decodes_to_its_chance() -> None:
    decoded = decode_outputs({"au1": torch.tensor([[0.0], [math.log(3.0)]])})
    torch.testing.assert_close(decoded["au1"], torch.tensor([0.5, 0.75]))


def test_polar_leaves_the_other_ratings_as_they_are() -> None:
    targets = ["valence", "arousal", "dominance"]
    outputs = head_outputs(targets, "polar", 7, per=dict.fromkeys(targets, "clip"))
    assert [output.name for output in outputs] == ["dominance", "polar"]
    assert [output.targets for output in outputs] == [("dominance",), ("valence", "arousal")]


def test_scores_decode_to_a_probability_for_each_class() -> None:
    decoded = decode_outputs({"emotions": torch.tensor([[0.0, math.log(3.0)]])})
    torch.testing.assert_close(decoded["emotions"], torch.tensor([[0.5, 0.75]]))


def test_votes_decode_to_shares() -> None:
    decoded = decode_outputs({"votes": torch.tensor([[0.0, math.log(3.0)]])})
    torch.testing.assert_close(decoded["votes"], torch.tensor([[0.25, 0.75]]))


def test_ratings_are_clamped_to_their_own_range() -> None:
    found = decode_outputs({name: torch.tensor([[-3.0]]) for name in ("intensity", "dominance")})
    assert {name: value.item() for name, value in found.items()} == {
        "intensity": 0.0,
        "dominance": -1.0,
    }


def test_values_are_clamped() -> None:
    decoded = decode_outputs({"valence": torch.tensor([[-3.0], [0.5]])})
    assert decoded["valence"].tolist() == [-1.0, 0.5]


def test_polar_decodes_to_the_plane() -> None:
    polar = torch.tensor([[0.0, -5.0, 0.0]])
    decoded = decode_outputs({"polar": polar})
    torch.testing.assert_close(decoded["valence"], torch.tensor([0.0]))
    torch.testing.assert_close(decoded["arousal"], torch.tensor([-math.sqrt(2) / 2]))


def test_polar_without_a_direction_is_the_origin_with_a_gradient() -> None:
    polar = torch.zeros(1, 3, requires_grad=True)
    decoded = decode_outputs({"polar": polar})
    assert decoded["valence"].tolist() == [0.0]
    decoded["valence"].sum().backward()
    assert polar.grad is not None
    assert polar.grad.isfinite().all()
    assert polar.grad[0, 0] > 0


@given(st.tuples(LOGITS, LOGITS, LOGITS))
def test_polar_never_leaves_the_square(logits: tuple[float, float, float]) -> None:
    polar = torch.tensor([logits], dtype=torch.float32)
    decoded = decode_outputs({"polar": polar})
    direction, intensity = polar_parts(polar)
    assert all(-1 <= value.item() <= 1 for value in decoded.values())
    assert direction.norm() <= 1 + 1e-6
    assert 0 <= intensity.item() <= math.sqrt(2) + 1e-6
