"""Pieces: what a language model reads at once, joined in batches whatever a processor made."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from pipeline.networks.batches import Batcher
from pipeline.networks.tokens import pad

Inputs = dict[str, Tensor]
"""What a network reads of one piece, `input_ids` of shape `(1, tokens)` among it."""

Shapes = tuple[tuple[str, tuple[int, ...]], ...]

Made = TypeVar("Made")


def run_pieces(
    pieces: Sequence[Inputs],
    batcher: Batcher,
    compute: Callable[[Sequence[Inputs]], Sequence[Made]],
) -> list[Made]:
    """What `compute` makes of each piece, in order; a call gets pieces that can be joined."""
    alike: dict[Shapes, list[int]] = defaultdict(list)
    for number, piece in enumerate(pieces):
        alike[measure_shapes(piece)].append(number)
    made: dict[int, Made] = {}
    for numbers in alike.values():
        batch = [pieces[number] for number in numbers]
        lengths = [piece["input_ids"].shape[1] for piece in batch]
        made.update(zip(numbers, batcher.run(batch, lengths, compute), strict=True))
    return [made[number] for number in range(len(pieces))]


def arrange_ids(ids: list[int]) -> Inputs:
    """Tokens of one piece as a network takes them."""
    tokens = torch.tensor([ids])
    return {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}


def measure_shapes(piece: Inputs) -> Shapes:
    """What must be the same of pieces that are joined: all but the numbers of tokens and media."""
    media = [(name, tensor) for name, tensor in piece.items() if not _is_sequence(piece, tensor)]
    return tuple((name, tuple(tensor.shape[1:])) for name, tensor in media)


def join_pieces(pieces: Sequence[Inputs], padding: int) -> Inputs:
    """One batch of pieces of the same `measure_shapes`, padded on the right."""
    joined = {}
    for name, tensor in pieces[0].items():
        tensors = [piece[name] for piece in pieces]
        if _is_sequence(pieces[0], tensor):
            rows = [row for (row,) in tensors]
            joined[name] = pad(rows, padding if name == "input_ids" else 0)
        else:
            joined[name] = torch.cat(tensors)
    return joined


def _is_sequence(piece: Inputs, tensor: Tensor) -> bool:
    return tensor.shape == piece["input_ids"].shape
