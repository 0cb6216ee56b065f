"""The device that networks run on: what goes there, and how full it is."""

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor


def move(
    array: Shaped[np.ndarray, "*shape"],
    device: str | torch.device,
    dtype: torch.dtype | None = None,
) -> Shaped[Tensor, "*shape"]:
    """`array` on `device`; a GPU takes it in while it computes what came before."""
    tensor = torch.from_numpy(array)
    if torch.device(device).type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, dtype, non_blocking=True)


def measure_fill(device: str) -> float | None:
    """Most that was ever held of a GPU's memory, as a share of it; None for a processor."""
    if device != "cuda":
        return None
    _, total = torch.cuda.mem_get_info()
    return torch.cuda.max_memory_reserved() / total
