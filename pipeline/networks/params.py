"""What of a network is taken, as params.yaml says it."""

from typing import Annotated, Literal

from pydantic import Field

Layers = int | Annotated[list[int], Field(min_length=1)] | Literal["all"]
"""Counted as in transformers' `hidden_states`: 0 what goes into the first block, -1 the last."""
