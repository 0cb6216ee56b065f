import torch

from pipeline.heads.shared.positions import time_positions


def test_time_positions_are_sine_and_cosine_of_the_second() -> None:
    first, later = time_positions(torch.tensor([[0.0, 0.5]]), 5)[0]
    torch.testing.assert_close(first, torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0]))
    torch.testing.assert_close(later[:2], torch.tensor([1.0, 0.0]), atol=1e-6, rtol=0)


def test_rows_of_one_time_have_one_position_whatever_their_rate() -> None:
    slow = time_positions(torch.tensor([[0.5, 1.5, 2.5]]), 24)
    fast = time_positions(torch.tensor([[0.5, 1.0, 1.5, 2.0, 2.5]]), 24)
    torch.testing.assert_close(slow, fast[:, ::2])
