import pytest
import torch

from pipeline.heads.base import Output
from pipeline.heads.params import HEADS
from pipeline.heads.pooling import POOLS, masked_mean
from pipeline.modalities import RowShape
from tests.stores import make_params, make_stream


def test_masked_mean_is_the_mean_of_kept_rows() -> None:
    rows = torch.tensor([[[1.0, 10.0], [3.0, 30.0], [float("nan"), 0.0]]])
    mean = masked_mean(rows, torch.tensor([[True, True, False]]))
    assert mean.tolist() == [[2.0, 20.0]]


def test_masked_mean_of_nothing_is_zero() -> None:
    mean = masked_mean(torch.ones(2, 3, 5), torch.zeros(2, 3, dtype=torch.bool))
    assert mean.tolist() == [[0.0] * 5] * 2


def test_statistics_are_means_and_deviations_of_the_rows_that_are_there() -> None:
    rows = torch.tensor([[[1.0, 5.0], [3.0, 5.0], [9.0, 9.0]]])
    stream = make_stream(rows)
    stream.mask[0, 2] = False
    found, present = POOLS["statistics"](2)(stream, "clip")
    torch.testing.assert_close(found, torch.tensor([[2.0, 5.0, 1.0, 1e-3]]))
    assert present.tolist() == [True]


def test_a_frame_is_a_row_that_does_not_vary() -> None:
    found, _ = POOLS["statistics"](2)(make_stream(torch.tensor([[[1.0, 5.0]]])), "frame")
    assert found.tolist() == [[[1.0, 5.0, 0.0, 0.0]]]


def test_attention_begins_with_the_mean_and_goes_by_its_query() -> None:
    pool, stream = POOLS["attention"](2), make_stream(torch.tensor([[[0.0, 2.0], [4.0, 0.0]]]))
    assert pool(stream, "clip")[0].tolist() == [[2.0, 1.0]]
    with torch.no_grad():
        pool.get_parameter("query").copy_(torch.tensor([99.0, 0.0]))
    torch.testing.assert_close(pool(stream, "clip")[0], torch.tensor([[4.0, 0.0]]))


@pytest.mark.parametrize("pooling", POOLS)
@pytest.mark.parametrize("kind", ["mlp", "gated", "lstm", "late_transformer"])
def test_a_clip_is_pooled_without_its_padding(kind: str, pooling: str) -> None:
    torch.manual_seed(3)
    params = make_params(kind, {"audio": "set"}, pooling=pooling, width=8)
    head = HEADS.load(kind).Head(
        params, {"audio": RowShape.of((3,))}, [Output("valence", 1, "clip")]
    )
    rows = torch.randn(2, 5, 3)
    padded = make_stream(rows)
    padded.mask[:, 3:] = False
    found, alone = (head.eval()({"audio": each}) for each in (padded, make_stream(rows[:, :3])))
    torch.testing.assert_close(found, alone)
