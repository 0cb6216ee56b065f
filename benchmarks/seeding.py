"""Time to take in the parts of a set that came from elsewhere, over digesting their bytes once.

    python -m benchmarks.seeding

`checked` is what a fresh clone does with parts that it fetched: it links them into its work store,
and digests their files and each clip's rows before it trusts any of them. `linked` does not look.
The baseline is BLAKE2b over the same files. Parts lie in the page cache.
"""

import json
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer

from benchmarks.rounds import Job, Side, print_table, time_rounds
from benchmarks.store import PROVENANCE, write_clips
from pipeline.store import PART_FORMATS, ROW_FORMATS
from pipeline.store.header import digest_tree, read_header
from pipeline.store.linking import link_tree
from pipeline.store.reader import RowsMade, open_features
from pipeline.store.work import WorkParts

Parts = dict[str, tuple[Path, str]]
"""Name of a part → where it lies, and the digest that its store has of it."""


def list_parts(path: Path) -> Parts:
    """Parts of the set at `path`."""
    digests, part_format = read_header(path)["digests"], open_features(path).part_format
    place = partial(PART_FORMATS.load(part_format).PARTS.path_of, path / "parts")
    named = {name: place(name) for name in open_features(path).index.parts}
    return {name: (part, digests[f"parts/{part.name}"]) for name, part in named.items()}


def digest_all(parts: Parts) -> Job:
    """Job that digests every file once."""
    return lambda: [digest_tree(path) for path, _ in parts.values()]


def link_all(parts: Parts, aside: Path) -> Job:
    """Job that links every part."""
    return lambda: [link_tree(path, aside / path.name) for path, _ in parts.values()]


def take_all(parts: Parts, part_format: str, work: Path) -> Job:
    """Job that takes every part in."""
    held, made = WorkParts(work, PROVENANCE.fingerprint, part_format), PROVENANCE.to_json()

    def take() -> None:
        for name, (path, digest) in parts.items():
            held.take_in(name, partial(link_tree, path), digest, RowsMade.of(path, made).check)

    return take


def main(
    gigabytes: Annotated[float, typer.Option(help="Size of the embeddings.", min=0.01)] = 0.5,
    rounds: Annotated[int, typer.Option(help="Rounds, each of all sides.", min=1)] = 9,
    folder: Annotated[Path | None, typer.Option(help="Where to make the scratch folder.")] = None,
) -> None:
    """Print what it costs to check what came from elsewhere."""
    rng = np.random.default_rng(0)
    with TemporaryDirectory(prefix="moodline-", dir=folder) as scratch:
        root, numbers = Path(scratch), count()
        write_clips(root, gigabytes, rng)
        sets = {name: list_parts(root / name) for name in ROW_FORMATS}

        def aside(make: Callable[[Path], Job]) -> Callable[[], Job]:
            return lambda: make(root / "taken" / str(next(numbers)))

        sides = [Side("blake2b", partial(digest_all, sets["zarr"]), len(sets["zarr"]))]
        for name, parts in sets.items():
            sides.append(Side(f"{name}_linked", aside(partial(link_all, parts)), len(parts)))
            checked = partial(take_all, parts, name)
            sides.append(Side(f"{name}_checked", aside(checked), len(parts)))
        timings = time_rounds(sides, rounds, rng)
        size = gigabytes * 1e9 / len(sets["zarr"])
    print_table(timings, "part")
    seconds = timings.medians["zarr_checked"] * 1e9 / size
    ratios = {f"{name}_over_blake2b": value for name, value in timings.ratios().items()}
    figures = {**ratios, "zarr_checked_seconds_per_gigabyte": seconds}
    print(json.dumps({key: float(f"{value:.3g}") for key, value in figures.items()}))


if __name__ == "__main__":
    typer.run(main)
