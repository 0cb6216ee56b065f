"""Encoders of pictures whose weights are one file."""

from pathlib import Path

from torch import Tensor, nn

from pipeline.encoders.params import CheckpointParams
from pipeline.encoders.shared.pictures import PictureEncoder, Preparation, choose_layout
from pipeline.errors import ParamsError
from pipeline.files import digest_file
from pipeline.networks.pretrained import DTYPES


class CheckpointEncoder(PictureEncoder):
    """One row per frame, by a network with the weights of one file."""

    def __init__(
        self, model: nn.Module, preparation: Preparation, params: CheckpointParams, device: str
    ) -> None:
        dtype, layout = DTYPES[params.precision], choose_layout(model)
        model.to(device=device, dtype=dtype, memory_format=layout)  # type: ignore[call-overload]

        def run(pixels: Tensor) -> Tensor:
            output: Tensor = model(pixels.to(dtype).contiguous(memory_format=layout))
            return output

        digest = digest_file(find_checkpoint(params.weights))
        super().__init__(run, preparation, {"weights_digest": digest}, device, params.frames)


def find_checkpoint(weights: str) -> Path:
    """File of the weights; raises ParamsError where it is not there."""
    path = Path(weights)
    if not path.is_file():
        raise ParamsError(
            f"weights {weights!r}: expected the file of a checkpoint, found none; download "
            f"it to there, or give as weights where it lies"
        )
    return path
