"""Pictures as they are, for heads that train a trunk: colours or grey in [0, 1]."""

from jaxtyping import Float
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from pipeline.encoders.params import PixelsParams
from pipeline.encoders.shared.pictures import PictureEncoder, Preparation

FRAMES = 64
"""Pictures resized at once, which bounds the memory of a long clip."""


class Encoder(PictureEncoder):
    """Rows `(3, pixels, pixels)`, red first, or `(1, pixels, pixels)` with `grey`."""

    version = 1

    def __init__(self, params: PixelsParams, device: str = "cpu") -> None:
        square = (params.pixels, params.pixels)
        preparation = Preparation(square, square, shape="lost", interpolation="bilinear")
        network = weigh_colours if params.grey else keep_colours
        super().__init__(network, preparation, {}, device, FRAMES)


def keep_colours(pixels: Float[Tensor, "frames 3 _ _"]) -> Float[Tensor, "frames 3 _ _"]:
    """Pictures unchanged."""
    return pixels


def weigh_colours(pixels: Float[Tensor, "frames 3 _ _"]) -> Float[Tensor, "frames 1 _ _"]:
    """Luma of pictures (ITU-R BT.601)."""
    grey: Tensor = F.rgb_to_grayscale(pixels)
    return grey
