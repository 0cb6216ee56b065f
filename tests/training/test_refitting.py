"""Heads trained anew on train and val together, by what was chosen."""

import pyarrow as pa
import pytest
import torch

from pipeline.errors import ParamsError
from pipeline.evaluation.table import HELD_OUT_SCHEMA
from pipeline.heads import linear
from pipeline.prediction.held_out import HELD_OUT
from pipeline.store.tables import read_table
from pipeline.training.fitting import begin_head
from pipeline.training.saving import train_head
from pipeline.windows.dataset import WindowDataset, load_batches
from tests.stores import ask, make_params
from tests.training.corpus_made import Corpus


def list_predicted(table: pa.Table) -> dict[str, list[float]]:
    """Split → what was predicted, row by row."""
    rows = table.to_pylist()
    return {
        split: [row["predicted"] for row in rows if row["split"] == split] for split in HELD_OUT
    }


@pytest.mark.parametrize("kind", ["linear", "mlp", "late_fusion"])
def test_a_head_that_is_refitted_says_of_val_what_it_said_before(tmp_path, kind):
    corpus = Corpus(tmp_path)
    options = {"join": "weights"} if kind == "late_fusion" else {}
    tables = []
    for refit in (False, True):
        training = {"epochs": 3, "learning_rate": 0.02, "batch": 8, "refit": refit}
        params = make_params(kind, {"audio": "audio"}, training=training, **options)
        train_head(ask(kind, params), tmp_path, corpus.labels, tmp_path / f"{kind}-{refit}")
        tables.append(read_table(tmp_path / f"{kind}-{refit}/predictions.parquet", HELD_OUT_SCHEMA))
    plain, refitted = map(list_predicted, tables)
    assert plain["val"] == refitted["val"]
    assert plain["test"] != refitted["test"]


def test_a_solved_head_is_refitted_by_the_strengths_that_were_chosen(tmp_path):
    corpus = Corpus(tmp_path)
    found = corpus.fit("linear", strengths=[10.0, 0.1], training={"refit": True})
    assert isinstance(found.chosen, linear.Head)
    dataset = WindowDataset({"audio": corpus.store}, corpus.labels, found.head.params)
    dataset.add_clips([name for name in corpus.labels.targets if not name.startswith("test")])
    own = begin_head(dataset, dataset)
    own.refit(load_batches(dataset), found.chosen)
    for name, value in own.state_dict().items():
        torch.testing.assert_close(found.head.state_dict()[name], value)
    assert set(found.chosen.chosen.values()) <= {10.0, 0.1}


def test_a_plateau_and_refitting_do_not_go_together():
    with pytest.raises(ParamsError, match="refit: nothing tells of a plateau where val is trained"):
        make_params("mlp", {"audio": "a"}, training={"refit": True, "schedule": "plateau"})
