"""Rendering: chat templates, in a process of their own that has limits.

A template is a program of whoever made the weights: it may loop without end, or fill the memory.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.apart import Apart, FailedError
from pipeline.errors import ParamsError
from pipeline.limits import MOST_PROMPT, TEMPLATE_SECONDS

RENDERER = Apart(f"""
from transformers.utils.chat_template_utils import render_jinja_template

def attempt(asked):
    texts, _ = render_jinja_template(**asked, add_generation_prompt=True)
    if sum(map(len, texts)) > {MOST_PROMPT}:
        raise ValueError("more than {MOST_PROMPT:,} letters")
    return texts
""")


def render_template(
    template: str, contents: Sequence[Any], tokens: Mapping[str, Any], *, folder: str | Path
) -> list[str]:
    """What `template` makes of a user's message of each of `contents`, with the special `tokens`.

    Raises ParamsError, for the weights in `folder`, where it takes too long or too much memory, or
    does not render.
    """
    asked = {
        **tokens,
        "chat_template": template,
        "conversations": [[{"role": "user", "content": content}] for content in contents],
    }
    texts = _render_apart(json.dumps(asked))
    if isinstance(texts, str):
        raise ParamsError(
            f"weights {folder}: expected a chat template that renders a prompt, got {texts}; "
            f"choose others"
        )
    return [str(text) for text in texts]


@lru_cache
def _render_apart(asked: str) -> list[Any] | str:
    """Texts, or why there are none; once for all that ask the same."""
    try:
        texts: list[Any] = RENDERER.ask(json.loads(asked), TEMPLATE_SECONDS)
    except FailedError as error:
        return str(error)
    return texts
