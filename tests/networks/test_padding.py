import torch
from torch import nn

from pipeline.networks.padding import FrontNorm, mask_padding


class Layer(nn.Module):
    """The first layer of a front end."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 6, kernel_size=10, stride=5)
        self.layer_norm = norm

    def forward(self, samples):
        return self.layer_norm(self.conv(samples))


@torch.inference_mode()
def test_what_pads_a_sound_changes_no_frame_of_it():
    torch.manual_seed(1)
    layer = Layer(nn.GroupNorm(6, 6))
    sounds = [torch.randn(length) for length in (57, 31, 15)]
    norm = FrontNorm(layer)
    norm.expect([57, 31, 15])
    together = layer(nn.utils.rnn.pad_sequence(sounds, batch_first=True)[:, None])
    for sound, some in zip(sounds, together, strict=True):
        norm.expect([len(sound)])
        alone = layer(sound[None, None])[0]
        torch.testing.assert_close(some[:, : alone.shape[1]], alone)


def test_a_norm_of_each_frame_is_left_as_it_is():
    layer = Layer(nn.Identity())
    FrontNorm(layer).expect([57, 31])
    assert isinstance(layer.layer_norm, nn.Identity)


def test_a_mask_tells_sound_from_padding():
    assert mask_padding([2, 3], torch.device("cpu")).tolist() == [[1, 1, 0], [1, 1, 1]]
    assert mask_padding([3, 3], torch.device("cpu")) is None
