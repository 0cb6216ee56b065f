import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from pipeline.heads.losses import (
    EPOCH_LOSS,
    FEWEST_FOR_CCC,
    LOSSES,
    EpochMoments,
    LossChoice,
    concordance,
    head_loss,
    inconsistency,
    polar_loss,
    target_loss,
)
from pipeline.targets import BEHAVIOURS, TARGETS

SERIES = st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=31)


def ones(*shape: int) -> Tensor:
    return torch.ones(shape, dtype=torch.bool)


def at_angle(*degrees: float, intensity: float = 1.0) -> Tensor:
    radians = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    return intensity * torch.stack([radians.cos(), radians.sin()], dim=-1)


def polar_at(*degrees: float) -> Tensor:
    logit = torch.full((len(degrees), 1), math.log(1 / (math.sqrt(2) - 1)), dtype=torch.float64)
    return torch.cat([1000 * at_angle(*degrees), logit], dim=-1)


def rating_loss(numbers: Tensor, labels: Tensor, mask: Tensor, name: str = "mse_ccc") -> Tensor:
    choice = LossChoice({"valence": name})
    return target_loss("valence", numbers[..., None], labels, mask, choice)


def class_loss(
    logits: Tensor, labels: Tensor, mask: Tensor, weights: dict[str, Tensor] | None = None
) -> Tensor:
    return target_loss("emotion", logits, labels, mask, LossChoice({}, weights or {}))


def test_ccc_is_one_for_equal_series() -> None:
    series = torch.tensor([0.1, -0.5, 0.9])
    torch.testing.assert_close(concordance(series, series), torch.tensor(1.0))


def test_ccc_of_a_shifted_series_is_computed_by_hand() -> None:
    labels = torch.tensor([0.0, 2.0], dtype=torch.float64)
    # cov 1, variances 1 and 1, means 1 apart: 2 / (1 + 1 + 1).
    assert concordance(labels + 1, labels).item() == pytest.approx(2 / 3)


def test_ccc_is_zero_for_a_constant_prediction() -> None:
    assert concordance(torch.full((5,), 0.3), torch.linspace(-1, 1, 5)).item() == 0.0


@given(SERIES)
def test_ccc_is_within_one_and_its_gradient_finite(series: list[float]) -> None:
    labels = torch.tensor(series)
    predictions = labels.flip(0).requires_grad_()
    found = concordance(predictions, labels)
    [gradient] = torch.autograd.grad(found, predictions)
    assert abs(found.item()) <= 1 + 1e-5
    assert gradient.isfinite().all()


def test_gradient_of_ccc_equals_finite_differences() -> None:
    torch.manual_seed(17)
    predictions = torch.randn(11, dtype=torch.float64, requires_grad=True)
    labels = torch.randn(11, dtype=torch.float64)
    assert torch.autograd.gradcheck(concordance, (predictions, labels))
    [gradient] = torch.autograd.grad(concordance(predictions, labels), predictions)
    assert gradient.abs().min() > 0


def test_value_loss_is_squared_error_and_discordance() -> None:
    labels = torch.tensor([0.0, 2.0] * 4)
    found = rating_loss(labels + 1, labels, ones(8))
    assert found.item() == pytest.approx(1 + 1 / 3)


def test_value_loss_of_few_labels_is_squared_error_alone() -> None:
    labels = torch.tensor([0.0, 2.0] * 4)
    mask = torch.arange(8) < FEWEST_FOR_CCC - 1
    assert rating_loss(labels + 1, labels, mask).item() == pytest.approx(1.0)


def test_labels_of_all_clips_are_pooled() -> None:
    torch.manual_seed(19)
    predictions, labels, mask = torch.randn(3, 7), torch.randn(3, 7), torch.rand(3, 7) < 0.6
    pooled = rating_loss(predictions[mask], labels[mask], ones(int(mask.sum())))
    torch.testing.assert_close(rating_loss(predictions, labels, mask), pooled)


def test_what_is_not_labelled_does_not_count() -> None:
    predictions = torch.zeros(11, requires_grad=True)
    mask = torch.arange(11) < 9
    labels = torch.linspace(-1, 1, 11).masked_fill(~mask, float("nan"))
    loss = rating_loss(predictions, labels, mask)
    loss.backward()
    assert loss.isfinite()
    assert predictions.grad is not None
    assert predictions.grad.isfinite().all()
    assert not predictions.grad[9:].any()


def test_emotion_loss_is_cross_entropy_of_labelled_clips() -> None:
    logits = torch.tensor([[0.0, math.log(3)], [5.0, 0.0], [0.0, 0.0]])
    mask = torch.tensor([True, False, True])
    found = class_loss(logits, torch.tensor([1, -1, 0]), mask)
    assert found.item() == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)


