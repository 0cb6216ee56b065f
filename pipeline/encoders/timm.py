"""Any timm model: pictures → pooled features, tokens, or the map of a stage."""

import warnings
from functools import partial
from typing import Any, Literal, cast

import torch
from jaxtyping import Float
from timm.data.config import resolve_model_data_config
from torch import Tensor

from pipeline.encoders.params import TimmParams
from pipeline.encoders.shared.pictures import Network, PictureEncoder, Preparation, choose_layout
from pipeline.errors import ParamsError
from pipeline.networks.pretrained import Pretrained
from pipeline.networks.timm import load_model

CROPS: dict[str, Literal["kept", "lost"]] = {"center": "kept", "squash": "lost"}
"""timm's crop modes."""


class Encoder(PictureEncoder):
    """One row per frame, at the input size and preparation of the checkpoint."""

    version = 1

    def __init__(self, params: TimmParams, device: str = "cpu") -> None:
        pretrained = Pretrained(params)
        model = load_model(pretrained.folder)
        preparation = read_preparation(model).for_pixels(params.pixels)
        if params.pixels is not None:
            resize_input(model, params.pixels)
        layout = choose_layout(model)
        model.to(device=device, dtype=pretrained.dtype, memory_format=layout)
        take = choose_output(model, params)
        take = torch.compile(take) if params.compile else take

        def run(pixels: Float[Tensor, "frames 3 _ _"]) -> Float[Tensor, "frames *row"]:
            return take(pixels.to(pretrained.dtype).contiguous(memory_format=layout))

        super().__init__(run, preparation, pretrained.provenance, device, params.frames)


def read_preparation(model: Any) -> Preparation:
    """Preprocessing of the checkpoint, as timm evaluates it."""
    config: dict[str, Any] = resolve_model_data_config(model)  # type: ignore[no-untyped-call]
    channels, *crop = config["input_size"]
    if channels != 3 or config["crop_mode"] not in CROPS:
        raise ParamsError(
            f"preprocessing: expected 3 channels and crop mode {' or '.join(CROPS)}, got "
            f"{channels} and {config['crop_mode']}; choose another checkpoint"
        )
    height, width = crop
    return Preparation(
        size=(int(height / config["crop_pct"]), int(width / config["crop_pct"])),
        crop=(height, width),
        shape=CROPS[config["crop_mode"]],
        interpolation=config["interpolation"],
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        halves="even",
    )


def resize_input(model: Any, pixels: int) -> None:
    """Make a network of fixed input size take squares of `pixels`; others take them anyway."""
    if not model.pretrained_cfg.get("fixed_input_size"):
        return
    if not hasattr(model, "set_input_size"):
        raise ParamsError(
            f"pixels: expected a network whose input can be resized, got {type(model).__name__}; "
            f"leave pixels out, or choose another"
        )
    patch = max(model.patch_embed.patch_size)
    if pixels % patch:
        raise ParamsError(f"pixels: expected a multiple of {patch}, got {pixels}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # timm's own, at every resizing of position biases
        model.set_input_size(img_size=(pixels, pixels))


def choose_output(model: Any, params: TimmParams) -> Network:
    """What `params` asks for, of the network; raises ParamsError where it has none."""
    if params.output == "pooled":
        return cast(Network, model)
    if params.output == "tokens":
        return partial(list_tokens, model)
    stages = len(getattr(model, "feature_info", ()))
    if params.stage is None or not -stages <= params.stage < stages:
        raise ParamsError(f"stage: expected {-stages} to {stages - 1}, got {params.stage}")
    return partial(map_stage, model, params.stage)


def list_tokens(
    model: Any, pixels: Float[Tensor, "frames 3 _ _"]
) -> Float[Tensor, "frames tokens dim"]:
    """Tokens of the last layer, or the places of the last map, row by row."""
    features: Tensor = model.forward_features(pixels)
    prefix = getattr(model, "num_prefix_tokens", None if hasattr(model, "cls_token") else 0)
    if isinstance(features, Tensor) and features.ndim == 4:
        last = getattr(model, "output_fmt", "NCHW") == "NHWC"
        features = features.flatten(1, 2) if last else features.flatten(2).transpose(1, 2)
    shape = getattr(features, "shape", ())
    if prefix is None or shape[2:] != (model.num_features,):
        raise ParamsError(
            f"output: expected a network that tells which of its tokens are of the picture, got "
            f"{type(model).__name__}; choose `pooled` or `stage`"
        )
    return features[:, prefix:]


def map_stage(
    model: Any, stage: int, pixels: Float[Tensor, "frames 3 _ _"]
) -> Float[Tensor, "frames channels height width"]:
    """Map after a stage; later ones are not run."""
    maps = model.forward_intermediates(
        pixels, indices=[stage], output_fmt="NCHW", intermediates_only=True, stop_early=True
    )
    found: Tensor = maps[0]
    return found
