import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback

from pipeline.heads.losses import LossChoice
from pipeline.training.descent import Average
from pipeline.training.module import HeadModule
from pipeline.windows.dataset import load_batches
from tests.stores import EMOTIONS
from tests.training.corpus_made import TRAINING, make_module


class Watch(Callback):
    """Weights after each step."""

    def __init__(self):
        self.steps = []

    def on_train_batch_end(self, trainer, pl_module, *rest):
        self.steps.append({n: w.detach().clone() for n, w in pl_module.named_parameters()})


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
@pytest.mark.filterwarnings("ignore:.*smaller than the logging interval")
@pytest.mark.filterwarnings("ignore:.*LeafSpec")
def test_averaged_weights_are_those_worked_out_by_hand(corpus):
    dataset = corpus.window("train", training={**TRAINING, "epochs": 1})
    watch, average = Watch(), Average(0.75)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    options = {"max_epochs": 1, "accelerator": "cpu", "num_sanity_val_steps": 0, **quiet}
    trainer = Trainer(callbacks=[watch, average], enable_model_summary=False, **options)
    batches = load_batches(dataset, size=6)
    trainer.fit(make_module(dataset), batches, batches)
    assert len(watch.steps) == 3
    first, second, third = watch.steps
    for name, found in average.module.named_parameters():
        expected = 0.75 * (0.75 * first[name] + 0.25 * second[name]) + 0.25 * third[name]
        torch.testing.assert_close(found, expected)


def test_the_average_is_what_validation_measures_and_what_is_kept(corpus):
    options = {"targets": ["valence"]}
    training = {**TRAINING, "epochs": 3, "learning_rate": 0.3, "monitor": "val_loss"}
    fitted = corpus.fit(training={**training, "weight_average": 0.9}, **options)
    best = min(fitted.history, key=lambda epoch: epoch["val_loss"])
    dataset = corpus.window("val", **options)
    module = HeadModule(fitted.head, dataset.params.training, len(EMOTIONS), LossChoice())
    for index, batch in enumerate(load_batches(dataset)):
        module.validation_step(batch, index)
    assert module.measure_loss().item() == pytest.approx(best["val_loss"], abs=1e-5)
