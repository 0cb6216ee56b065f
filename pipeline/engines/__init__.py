"""Engines: where the clips of a heavy stage are worked on, in this machine or in a Ray cluster.

A member is a module with

- `open_site(engine, function, workers, gpus)`: a context manager that gives a `crew.Site` whose
  workers apply `function`, and leaves none of them.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Literal, TypeVar

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from pipeline.engines.crew import Crew, Order
from pipeline.engines.guard import guard_clip
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
    took more than its `limit_seconds`, and `crashed`, for one that ended its worker three times,
    took more memory than any clip does, or raised an error that nobody foresaw. Any other
    MoodlineError stops the run, and is raised here, as is an error of what is sent. Leaving the
    iterator early stops the workers. Raises ParamsError for an engine that is not there.
    """
    open_site = ENGINES.load(engine.kind).open_site
    orders = (
        Order(item, math.inf if limit_seconds is None else limit_seconds(item)) for item in items
    )
    if first := list(islice(orders, workers)):
        with open_site(engine, partial(guard_clip, function), len(first), gpus) as site:
            yield from Crew(site, first, orders).work()
