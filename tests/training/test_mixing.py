import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from pipeline.errors import ParamsError
from pipeline.heads.reading import StreamRows
from pipeline.heads.training_params import LEAST_ALPHA, MixupParams
from pipeline.training.mixing import draw_share, match_rows, mix_windows, pair_windows
from tests.stores import make_params, make_stream


def rows_of(*windows: list[float]) -> StreamRows:
    """One number a row, padded with NaN, which reaches nothing."""
    series = [torch.tensor(window)[:, None] for window in windows]
    padded = torch.nn.utils.rnn.pad_sequence(series, batch_first=True, padding_value=torch.nan)
    return replace(make_stream(padded), mask=~padded[..., 0].isnan())


def list_rows(stream: StreamRows) -> list[list[float]]:
    windows = zip(stream.rows[..., 0], stream.mask, strict=True)
    return [rows[mask].tolist() for rows, mask in windows]


def masks(*words: str) -> Tensor:
    return torch.tensor([[letter == "x" for letter in word] for word in words])


def test_rows_are_mixed_with_those_at_the_same_part_of_a_longer_window():
    stream = rows_of([1.0, 2.0], [10.0, 20.0, 30.0, 40.0])
    mixed = mix_windows({"audio": stream}, torch.tensor([1, 0]), 0.75)["audio"]
    assert list_rows(mixed) == [[5.75, 11.5], [7.75, 15.25, 23.0, 30.5]]


def test_windows_that_keep_all_of_themselves_are_the_same():
    stream = rows_of([1.5, -2.0, 0.3], [0.7])
    mixed = mix_windows({"audio": stream}, torch.tensor([1, 0]), 1.0)["audio"]
    assert list_rows(mixed) == list_rows(stream)
    assert torch.equal(mixed.mask, stream.mask)


def test_rows_meet_rows_whatever_gaps_and_padding_lie_between():
    found = match_rows(masks("x.xx..", "xxxxx."), masks("..x.x.", ".x...."))
    assert found[0][masks("x.xx..")[0]].tolist() == [2, 4, 4]
    assert found[1][:5].tolist() == [1] * 5


def test_rows_of_any_shape_and_streams_without_rows_are_mixed():
    streams = {
        "face": make_stream(torch.randn(3, 5, 2, 7)),
        "text": make_stream(torch.ones(3, 0, 4)),
    }
    mixed = mix_windows(streams, torch.tensor([1, 2, 0]), 0.5)
    torch.testing.assert_close(
        mixed["face"].rows, (streams["face"].rows + streams["face"].rows[[1, 2, 0]]) / 2
    )
    assert mixed["text"].rows.shape == (3, 0, 4)


def test_partners_have_rows_in_the_same_streams():
    heard, seen = masks("x", "x", "x", ".", ".", "x"), masks("x", "x", ".", "x", "x", "x")
    streams = {
        name: replace(make_stream(torch.zeros(6, 1, 2)), mask=mask)
        for name, mask in (("audio", heard), ("face", seen))
    }
    drawn = torch.stack([pair_windows(streams) for _ in range(50)])
    both, alone, faces = drawn[:, [0, 1, 5]], drawn[:, 2], drawn[:, [3, 4]]
    assert set(alone.tolist()) == {2}
    for kind, members in ((both, {0, 1, 5}), (faces, {3, 4})):
        assert {frozenset(row) for row in kind.tolist()} == {frozenset(members)}
        assert len({tuple(row) for row in kind.tolist()}) > 1


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_so_many_of_the_batches_are_mixed(share):
    torch.manual_seed(0)
    drawn = torch.tensor([draw_share(MixupParams(alpha=0.5, share=share)) for _ in range(800)])
    assert (drawn < 1).float().mean().item() == pytest.approx(share, abs=0.05)
    # Beta(a, a) has the mean 1/2 and the variance 1 / (4 (2 a + 1)).
    assert drawn[drawn < 1].var().item() == pytest.approx(1 / 8, abs=0.03)


@pytest.mark.parametrize("alpha", [1e-300, 0.001, -1.0, 101.0])
def test_a_beta_that_cannot_be_drawn_from_is_refused(alpha):
    with pytest.raises(ParamsError, match="mixup"):
        make_params("mlp", {"audio": "audio"}, training={"mixup": {"alpha": alpha}})


def test_the_steepest_beta_is_drawn_from_as_it_is():
    torch.manual_seed(0)
    params = MixupParams(alpha=LEAST_ALPHA)
    drawn = torch.tensor([draw_share(params) for _ in range(1500)])
    # For small alpha, alpha / 2 (1 / x + 1 / (1 - x)) is its density away from 0 and 1.
    between = ((drawn > 0.01) & (drawn < 0.99)).float().mean().item()
    assert between == pytest.approx(LEAST_ALPHA * math.log(99), abs=0.02)
