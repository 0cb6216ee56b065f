"""Any Hugging Face network of video, such as VideoMAE: runs of frames → mean of hidden states."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import transformers
from jaxtyping import Float, UInt8
from torch import Tensor

from pipeline.encoders.params import HuggingfaceVideoParams
from pipeline.encoders.shared.frame_runs import FrameRunEncoder, plan_run
from pipeline.encoders.shared.pictures import Preparation
from pipeline.encoders.shared.preprocessors import find_preparation, read_preparation
from pipeline.errors import ParamsError
from pipeline.networks.layers import number_layers, stack_layers
from pipeline.networks.pretrained import Pretrained, check_names, load_loosely, load_pretrained
from pipeline.rows import FrameRun


class Encoder(FrameRunEncoder):
    """One row per run of frames: `(dim,)`, or `(layers, dim)` for a list or all.

    Pictures are prepared as the checkpoint's preprocessor_config.json says.
    """

    version = 1

    def __init__(self, params: HuggingfaceVideoParams, device: str = "cpu") -> None:
        pretrained = Pretrained(params)
        config = load_config(pretrained.folder)
        run = plan_run(params, config.num_frames)
        model = load_network(pretrained, config, run).to(device)
        prefix = sum(name.endswith("cls_token") for name in model.state_dict())

        def see(runs: Float[Tensor, "runs time 3 _ _"]) -> Float[Tensor, "runs *row"]:
            output = model(
                pixel_values=runs.to(model.dtype), output_hidden_states=params.layer is not None
            )
            if params.layer is None:
                return average_places(output.last_hidden_state, prefix)[:, 0]
            number_layers(params.layer, len(output.hidden_states) - 1)
            means = [average_places(state, prefix) for state in output.hidden_states]
            return stack_layers(params.layer, means)[:, 0]

        super().__init__(
            see,
            load_preparation(pretrained.folder),
            pretrained.provenance,
            run,
            device=device,
            frames=params.frames,
        )


def average_places(
    state: Float[Tensor, "runs tokens dim"], prefix: int
) -> Float[Tensor, "runs 1 dim"]:
    """Mean over the tokens behind the first `prefix`."""
    return state[:, prefix:].mean(1, keepdim=True)


def load_config(folder: Path) -> Any:
    """Configuration of a checkpoint; raises ParamsError where it is of no network of video."""
    config = load_pretrained(transformers.AutoConfig, folder)
    if not hasattr(config, "num_frames"):
        raise ParamsError(
            f"weights {folder}: expected a network of video, whose config.json has num_frames, got "
            f"{type(config).__name__}; choose another checkpoint, or `huggingface_vision`"
        )
    return config


def load_network(pretrained: Pretrained, config: Any, run: FrameRun) -> Any:
    """Frozen network for runs of so many frames, without a head that the checkpoint may have.

    Raises ParamsError for other weights than the network's, and for frames that it has no
    positions for.
    """
    own, config.num_frames = config.num_frames, run.frames
    tube = int(np.ravel(getattr(config, "tubelet_size", 1))[0])
    if run.frames % tube:
        raise ParamsError(f"frames_per_run: expected a multiple of {tube}, got {run.frames}")
    loaded = load_loosely(pretrained, config)
    network = type(loaded.model).__name__
    if loaded.unfit and run.frames != own:
        raise ParamsError(
            f"frames_per_run: expected {own}, for which {network} has learned positions, got "
            f"{run.frames}; leave it out"
        )
    missing = [name for name in loaded.missing if not name.startswith("pooler.")]
    check_names(pretrained.folder, network, [*missing, *loaded.unfit], loaded.unexpected)
    return pretrained.freeze(loaded.model)


def load_preparation(folder: Path) -> Preparation:
    """What the preprocessor in `folder` does; raises ParamsError where it does anything else."""
    processor = load_pretrained(transformers.AutoVideoProcessor, folder)

    def prepare(images: Sequence[UInt8[np.ndarray, "3 _ _"]], **options: Any) -> dict[str, Tensor]:
        run = np.stack(images)
        return {"pixel_values": processor([run], **options)["pixel_values"][0]}

    def read() -> Iterator[Preparation]:
        plain = read_preparation(processor)
        yield plain
        yield lower_levels(plain, processor)

    return find_preparation(folder, processor, prepare, read)


def lower_levels(preparation: Preparation, processor: Any) -> Preparation:
    """The same for a preprocessor that takes 1 from the rescaled levels (ViViT's)."""
    one = 1 / (255 * processor.rescale_factor)
    return replace(preparation, mean=tuple(value + one for value in preparation.mean))