def test_class_weights_follow_the_class_index() -> None:
    logits, labels = torch.tensor([[0.0, math.log(3)]] * 2), torch.tensor([0, 1])
    weights = torch.tensor([3.0, 1.0])
    found = class_loss(logits, labels, ones(2), {"emotion": weights})
    assert found.item() == pytest.approx((3 * math.log(4) + math.log(4 / 3)) / 4)


def test_focal_loss_forgets_what_is_known_and_leaves_weights_out_of_the_chance() -> None:
    logits, labels = torch.tensor([[0.0, math.log(3)]] * 2), torch.tensor([0, 1])
    choice = LossChoice({"emotion": "focal"}, {"emotion": torch.tensor([3.0, 1.0])})
    found = target_loss("emotion", logits, labels, ones(2), choice)
    expected = (3 * 0.75**2 * math.log(4) + 0.25**2 * math.log(4 / 3)) / 4
    assert found.item() == pytest.approx(expected)


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
def test_smoothed_labels_pull_away_from_certainty(loss: str) -> None:
    logits = torch.tensor([[30.0, 0.0]], requires_grad=True)
    choice = LossChoice({"emotion": loss}, smoothing=0.2)
    target_loss("emotion", logits, torch.tensor([0]), ones(1), choice).backward()
    assert logits.grad is not None
    assert logits.grad[0, 0] >= 0
    assert (logits.grad[0, 0] > 0.05) == (loss == "cross_entropy")


def test_huber_counts_large_errors_by_their_size() -> None:
    labels = torch.zeros(2)
    found = rating_loss(torch.tensor([0.1, 1.0]), labels, ones(2), "huber").item()
    assert found == pytest.approx((0.1**2 / 2 + 0.25 * (1.0 - 0.125)) / 2)


def test_every_loss_of_the_table_of_targets_is_there() -> None:
    assert LOSSES.keys() == {name for kind in BEHAVIOURS.values() for name in kind.losses}


def test_errors_of_ratings_are_squared_or_absolute() -> None:
    labels = torch.tensor([0.0, 2.0, 0.5])
    numbers = labels + torch.tensor([1.0, -2.0, 0.0])
    found = [rating_loss(numbers, labels, ones(3), name).item() for name in ("mse", "mae")]
    assert found == pytest.approx([5 / 3, 1.0])


def test_ccc_alone_counts_few_labels_too() -> None:
    labels = torch.tensor([0.0, 2.0])
    assert rating_loss(labels + 1, labels, ones(2), "ccc").item() == pytest.approx(1 / 3)


def test_ccc_of_an_epoch_is_that_of_all_its_batches() -> None:
    torch.manual_seed(7)
    labels = torch.randn(11)
    predictions = torch.randn(11).requires_grad_()
    choice = LossChoice({"valence": EPOCH_LOSS}, epoch=EpochMoments())
    for batch in (slice(0, 3), slice(3, 4), slice(4, 11)):
        last = target_loss(
            "valence", predictions[batch, None], labels[batch], ones(11)[batch], choice
        )
    whole = 1 - concordance(predictions, labels)
    torch.testing.assert_close(last, whole)
    [own], [expected] = (torch.autograd.grad(loss, predictions) for loss in (last, whole))
    torch.testing.assert_close(own[4:], expected[4:] * 11 / 7)
    assert not own[:4].any()


def test_ccc_of_an_epoch_is_that_of_the_batch_where_there_is_no_epoch() -> None:
    labels = torch.tensor([0.0, 2.0])
    assert rating_loss(labels + 1, labels, ones(2), EPOCH_LOSS).item() == pytest.approx(1 / 3)


def test_scores_are_there_where_above_zero() -> None:
    logits = torch.tensor([[0.0, math.log(3), math.log(7)]])
    loss = target_loss("emotions", logits, torch.tensor([[0.0, 1 / 3, 2.0]]), ones(1))
    expected = (math.log(2) + math.log(4 / 3) + math.log(8 / 7)) / 3
    assert loss.item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("name", "entropy"), [("soft_cross_entropy", 0.0), ("kl", math.log(2))])
def test_votes_are_met_by_their_shares(name: str, entropy: float) -> None:
    logits, shares = torch.tensor([[0.0, math.log(3), -1e3]]), torch.tensor([[0.5, 0.5, 0.0]])
    loss = target_loss("votes", logits, shares, ones(1), LossChoice({"votes": name}))
    crossed = (math.log(4) + math.log(4 / 3)) / 2
    assert loss.item() == pytest.approx(crossed - entropy, abs=1e-6)


def test_polar_loss_does_not_jump_at_pi() -> None:
    near = polar_loss(polar_at(179.0), at_angle(-179.0), ones(1))
    assert near.item() == pytest.approx(1 - math.cos(math.radians(2)), abs=1e-6)
    either = [polar_loss(polar_at(180.0), at_angle(side), ones(1)) for side in (180.0, -180.0)]
    torch.testing.assert_close(either[0], either[1])


