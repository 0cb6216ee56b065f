"""Networks of timm, loaded from a folder as timm saves them for the Hub."""

import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import shorten
from typing import Any

import timm
from safetensors import SafetensorError
from timm.models import load_state_dict, model_entrypoint
from torch import Tensor

from pipeline.errors import ParamsError
from pipeline.networks.pretrained import check_counts, check_names, limit_numbers


def load_model(folder: Path) -> Any:
    """Frozen network without classifier; raises ParamsError where the folder holds another."""
    check_counts(folder)
    try:
        weights = find_weights(folder)
        with limit_numbers(folder):
            model: Any = timm.create_model(f"local-dir:{folder}", num_classes=0)
            state = load_state_dict(str(weights))
            report = model.load_state_dict(update_names(state, model), strict=False)
    except (
        *(KeyError, MemoryError, OSError, RuntimeError),
        *(TypeError, ValueError, SafetensorError),
    ) as error:
        raise ParamsError(
            f"weights {folder}: expected config.json and weights as timm saves them for the Hub, "
            f"got {shorten(repr(error), 200)}; mend the folder or choose others"
        ) from error
    heads = model.pretrained_cfg.get("classifier") or ()
    spare = tuple(f"{head}." for head in ([heads] if isinstance(heads, str) else heads))
    unexpected = [name for name in report.unexpected_keys if not name.startswith(spare)]
    check_names(folder, type(model).__name__, report.missing_keys, unexpected)
    return model.eval().requires_grad_(False)


def find_weights(folder: Path) -> Path:
    """File that the digest covers: safetensors, else PyTorch's own."""
    for path in (folder / "model.safetensors", folder / "pytorch_model.bin"):
        if path.is_file():
            return path
    raise FileNotFoundError("neither model.safetensors nor pytorch_model.bin")


def update_names(state: dict[str, Tensor], model: Any) -> dict[str, Tensor]:
    """Weights under today's names, by the filter of the architecture's module if it has one."""
    entry = model_entrypoint(model.pretrained_cfg["architecture"])
    update: Callable[..., dict[str, Tensor]] | None = getattr(
        sys.modules[entry.__module__], "checkpoint_filter_fn", None
    )
    return update(state, model) if update else state
