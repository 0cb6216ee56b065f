"""The live page: style, script and what is known of the head in one response."""

from collections.abc import Mapping
from typing import Any

from pipeline.report.pages import render_page


def render_live_page(head: Mapping[str, Any], nonce: str) -> str:
    """HTML of the page for a head that is described so; its style and script carry `nonce`."""
    return render_page("live.html.j2", {"head": head, "nonce": nonce})
