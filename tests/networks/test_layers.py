import pytest
import torch

from pipeline.errors import ParamsError
from pipeline.networks.layers import number_layers, shape_layers, stack_layers

STATES = [torch.full((2, 5, 3), float(layer)) for layer in range(4)]


@pytest.mark.parametrize(
    ("layers", "found", "shape"),
    [(-1, [3], (3,)), (0, [0], (3,)), ([0, -2], [0, 2], (2, 3)), ("all", [0, 1, 2, 3], (4, 3))],
)
def test_layers_are_counted_as_hidden_states(layers, found, shape):
    assert number_layers(layers, 3) == found
    assert shape_layers(layers, 3, 3) == shape
    stacked = stack_layers(layers, STATES)
    assert stacked.shape == (2, 5, *shape)
    assert stacked[0, 0].reshape(len(found), 3)[:, 0].tolist() == found


@pytest.mark.parametrize("layers", [4, -5, [0, 4]])
def test_a_layer_beyond_the_network_is_refused(layers):
    with pytest.raises(ParamsError, match="layer: expected -4 to 3, got"):
        number_layers(layers, 3)
