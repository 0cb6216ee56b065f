import pytest
import torch
from torch import nn

from pipeline.errors import ParamsError
from pipeline.networks.states import HiddenStates

START = torch.ones(1, 2, 3)


class Doubling(nn.Module):
    """Gives twice what it is given, alone or with something beside it."""

    def __init__(self, *, beside: bool) -> None:
        super().__init__()
        self.beside = beside

    def forward(self, states):
        return (states * 2, None) if self.beside else states * 2


def run(blocks, states):
    for block in blocks:
        states = block(states)
        states = states[0] if isinstance(states, tuple) else states
    return -states


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize(
    ("layers", "values"),
    [(-1, [-8]), (0, [1]), (2, [4]), ([0, -2], [1, 4]), ("all", [1, 2, 4, -8])],
)
def test_asked_layers_are_collected_and_the_last_is_the_output(layers, values, beside):
    blocks = nn.ModuleList(Doubling(beside=beside) for _ in range(3))
    states = HiddenStates(blocks, layers)
    found = states.collect(lambda some: some, run(blocks, START))
    single = isinstance(layers, int)
    assert found.shape == ((1, 2, 3) if single else (1, 2, len(values), 3))
    assert found[0, 0].reshape(len(values), 3)[:, 0].tolist() == values
    assert not states.caught


@pytest.mark.parametrize(("layers", "blocks"), [(-1, 5), (0, 1), (2, 2), ([1, 3], 3), ("all", 5)])
def test_blocks_behind_the_last_asked_layer_are_taken_out(layers, blocks):
    found = nn.ModuleList(Doubling(beside=False) for _ in range(5))
    HiddenStates(found, layers)
    assert len(found) == blocks


def test_a_layer_that_is_not_there_is_refused():
    with pytest.raises(ParamsError, match="layer: expected -3 to 2, got 3"):
        HiddenStates(nn.ModuleList(Doubling(beside=False) for _ in range(2)), 3)
