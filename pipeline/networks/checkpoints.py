"""Checkpoints: one file of PyTorch weights, read as tensors alone and named by its bytes."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from pipeline.errors import ParamsError
from pipeline.networks.pretrained import check_names, check_records, limit_loading

STATES = ("state_dict", "net_state_dict")
"""Names under which training scripts keep the weights beside what else they save."""


def read_state(path: Path) -> dict[str, Tensor]:
    """Weights by their names, without the prefix that DataParallel adds.

    Nothing in the file is run. Raises ParamsError where it holds no state dict.
    """
    whole = open_checkpoint(path)
    held: dict[str, Any] = whole if isinstance(whole, dict) else {}
    state: dict[str, Any] = next((held[name] for name in STATES if name in held), held)
    if not state or not all(isinstance(weight, Tensor) for weight in state.values()):
        raise ParamsError(
            f"weights {path}: expected a state dict, alone or as {' or '.join(STATES)}, got "
            f"{', '.join(map(repr, held)) or type(whole).__name__}; save the network's "
            f"`state_dict()` to a file of its own"
        )
    return {name.removeprefix("module."): weight for name, weight in state.items()}


def open_checkpoint(path: Path) -> Any:
    """What is in the file; raises ParamsError where neither library can read it."""
    try:
        return load_file(path) if path.suffix == ".safetensors" else read_pickled(path)
    except Exception as error:  # a damaged pickle raises almost anything
        raise ParamsError(
            f"weights {path}: expected a file of PyTorch or safetensors, got one that cannot be "
            f"read as tensors alone; fetch it again, or save the network's `state_dict()`"
        ) from error


class Ignored:
    """Stands for any object in a checkpoint that is no tensor, such as a log of training."""

    def __new__(cls, *_: Any) -> "Ignored":
        """An empty one, whatever the file would make it of."""
        return super().__new__(cls)

    def __setstate__(self, _: Any) -> None: ...


def read_pickled(path: Path) -> Any:
    """What `torch.save` wrote; objects of other classes than tensors come back as `Ignored`."""
    check_records(path)
    try:
        others = get_unsafe_globals_in_checkpoint(path)
    except ValueError:  # written before PyTorch 1.6, in a form that cannot be looked through
        others = []
    with safe_globals([(Ignored, name) for name in others]), limit_loading(path.stat().st_size):
        return torch.load(path, map_location="cpu", weights_only=True)


def fill_network(model: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Freeze `model` with exactly the weights in `state`; raises ParamsError for any other."""
    network = type(model).__name__
    try:
        report = model.load_state_dict(state, strict=False)
    except RuntimeError as error:  # a list of all that differ in shape
        raise ParamsError(
            f"weights {path}: expected those of {network}, got "
            f"{str(error).splitlines()[-1].strip()!r}; choose a checkpoint of this network"
        ) from error
    check_names(path, network, report.missing_keys, report.unexpected_keys)
    model.eval().requires_grad_(False)
