import math

import pytest
import torch

from pipeline.errors import ParamsError
from pipeline.heads.base import POLAR, Output
from pipeline.heads.losses import LossChoice, head_loss, inconsistency, output_losses
from pipeline.training.balancing import Balance
from pipeline.training.optimisers import make_optimiser
from pipeline.windows.dataset import load_batches
from tests.stores import make_params
from tests.training.corpus_made import judge, make_objective

TWICE = {"consistency": 3.0, "modality_dropout": 0.0}


def test_two_passes_without_dropout_lose_what_one_does(corpus):
    dataset = corpus.window("train", training=TWICE)
    objective, batch = make_objective(dataset).eval(), dataset[range(7)]
    expected = head_loss(objective.head(batch.streams), batch.targets, batch.target_masks)
    torch.testing.assert_close(objective(batch), expected)


def test_two_passes_with_dropout_lose_their_mean_and_how_far_they_differ(corpus):
    dataset = corpus.window("train", training=TWICE)
    objective, batch = make_objective(dataset), dataset[range(7)]
    torch.manual_seed(1)
    torch.rand(7, 1)  # which modalities are withheld
    first, second = (objective.head(batch.streams) for _ in range(2))
    losses = [head_loss(found, batch.targets, batch.target_masks) for found in (first, second)]
    apart = inconsistency(first, second, batch.target_masks)
    assert apart > 0
    torch.manual_seed(1)
    torch.testing.assert_close(objective(batch), sum(losses) / 2 + 3 * apart)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"dropout": 0.0}, "two passes differ by dropout, which is 0; set `dropout`"),
        ({"targets": ["valence"]}, "expected a target of classes; add emotion to `targets`"),
    ],
)
def test_passes_that_cannot_differ_are_refused(options, told):
    with pytest.raises(ParamsError, match=rf"training\.consistency: {told}"):
        make_params("mlp", {"audio": "audio"}, training={"consistency": 1.0}, **options)


def test_passes_of_heads_that_are_made_of_others_differ_by_dropout_of_these():
    training = {"consistency": 1.0}
    members = [{"kind": "mlp", "dropout": 0.0}, {"kind": "mlp", "dropout": 0.5}]
    assert make_params("ensemble", {"audio": "audio"}, training=training, members=members)
    with pytest.raises(ParamsError, match="two passes differ by dropout, which is 0"):
        make_params("ensemble", {"audio": "audio"}, training=training, members=members[:1])


def test_each_part_of_a_head_loses_what_it_would_alone_and_how_far_it_differs(corpus):
    options = {"members": [{"kind": "mlp", "width": 8}], "seeds": [0, 1], "training": TWICE}
    params = make_params("ensemble", {"audio": "audio"}, **options)
    dataset = corpus.window("train")
    dataset.params = params
    objective, batch = make_objective(dataset), dataset[range(7)]
    torch.manual_seed(1)
    torch.rand(7, 1)  # which modalities are withheld
    passes = [objective.head.parts(batch.streams) for _ in range(2)]
    losses = [
        head_loss(found, batch.targets, batch.target_masks) for parts in passes for found in parts
    ]
    apart = [inconsistency(*pair, batch.target_masks) for pair in zip(*passes, strict=True)]
    assert len(apart) == 2
    torch.manual_seed(1)
    torch.testing.assert_close(objective(batch), sum(losses) / 2 + 3 * sum(apart))


def test_a_loss_counts_by_the_weight_of_its_target(corpus):
    dataset = corpus.window("train")
    batch = dataset[range(7)]
    outputs = make_objective(dataset).eval().head(batch.streams)
    found = [
        output_losses(
            outputs, batch.targets, batch.target_masks, LossChoice(target_weights=weights)
        )
        for weights in ({}, {"valence": 3.0})
    ]
    assert found[1] == {**found[0], "valence": 3 * found[0]["valence"]}


