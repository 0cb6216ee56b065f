"""Optimisers: what takes a head's parameters downhill, and how fast at which step."""

import math
import sys
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from inspect import unwrap
from typing import Any, Literal

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from pipeline.errors import TrainingError
from pipeline.evaluation.metrics import METRICS, name_metrics
from pipeline.heads.training_params import SCORE, TrainingParams
from pipeline.targets import TARGETS


def choose_mode(monitor: str) -> Literal["min", "max"]:
    """Whether the best epoch is where `monitor` is least, or greatest."""
    lower = {
        name
        for target in TARGETS.values()
        for metric, name in name_metrics(target).items()
        if METRICS[metric].lower_is_better
    }
    return "min" if monitor == "val_loss" or monitor in lower else "max"


def group_rates(head: nn.Module, rates: Mapping[str, float]) -> list[dict[str, Any]]:
    """Parameters of `head` as optimisers take them: at the rate of the first pattern that fits a
    name, or else at the common one.

    Those whose rate is 0 are in no group, and need no gradient from now on. Raises TrainingError
    for a pattern that decides on no parameter, and where nothing is left to learn.
    """
    names = [name for name, _ in head.named_parameters()]
    fitting = {name: next((r for r in rates if fnmatchcase(name, r)), None) for name in names}
    for pattern in rates.keys() - fitting.values():
        raise TrainingError(
            f"training.learning_rates: {pattern}: expected a pattern that fits parameters, such as "
            f"{names[-1]}, before any other does, got none; mend it or leave it out"
        )
    groups: dict[str | None, list[nn.Parameter]] = {}
    for name, parameter in head.named_parameters():
        parameter.requires_grad_(rates.get(fitting[name] or "", 1.0) > 0)
        if parameter.requires_grad:
            groups.setdefault(fitting[name], []).append(parameter)
    if not groups:
        raise TrainingError("training.learning_rates: expected one above 0, got 0 for all; add one")
    return [
        {"params": found} if pattern is None else {"params": found, "lr": rates[pattern]}
        for pattern, found in groups.items()
    ]


def make_optimiser(groups: Iterable[dict[str, Any]], params: TrainingParams) -> Optimizer:
    """The optimiser that `params` ask for, of `groups` of parameters with options of their own.

    All parameters are stepped at once: on a processor, too, sooner than one after another, and to
    the same numbers.
    """
    rates: dict[str, Any] = {"lr": params.learning_rate, "weight_decay": params.weight_decay}
    if params.optimizer == "sgd":
        rates |= {"momentum": params.momentum, "dampening": params.dampening}
    kinds: dict[str, type[Optimizer]] = {"sgd": SGD, "adam": Adam, "adamw": AdamW}
    made: Optimizer = leave_compiler_out(kinds[params.optimizer])(groups, **rates, foreach=True)
    return made


def leave_compiler_out(kind: type[Optimizer]) -> type[Any]:
    """`kind` of optimiser, which does not import PyTorch's compiler, seconds of a processor.

    It would have it leave alone what adds parameters, and break its graph at each step; heads are
    not compiled.
    """
    plain = unwrap(Optimizer.add_param_group)
    if "torch._dynamo" not in sys.modules:
        vars(plain)["__dynamo_disable"] = plain  # where `torch._compile` looks before it imports
    return type(kind.__name__, (kind,), {"step": torch.no_grad()(unwrap(kind.step))})


def schedule_rate(
    optimiser: Optimizer, params: TrainingParams, batches: int
) -> LambdaLR | ReduceLROnPlateau:
    """The schedule that `params` ask for, stepped after each of an epoch's `batches`.

    A plateau is stepped after each epoch, by the monitor.
    """
    if params.schedule == "plateau":
        return ReduceLROnPlateau(
            optimiser,
            choose_mode(params.monitor or SCORE),
            factor=params.decay,
            patience=params.decay_patience,
            threshold=params.least_gain,
            threshold_mode="abs",
        )
    return LambdaLR(optimiser, lambda step: scale_rate(step, params, batches))


def scale_rate(step: int, params: TrainingParams, batches: int) -> float:
    """What the learning rate is multiplied by in a step, counted from 0: `batches` are an epoch.

    >>> steps = TrainingParams(schedule="steps", milestones=[1, 2], warmup_epochs=1)
    >>> [round(scale_rate(step, steps, batches=2), 3) for step in range(8)]
    [0.333, 0.667, 1.0, 1.0, 0.1, 0.1, 0.01, 0.01]
    >>> cosine = TrainingParams(schedule="cosine", epochs=2)
    >>> [round(scale_rate(step, cosine, batches=2), 2) for step in range(4)]
    [1.0, 0.85, 0.5, 0.15]
    """
    warmup = params.warmup_epochs * batches
    past = step - warmup
    if past < 0:
        return (step + 1) / (warmup + 1)
    if params.schedule == "steps":
        return float(params.decay ** bisect_right(params.milestones, past / batches))
    if params.schedule == "cosine":
        return (1 + math.cos(math.pi * past / max(1, params.epochs * batches - warmup))) / 2
    return 1.0
