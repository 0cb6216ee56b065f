import pytest
import torch

from pipeline.errors import TrainingError
from pipeline.heads.training_params import TrainingParams
from pipeline.training.descent import Descent, Watch
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