def test_polar_loss_is_greatest_for_the_opposite_direction() -> None:
    assert polar_loss(polar_at(90.0), at_angle(-90.0), ones(1)).item() == pytest.approx(2, abs=1e-5)


def test_direction_counts_by_the_true_intensity() -> None:
    opposite = polar_loss(polar_at(90.0), at_angle(-90.0, intensity=0.25), ones(1))
    assert opposite.item() == pytest.approx(0.25 * 2 + 0.75**2, abs=1e-5)


@pytest.mark.parametrize("labels", [1, 11])
def test_neutral_labels_have_a_finite_gradient_and_no_direction(labels: int) -> None:
    polar = torch.zeros(labels, 3, requires_grad=True)
    polar_loss(polar, torch.zeros(labels, 2), ones(labels)).backward()
    assert polar.grad is not None
    assert polar.grad.isfinite().all()
    assert not polar.grad[:, :2].any()
    assert polar.grad[:, 2].all()


def test_polar_loss_adds_discordance_of_the_plane() -> None:
    degrees = torch.linspace(-170, 170, 11).tolist()
    exact = polar_loss(polar_at(*degrees), at_angle(*degrees), ones(11))
    assert exact.item() == pytest.approx(0, abs=1e-5)
    turned = polar_loss(polar_at(*degrees), at_angle(*reversed(degrees)), ones(11))
    angle_loss = sum(1 - math.cos(math.radians(2 * angle)) for angle in degrees) / 11
    # Reversing mirrors arousal (CCC -1) and keeps valence (CCC 1).
    assert turned.item() == pytest.approx(angle_loss + 2, abs=1e-5)


def make_batch(outputs: set[str]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    torch.manual_seed(23)
    ratings = {name: torch.rand(13) for name, own in TARGETS.items() if own.behaviour.number}
    logits = {name: torch.randn(13, 1, requires_grad=True) for name in ratings}
    for name in TARGETS.keys() - ratings.keys():
        logits[name] = torch.randn(13, 5, requires_grad=True)
    logits["polar"] = torch.randn(13, 3, requires_grad=True)
    vectors = {name: torch.rand(13, 5).softmax(dim=1) for name in ("emotions", "votes")}
    targets = {"emotion": torch.randint(5, (13,)), **ratings, **vectors}
    return {name: logits[name] for name in outputs}, targets


def test_head_loss_is_the_sum_over_outputs() -> None:
    outputs, targets = make_batch(set(TARGETS))
    masks = dict.fromkeys(targets, ones(13))
    each = [target_loss(name, outputs[name], targets[name], ones(13)) for name in TARGETS]
    torch.testing.assert_close(head_loss(outputs, targets, masks), torch.stack(each).sum())


def test_polar_needs_both_labels() -> None:
    outputs, targets = make_batch({"polar"})
    masks = {"valence": torch.arange(13) < 11, "arousal": torch.arange(13) > 1}
    loss = head_loss(outputs, targets, masks)
    loss.backward()
    assert outputs["polar"].grad is not None
    assert outputs["polar"].grad.any(dim=1).tolist() == [1 < clip < 11 for clip in range(13)]


@pytest.mark.parametrize("names", [set(TARGETS), {"emotion", "polar"}])
def test_a_batch_without_labels_gives_a_zero_with_a_graph(names: set[str]) -> None:
    outputs, targets = make_batch(names)
    loss = head_loss(outputs, targets, dict.fromkeys(targets, ~ones(13)))
    assert loss.item() == 0.0
    loss.backward()
    grads = [output.grad for output in outputs.values()]
    assert all(grad is not None and not grad.any() for grad in grads)


def test_inconsistency_is_the_mean_of_two_divergences_worked_out_by_hand() -> None:
    chances = torch.tensor([[0.5, 0.5], [0.9, 0.1]]), torch.tensor([[0.25, 0.75], [0.1, 0.9]])
    first, second = ({"emotion": share.log()[None], "valence": share[None]} for share in chances)
    masks = {"emotion": torch.tensor([[True, False]]), "valence": ones(1, 2)}
    there = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
    back = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)
    found = inconsistency(first, second, masks)
    assert found.item() == pytest.approx((there + back) / 2, abs=1e-6)


def test_inconsistency_without_labels_is_a_zero_with_a_gradient() -> None:
    logits = torch.randn(3, 5, requires_grad=True)
    found = inconsistency({"emotion": logits}, {"emotion": logits + 1}, {"emotion": ~ones(3)})
    [gradient] = torch.autograd.grad(found, logits)
    assert (found.item(), gradient.abs().max().item()) == (0.0, 0.0)
