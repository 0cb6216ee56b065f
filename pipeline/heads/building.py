"""Building heads: untrained from params, or trained from their folder."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch.nn.modules.module import (
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)

from pipeline.errors import MoodlineError, ParamsError, StoreError
from pipeline.files import open_regular
from pipeline.heads.base import Head
from pipeline.heads.context import add_contexts
from pipeline.heads.normalisation import ALL, PREFIX, find_standards
from pipeline.heads.outputs import head_outputs
from pipeline.heads.params import HEADS
from pipeline.heads.recipes import Recipe, read_recipe, refuse_options
from pipeline.heads.shared.params import HeadParams, Per
from pipeline.modalities import RowShape
from pipeline.sections import parse_section

MODULES_A_TENSOR = 10
"""Of a trained head, parameters among them, with SPARE_MODULES for a small one: about two are
usual."""

SPARE_MODULES = 200


def build_head(
    params: HeadParams, shapes: Mapping[str, RowShape], per: Mapping[str, Per], classes: int
) -> Head:
    """Head of the kind that `params` name, untrained.

    `shapes` are those of its feature sets, by stream; turns around clips have the same.
    """
    outputs = head_outputs(params.targets, params.coordinates, classes, per=per)
    read = add_contexts(shapes, params.windows)
    head: Head = HEADS.load(params.kind).Head(params, read, outputs)
    return head


def load_heads(folder: Path) -> tuple[Recipe, HeadParams, dict[str, Head]]:
    """Recipe, params and, by run, the trained heads in `folder`, ready to predict.

    Raises StoreError where the recipe is none of this version, or the weights are not of its head.
    """
    recipe = read_recipe(folder)
    params = _parse_params(folder, recipe)
    try:
        tensors = _group_runs(read_weights(folder / "model.safetensors"))
        heads = {run: _load_run(recipe, params, tensors.get(run, {})) for run in recipe.priors}
    except _UNFIT as error:
        told = " ".join(str(error).split())
        raise StoreError(
            f"{folder}: expected the weights of the head in its recipe, got others ({told}); run "
            f"`dvc checkout`, or `dvc repro` to train it anew"
        ) from error
    return recipe, params, heads


_UNFIT = (MoodlineError, RuntimeError, SafetensorError, OSError, TypeError, IndexError)
"""What is raised over a file that is none of weights, or over weights of another head."""


def _parse_params(folder: Path, recipe: Recipe) -> HeadParams:
    """Params of the head in `folder`, whose recipe says what each target is predicted per."""
    try:
        params = parse_section(HEADS.find(recipe.kind).params, recipe.params, "params")
    except ParamsError as error:
        raise refuse_options(folder, recipe, error) from error
    if absent := set(params.targets) - recipe.per.keys():
        raise StoreError(
            f"{folder}/recipe.json: per: expected an entry for {min(absent)}, got none; "
            f"`dvc checkout` it"
        )
    return params


def _load_run(recipe: Recipe, params: HeadParams, tensors: Mapping[str, torch.Tensor]) -> Head:
    """Head of one run, from its own `tensors`, ready to predict."""
    shapes = {stream: source.shape for stream, source in recipe.inputs.items()}
    # No memory, whatever a recipe asks for, but for modules themselves.
    with torch.device("meta"), _limit_modules(len(tensors)):
        head = build_head(params, shapes, recipe.per, len(recipe.emotions))
    weights = {name: tensors[name] for name in tensors if not name.startswith(PREFIX)}
    _check_numbers(weights, head.state_dict())
    head.load_state_dict(weights, assign=True)
    head.standards = find_standards(tensors, add_contexts(shapes, params.windows))
    if (params.normalisation != "train") != (ALL in head.standards):
        raise StoreError(
            f"its moments of corpora: {sorted(head.standards)}, by params that say normalisation "
            f"{params.normalisation}"
        )
    return head.float().eval()


def _check_numbers(weights: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor]) -> None:
    """Raise StoreError for a tensor of another type than the head's `own`, or of NaN or infinity.

    PyTorch takes complex numbers where it is to assign them, and fails where it multiplies.
    """
    for name, tensor in weights.items():
        if name in own and tensor.dtype != own[name].dtype:
            raise StoreError(f"{name}: expected {own[name].dtype}, got {tensor.dtype}")
        if not tensor.isfinite().all():
            raise StoreError(f"{name}: expected finite numbers, got others")


@contextmanager
def _limit_modules(tensors: int) -> Iterator[None]:
    """Within this, a head of far more modules than so many weights are for raises ParamsError.

    A recipe of a kilobyte may ask for four hundred heads of a hundred layers, which take an hour.
    """
    room = SPARE_MODULES + MODULES_A_TENSOR * tensors

    def count(*_: object) -> None:
        nonlocal room
        room -= 1
        if room < 0:
            raise ParamsError(f"a head of more modules than {tensors:,} tensors are for")

    hooks = [
        register_module_module_registration_hook(count),
        register_module_parameter_registration_hook(count),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Tensors of the safetensors file at `path`; raises OSError for what is no file."""
    with open_regular(path):  # a pipe would be waited for
        return load_file(path)


def _group_runs(tensors: Mapping[str, torch.Tensor]) -> dict[str, dict[str, torch.Tensor]]:
    """Run → its tensors, each by its name in the head."""
    runs: dict[str, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        run, _, own = name.partition("/")
        runs.setdefault(run, {})[own] = tensor
    return runs