def test_learned_weights_are_those_worked_out_by_hand():
    outputs = [
        Output("emotion", 3, "clip"),
        Output("intensity", 1, "clip"),
        Output(POLAR, 3, "clip"),
    ]
    balance = Balance(outputs)
    with torch.no_grad():
        balance.variances["emotion"].fill_(math.log(2))
        balance.variances["intensity"].fill_(math.log(4))
    losses = {
        "emotion": torch.tensor(6.0),
        "intensity": torch.tensor(8.0),
        POLAR: torch.tensor(5.0),
    }
    masks = dict.fromkeys(("emotion", "intensity", "valence", "arousal"), torch.tensor([True]))
    logs = (math.log(2) + math.log(4)) / 2
    assert balance(losses, masks).item() == pytest.approx(6 / 2 + 8 / 4 / 2 + 5 / 2 + logs)


def test_an_output_without_labels_teaches_nothing_of_its_weight():
    balance = Balance([Output("emotion", 3, "clip"), Output("valence", 1, "clip")])
    losses = {"emotion": torch.tensor(1.5), "valence": torch.tensor(0.0)}
    masks = {"emotion": torch.tensor([True, False]), "valence": torch.tensor([False, False])}
    balance(losses, masks).backward()
    # d/ds of L / e^s + s / 2 at s = 0 is 1/2 - L.
    assert balance.variances["emotion"].grad.item() == -1.0
    assert balance.variances["valence"].grad.item() == 0.0


def test_learned_weights_learn_undecayed_and_leave_the_loss_of_validation(corpus):
    dataset = corpus.window("train", training={"learned_weights": True, "weight_decay": 0.3})
    objective, batch = make_objective(dataset), dataset[range(7)]
    optimiser = make_optimiser(objective.group_parameters(), dataset.params.training)
    assert [group["weight_decay"] for group in optimiser.param_groups] == [0.3, 0.0]
    objective(batch).backward()
    optimiser.step()
    assert all(variance.item() != 0 for variance in objective.balance.parameters())
    found = judge(dataset).measure(objective.head, 0)["val_loss"]
    (whole,) = load_batches(dataset)
    expected = head_loss(objective.head(whole.streams), whole.targets, whole.target_masks)
    assert found == pytest.approx(expected.item(), abs=1e-6)


@pytest.mark.parametrize(
    ("options", "training", "told"),
    [
        ({}, {"target_weights": {"dominance": 2.0}}, "expected targets with a loss of their own"),
        ({"targets": ["valence"]}, {"learned_weights": True}, "several losses to weigh, got one"),
        (
            {"targets": ["valence", "arousal"], "coordinates": "polar"},
            {"learned_weights": True},
            "several losses to weigh, got one",
        ),
        (
            {},
            {"learned_weights": True, "target_weights": {"valence": 2.0}},
            "learned_weights: goes without target_weights",
        ),
    ],
)
def test_weights_that_weigh_nothing_are_refused(options, training, told):
    with pytest.raises(ParamsError, match=told):
        make_params("mlp", {"audio": "audio"}, training=training, **options)


def test_an_epoch_forgets_what_the_one_before_has_seen(corpus):
    training = {"losses": {"valence": "ccc_epoch"}, "modality_dropout": 0.0}
    dataset = corpus.window("train", training=training, targets=["valence"])
    objective = make_objective(dataset, LossChoice(training["losses"]))
    objective.head.eval()
    first, second, whole = dataset[range(3)], dataset[range(3, 6)], dataset[range(6)]
    alone = objective(second)
    objective.begin_epoch()
    objective.head.eval()
    objective(first)
    both = objective(second)
    choice = LossChoice({"valence": "ccc"})
    expected = head_loss(objective.head(whole.streams), whole.targets, whole.target_masks, choice)
    torch.testing.assert_close(both, expected)
    assert abs(both - alone) > 1e-3
    objective.begin_epoch()
    objective.head.eval()
    torch.testing.assert_close(objective(second), alone)
