"""torchvision's networks of video: runs of frames → what the classifier would see."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torchvision
from jaxtyping import Float, Shaped, UInt8
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision.models import video

from pipeline.encoders.params import TorchvisionVideoParams
from pipeline.encoders.shared.frame_runs import FrameRunEncoder, plan_run
from pipeline.encoders.shared.pictures import Preparation
from pipeline.errors import ParamsError
from pipeline.families import suggest
from pipeline.files import digest_file
from pipeline.networks.checkpoints import fill_network, read_state
from pipeline.networks.pretrained import DTYPES


@dataclass(frozen=True)
class Kind:
    """Name of a network's classifier, and the frames of a run that its weights were judged by."""

    head: str
    frames: int


KINDS = {
    video.MViT: Kind("head", 16),
    video.S3D: Kind("classifier", 128),
    video.SwinTransformer3d: Kind("head", 32),
    video.VideoResNet: Kind("fc", 16),
}


@dataclass(frozen=True)
class Unsmoothed(Preparation):
    """Preparation that does not smooth what it shrinks, as these weights were trained with."""

    @property
    def provenance(self) -> dict[str, Any]:
        """All constants, as JSON."""
        return {**super().provenance, "smoothed": False}

    def resize(
        self, images: UInt8[Tensor, "frames 3 _ _"]
    ) -> Float[Tensor, "frames 3 height width"]:
        """Pictures of the network's input size, in whole levels of colour."""
        size, bytewise = self._measure(*images.shape[2:]), images.device.type == "cpu"
        given: Shaped[Tensor, "frames 3 _ _"] = images if bytewise else images.float()
        resized = interpolate(given, size, mode=self.interpolation)
        return super().resize(resized if bytewise else resized.round().clamp(0, 255).byte())


class Encoder(FrameRunEncoder):
    """One row per run of frames."""

    version = 1

    def __init__(self, params: TorchvisionVideoParams, device: str = "cpu") -> None:
        path, dtype = place_weights(params), DTYPES[params.precision]
        model = load_model(params.model, path).to(device, dtype)
        preparation = read_preparation(params.model).for_pixels(params.pixels)

        def see(runs: Float[Tensor, "runs time 3 _ _"]) -> Float[Tensor, "runs dim"]:
            seen: Tensor = model(runs.to(dtype).transpose(1, 2).contiguous())
            return seen

        super().__init__(
            see,
            preparation,
            {"weights_digest": digest_file(path)},
            plan_run(params, KINDS[type(model)].frames),
            device=device,
            frames=params.frames,
        )


def place_weights(params: TorchvisionVideoParams) -> Path:
    """File of the weights; raises ParamsError that says how to get it."""
    known = find_weights(params.model)
    named = known.get(params.weights)
    path = Path(params.weights)
    if named is not None:
        path = Path(torch.hub.get_dir(), "checkpoints", Path(named.url).name)
    if not path.is_file():
        address = (named or known["DEFAULT"]).url
        raise ParamsError(
            f"weights {params.weights!r}: expected the file {path}, found none; download "
            f"{address} to there, or give as weights where it lies"
        )
    return path


def find_weights(model: str) -> Mapping[str, Any]:
    """Weights that torchvision has for one of its networks of video, by their names.

    Raises ParamsError for another network, which lists the known ones.
    """
    known = torchvision.models.list_models(module=video)
    if model not in known:
        raise ParamsError(f"unknown model {model!r}; {suggest(model, known)}")
    weights: Mapping[str, Any] = torchvision.models.get_model_weights(model).__members__
    return weights


def read_preparation(model: str) -> Preparation:
    """How torchvision prepares pictures for all weights of a network."""
    transforms = find_weights(model)["DEFAULT"].transforms()
    edges = transforms.resize_size
    return Unsmoothed(
        size=(edges[0], edges[-1]),
        crop=tuple(transforms.crop_size),
        shape="lost" if len(edges) > 1 else "kept",
        interpolation=transforms.interpolation.value,
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
        halves="even",
    )


def load_model(name: str, path: Path) -> nn.Module:
    """Frozen network without its classifier; raises ParamsError where the file is not its own."""
    with torch.device("meta"):
        model: nn.Module = torchvision.models.get_model(name)
    head = KINDS[type(model)].head
    setattr(model, head, nn.Identity())
    state = read_state(path)
    own = {key: weight for key, weight in state.items() if not key.startswith(f"{head}.")}
    fill_network(model.to_empty(device="cpu"), own, path)
    return model
