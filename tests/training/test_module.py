import pytest
import torch

from pipeline.errors import ParamsError
from pipeline.heads.building import build_head
from pipeline.heads.losses import LossChoice, head_loss, inconsistency
from pipeline.training.module import HeadModule
from tests.stores import EMOTIONS, make_params
from tests.training.corpus_made import Corpus

TWICE = {"consistency": 3.0, "modality_dropout": 0.0}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return Corpus(tmp_path_factory.mktemp("corpus"))


def make_module(dataset):
    torch.manual_seed(0)
    head = build_head(dataset.params, dataset.shapes, dataset.per, len(EMOTIONS))
    return HeadModule(head, dataset.params.training, len(EMOTIONS), LossChoice())


def test_two_passes_without_dropout_lose_what_one_does(corpus):
    dataset = corpus.window("train", training=TWICE)
    module, batch = make_module(dataset).eval(), dataset[range(7)]
    expected = head_loss(module.head(batch.streams), batch.targets, batch.target_masks)
    torch.testing.assert_close(module.training_step(batch, 0), expected)


def test_two_passes_with_dropout_lose_their_mean_and_how_far_they_differ(corpus):
    dataset = corpus.window("train", training=TWICE)
    module, batch = make_module(dataset), dataset[range(7)]
    torch.manual_seed(1)
    torch.rand(7, 1)  # which modalities are withheld
    first, second = (module.head(batch.streams) for _ in range(2))
    losses = [head_loss(found, batch.targets, batch.target_masks) for found in (first, second)]
    apart = inconsistency(first, second, batch.target_masks)
    assert apart > 0
    torch.manual_seed(1)
    torch.testing.assert_close(module.training_step(batch, 0), sum(losses) / 2 + 3 * apart)


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
