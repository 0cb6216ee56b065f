"""Licences: what weights are under, and whether they may be passed on as they are."""

import re
from pathlib import Path

from huggingface_hub import hf_hub_download

from pipeline.audits.weights import Named, Place
from pipeline.predictor.bundles import CARD

PERMISSIVE = (
    "apache-2.0",
    "mit",
    "bsd",
    "bsd-2-clause",
    "bsd-3-clause",
    "isc",
    "unlicense",
    "zlib",
)

COMMONS = re.compile(r"cc0-1\.0|cc-by(-nc)?(-sa)?-[234]\.\d")
"""Creative Commons' that let unchanged copies be passed on with attribution, if not for money.

https://spdx.org/licenses, in lower case, which the Hub's words are, too.
"""

STATED = re.compile(r"^SPDX-License-Identifier:\s*(\S+)\s*$", re.MULTILINE)
"""In `<file>.license`: REUSE specification 3.3, "Comment headers and .license files"."""

FRONT = re.compile(r"---\n.*?^---$", re.MULTILINE | re.DOTALL)

LICENSE = re.compile(r"""^license:\s*["']?([\w.-]+)["']?\s*$""", re.MULTILINE)
"""In the front matter of a card of the Hub; a stranger's YAML is not read for one word."""

MOST_LETTERS = 2**20
"""Of what says a licence."""


def may_pass_on(licence: str | None) -> bool:
    """Whether weights under `licence` may be passed on unchanged, with attribution.

    >>> [may_pass_on(known) for known in ("mit", "cc-by-nc-4.0", "llama3", "other", None)]
    [True, True, False, False, False]
    """
    return licence is not None and (licence in PERMISSIVE or bool(COMMONS.fullmatch(licence)))


def find_licence(named: Named, place: Place) -> str | None:
    """Licence of the weights at `place`, in the Hub's words; None where nobody says.

    A file `<weights>.license` beside them counts first, then the `README.md` of their folder or of
    their repository at its commit, then what the member that reads them knows.
    """
    beside = name_licence(place.path)
    if beside.is_file():
        stated = STATED.search(_read(beside))
        return stated[1].lower() if stated else None
    if named.list_files is not None:
        return named.licence()
    return _read_card(place.path / CARD) or _ask_hub(named)


def name_licence(path: Path) -> Path:
    """File beside `path` that says what it is under, be it there or not."""
    return path.with_name(f"{path.name}.license")


def _read(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(MOST_LETTERS)


def _read_card(path: Path) -> str | None:
    """`license` in the front matter of a model card, if it names one."""
    card = _read(path) if path.is_file() else ""
    front = FRONT.match(card)
    named = LICENSE.search(front[0]) if front else None
    return named[1].lower() if named else None


def _ask_hub(named: Named) -> str | None:
    """The same of a repository of the Hub, of which weights and settings alone are kept."""
    if named.revision is None:
        return None
    try:
        return _read_card(Path(hf_hub_download(named.weights, CARD, revision=named.revision)))
    except (OSError, ValueError):
        return None
