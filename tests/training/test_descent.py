import math

import pytest
import torch

from pipeline.errors import TrainingError
from pipeline.heads.training_params import TrainingParams
from pipeline.training.descent import Descent, Watch, check_precision
from tests.training.corpus_made import TRAINING, judge, make_objective


def test_averaged_weights_are_those_worked_out_by_hand(corpus):
    training = {**TRAINING, "batch": 6, "weight_average": 0.75}
    dataset = corpus.window("train", training=training)
    descent = Descent(make_objective(dataset).head, dataset.params.training, dataset)
    steps = []
    for batch in descent.batches:
        descent.step(batch)
        steps.append([weight.detach().clone() for weight in descent.objective.head.parameters()])
    assert len(steps) == 3
    for found, first, second, third in zip(descent.judged.parameters(), *steps, strict=True):
        expected = 0.75 * (0.75 * first + 0.25 * second) + 0.25 * third
        torch.testing.assert_close(found, expected)


def test_the_average_is_what_validation_measures_and_what_is_kept(corpus):
    options = {"targets": ["valence"]}
    training = {**TRAINING, "epochs": 3, "learning_rate": 0.3, "monitor": "val_loss"}
    fitted = corpus.fit(training={**training, "weight_average": 0.9}, **options)
    best = min(fitted.history, key=lambda epoch: epoch["val_loss"])
    found = judge(corpus.window("val", **options)).measure(fitted.head, 0)
    assert found["val_loss"] == pytest.approx(best["val_loss"], abs=1e-5)


def test_a_loss_that_is_not_finite_is_told_by_its_epoch_and_batch(corpus):
    endless = {**TRAINING, "batch": 9, "learning_rate": 1e30, "gradient_clip": None}
    with pytest.raises(TrainingError, match=r"epoch 0, batch 1: expected a finite training loss"):
        corpus.fit(training=endless)


def test_the_weights_are_those_of_the_first_of_the_best_epochs_and_patience_counts_the_others():
    watch, head = Watch(TrainingParams(patience=2, least_gain=0.1)), torch.nn.Linear(1, 1)
    seen = []
    for epoch, score in enumerate([0.5, 0.55, 0.7, float("nan"), 0.7]):
        assert not watch.over
        torch.nn.init.constant_(head.weight, epoch)
        watch.look(score, head)
        seen.append((watch.weights["weight"].item(), watch.waited))
    assert seen == [(0, 0), (1, 1), (2, 0), (2, 1), (2, 2)]
    assert watch.over


PLAIN = {"optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0, "gradient_clip": None}


def take_step(corpus, **training) -> dict[str, torch.Tensor]:
    """How far a step takes each parameter of a head of 18 clips."""
    options = {**PLAIN, "modality_dropout": 0.0, "learning_rate": 0.01, "batch": 18, **training}
    dataset = corpus.window("train", training=options)
    head = make_objective(dataset).head
    before = {name: weight.clone() for name, weight in head.named_parameters()}
    torch.manual_seed(0)
    Descent(head, dataset.params.training, dataset).run_epoch(0)
    return {name: weight.detach() - before[name] for name, weight in head.named_parameters()}


def test_the_first_pattern_that_fits_decides_how_fast_a_parameter_learns(corpus):
    rates = {"readouts.emotion.*": 0.03, "readouts.*.bias": 0.02, "readouts.*": 0.0}
    found, common = take_step(corpus, learning_rates=rates), take_step(corpus)
    for name, moved in found.items():
        times = 3 if "emotion" in name else 1 if "readouts" not in name else 2 * ("bias" in name)
        torch.testing.assert_close(moved, times * common[name])


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        ({"trunk.*": 0.1}, r"trunk\.\*: expected a pattern that fits parameters, such as readouts"),
        ({"*": 0.1, "readouts.*": 0.2}, r"learning_rates: readouts\.\*: .* before any other does"),
        ({"*": 0.0}, "expected one above 0, got 0 for all"),
    ],
)
def test_rates_that_no_parameter_learns_at_are_refused(corpus, rates, told):
    with pytest.raises(TrainingError, match=told):
        take_step(corpus, learning_rates=rates)


def test_a_step_at_half_precision_is_near_that_at_full_and_moves_weights_of_full(corpus):
    found, full = take_step(corpus, precision="bf16"), take_step(corpus)
    assert {moved.dtype for moved in found.values()} == {torch.float32}
    assert any(not torch.equal(moved, full[name]) for name, moved in found.items())
    torch.testing.assert_close(found, full, rtol=0.1, atol=1e-4)


def test_half_precision_is_refused_where_a_device_lacks_it():
    with pytest.raises(TrainingError, match="expected one that meta has, got bf16; set it to fp32"):
        check_precision(TrainingParams(precision="bf16"), torch.device("meta"))


def test_a_cosine_falls_from_batch_to_batch(corpus):
    training = {**TRAINING, "batch": 6, "epochs": 2, "schedule": "cosine", "learning_rate": 0.1}
    dataset = corpus.window("train", training=training)
    descent = Descent(make_objective(dataset).head, dataset.params.training, dataset)
    rates = []
    for _ in range(2):
        for batch in descent.batches:
            rates.append(descent.optimiser.param_groups[0]["lr"])
            descent.step(batch)
        descent.end_epoch(0.0)
    expected = [0.05 * (1 + math.cos(math.pi * step / 6)) for step in range(6)]
    assert rates == pytest.approx(expected)
