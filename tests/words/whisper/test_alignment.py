import numpy as np
import pytest
import torch

from pipeline.words.whisper.alignment import Spoken, find_path
from tests.whispers import list_tokens, make_listener, make_noise, save_listener


def test_a_path_follows_what_costs_least() -> None:
    costs = np.ones((3, 7))
    costs[0, :2] = costs[1, 2:5] = costs[2, 5:] = 0.0
    assert find_path(costs) == [0, 2, 5]


def test_more_tokens_than_steps_share_a_step() -> None:
    assert find_path(np.zeros((3, 1))) == [0, 0, 0]


@pytest.mark.parametrize("seed", range(5))
def test_no_other_path_costs_less(seed: int) -> None:
    costs = np.random.default_rng(seed).normal(size=(3, 5))
    first = find_path(costs)
    assert cost_of(costs, first) == pytest.approx(search(costs))


def cost_of(costs: np.ndarray, first: list[int]) -> float:
    """Cost of the way of these first steps: each token lasts until the next, or a step longer."""
    ends = [*first[1:], costs.shape[1]]
    last = [(end - 1, end) for end in ends[:-1]] + [(ends[-1] - 1,)]
    return sum(
        min(costs[token, first[token] : end + 1].sum() for end in choices if end >= first[token])
        for token, choices in enumerate(last)
    )


def search(costs: np.ndarray, token: int = 0, step: int = 0) -> float:
    """Least cost of all ways from a token and a step to the last ones, each tried."""
    tokens, steps = costs.shape
    if token >= tokens or step >= steps:
        return float("inf")
    if (token, step) == (tokens - 1, steps - 1):
        return float(costs[token, step])
    ways = ((token + 1, step + 1), (token + 1, step), (token, step + 1))
    return float(costs[token, step]) + min(search(costs, *way) for way in ways)


def test_tokens_begin_in_order_and_alike_in_a_batch() -> None:
    tokens, listener = list_tokens(True), make_listener(save_listener(), times="word")
    prompt = (tokens["<|startoftranscript|>"], tokens["<|pt|>"], tokens["<|transcribe|>"])
    spoken = [Spoken(prompt, tuple(range(count)), steps) for count, steps in ((2, 41), (9, 23))]
    aligner, waves = listener.aligner, [make_noise(1.0, seed).samples for seed in (3, 5)]
    assert aligner is not None
    with torch.inference_mode():
        states = listener._encode(waves)
        together = aligner.align(states, spoken)
        alone = [aligner.align(states[n : n + 1], [spoken[n]])[0] for n in (0, 1)]
    assert together == alone
    for begins, own in zip(together, spoken, strict=True):
        assert len(begins) == len(own.tokens) + 1
        assert begins == sorted(begins)
        assert begins[-1] < own.steps
