"""Context: turns of the dialogue around a clip, which heads read as streams beside its own.

A row of such a stream is a turn, pooled. What the clip's speaker says and what others say are told
apart, and so is what comes before and after it, as in DialogueGCN (Ghosal et al., EMNLP 2019); each
is a stream of its own, so that any head can read them, weigh them, and go without.
"""

from collections.abc import Mapping
from typing import TypeVar

from pipeline.heads.window_params import WindowParams

BEFORE = ("before_own", "before_others")
AFTER = ("after_own", "after_others")
"""Which turns a stream of context is of: said by the clip's own speaker, or by others."""

Value = TypeVar("Value")


def name_context(stream: str, relation: str) -> str:
    """Name of the stream with the turns of this relation.

    >>> name_context("text", "before_own")
    'text@before_own'
    """
    return f"{stream}@{relation}"


def split_context(stream: str) -> tuple[str, str]:
    """The stream that a stream is the context of, and its relation; itself and "" if of none."""
    source, _, relation = stream.partition("@")
    return source, relation


def list_relations(windows: WindowParams) -> tuple[str, ...]:
    """Relations of the turns that these windows let a head see."""
    if not windows.context_turns:
        return ()
    return BEFORE if windows.causal else BEFORE + AFTER


def add_contexts(by_stream: Mapping[str, Value], windows: WindowParams) -> dict[str, Value]:
    """`by_stream` with the streams of context, each with the value of the stream that it is of."""
    contexts = {
        name_context(stream, relation): value
        for stream, value in by_stream.items()
        for relation in list_relations(windows)
    }
    return {**by_stream, **contexts}
