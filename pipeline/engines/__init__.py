"""Engines: where the clips of a heavy stage are worked on, in this machine or in a Ray cluster.

A member is a module with

- `run_clips`, of the form of the one below.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, TypeVar

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from pipeline.errors import MediaError
from pipeline.families import Family, Member
from pipeline.sections import Section

ENGINES = Family(
    "engine",
    {
        "local": Member("pipeline.engines.local"),
        "ray": Member("pipeline.engines.ray"),
    },
)

TRIES = 3
"""An item that ends its worker is tried so often: the fault may be the machine's."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class EngineParams(Section):
    """Where heavy stages work; nothing they make depends on it, so no stage does.

    `address` is that of a Ray cluster, `auto` the one that this machine belongs to; None starts
    one here, for as long as the stage runs.
    """

    kind: Literal["local", "ray"] = "local"
    address: str | None = None

    @model_validator(mode="after")
    def _check_address(self) -> "EngineParams":
        """Refuse an address that would not be used."""
        if self.address is not None and self.kind == "local":
            raise PydanticCustomError("address", "an address is of a cluster: set kind to ray")
        return self


LOCAL = EngineParams()
"""Processes of this machine."""


def run_clips(
    engine: EngineParams,
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    limit_seconds: Callable[[Item], float] | None,
    gpus: bool = False,
) -> Iterator[tuple[Item, Result | MediaError]]:
    """Each item with what `function` made of it, in order of completion.

    At most `workers` processes work at once, with `gpus` each on a GPU of its own as far as there
    are so many. `function` and items travel to them, so both are picklable and `function` has a
    module. A MediaError it raises is given as its result, and so are `timeout`, for an item that
    took more than its `limit_seconds`, and `crashed`, for one that ended its worker each of
    `TRIES` times. Any other error stops the run, and is raised here. Leaving the iterator early
    stops the workers. Raises ParamsError for an engine that is not there.
    """
    run = ENGINES.load(engine.kind).run_clips
    how = {"workers": workers, "limit_seconds": limit_seconds, "gpus": gpus}
    yield from run(engine, function, items, **how)


def explain_timeout(limit_seconds: float) -> MediaError:
    """What is said of an item that took too long."""
    return MediaError(
        "timeout", f"expected to end within {limit_seconds:g} seconds; replace the file"
    )


def explain_crash(how: str) -> MediaError:
    """What is said of an item that ended its workers; `how` is a clause on the last one."""
    return MediaError("crashed", f"its worker {how}, {TRIES} times; replace the file")
