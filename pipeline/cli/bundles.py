"""Bundles for people: what went along with a head, and what did not."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.cli.printing import write_bytes
from pipeline.predictor.bundling import Written


def list_bundled(written: Written, out: Path) -> Iterator[str]:
    """Lines about a bundle that was written to `out`: what of it went along, and what did not."""
    for name, part in written.bundle.parts.items():
        if part.path is None:
            yield f"{name}: {part.name} was left out, for {part.left_out}"
        else:
            yield f"{name}: {part.name} ({part.licence})"
    left = any(part.path is None for part in written.bundle.parts.values())
    needed = "what was left out as well" if left else "nothing else"
    yield (
        f"{out}: {written.recipe.head}, {write_bytes(written.size)}; "
        f"`moodline predict MEDIA --bundle {out} --out DIR` needs {needed}"
    )
