"""The page of the live service: one response, with its style and scripts inside."""

from collections.abc import Mapping
from typing import Any

from pipeline.report.pages import render_page
from pipeline.report.theme import PALETTE
from pipeline.targets import TARGETS

_BOUNDS = {t.name: (t.low, t.high) for t in TARGETS.values() if t.behaviour.number}


def render_live_page(head: Mapping[str, Any], nonce: str) -> str:
    """HTML of the page for a service of `head`, which is what `GET /head` answers.

    Its style and scripts carry `nonce`: nothing else runs under a policy that names it.
    """
    content = {
        "head": head,
        "nonce": nonce,
        "looks": {"palette": PALETTE, "bounds": _BOUNDS},
    }
    return render_page("live/live.html.j2", content)
