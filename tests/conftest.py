import os

# Tests fill the cores by themselves, a process to each: threads on top would only get in the way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import gc
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import jaxtyping
import pytest
from filelock import FileLock
from hypothesis import settings

from tests.projects import FirstRun
from tests.real import find_real

gc.disable()  # until all modules are there

PROJECT = Path(__file__).parents[1]


def list_shaped() -> list[str]:
    """Modules of `pipeline` that annotate shapes: mypy has looked at the others."""
    texts = {path: path.read_text() for path in sorted((PROJECT / "pipeline").rglob("*.py"))}
    shaped = [path.relative_to(PROJECT) for path, text in texts.items() if "jaxtyping" in text]
    return [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in shaped]


# Must stand before the first import of pipeline: modules already loaded are not checked.
jaxtyping.install_import_hook(list_shaped(), "beartype.beartype")

CHECKED_SECONDS = 0.25
"""So long a test checks every annotated shape: who trains for epochs calls the same ever again."""

# Checked calls are slow the first time, and a slow machine is no failed test.
settings.register_profile("moodline", deadline=None)
settings.load_profile("moodline")

# A run in the background ignores Ctrl-C, and so would the processes that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

LONGEST = (
    *("test_planning.py", "test_chance.py", "test_heads.py", "test_fuzz_readers.py"),
    *("test_graph.py", "test_ray.py", "test_sharing.py", "test_inputs.py", "test_edits.py"),
)
"""Files that begin first, lest one process is at them when the others are through."""


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores: many tests wait for what others do, or for a clock."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort `items`: the longest files first, the others as they come; mark those of whole runs."""
    for item in items:
        if "first_run" in getattr(item, "fixturenames", ()):
            item.add_marker("runs")
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Check shapes for the first `CHECKED_SECONDS` of the processor that a test takes.

    Damaged files meet what users have: a failed check would pass for a reader's refusal.
    """
    jaxtyping.config.update("jaxtyping_disable", "fuzz" in item.path.name)
    signal.signal(signal.SIGVTALRM, lambda *_: jaxtyping.config.update("jaxtyping_disable", True))
    signal.setitimer(signal.ITIMER_VIRTUAL, CHECKED_SECONDS)
    return (yield)


def pytest_sessionfinish() -> None:
    """Stop the clock of the last test: when it strikes, Python may have let go of its handler."""
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Have the collector of garbage pass over all modules, of which nothing is garbage."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _fork_server() -> None:
    """Have workers of all tests forked from one server, which has loaded what they work with."""
    from pipeline.engines.local import begin_server

    begin_server(
        [
            *("torch", "zarr", "h5py", "pipeline.stage"),
            *("pipeline.audits.planning", "pipeline.report.stills"),
        ]
    )


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """Folder or file of real data by its name; the test is skipped, by name, where it is absent."""
    return find_real


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> FirstRun:
    """A project that ran once, for tests of what comes after; test processes share it."""
    return FirstRun(find_shared(tmp_path_factory))


@pytest.fixture(scope="session")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small head that sees and hears, which test processes share.

    Films lie in `media` beside it, and nobody writes there.
    """
    from tests.seeing import train_seeing

    shared = find_shared(tmp_path_factory)
    with FileLock(shared / "seeing.lock"):
        if not (shared / "seeing").is_dir():
            train_seeing(shared / "seeing.unfinished")
            (shared / "seeing.unfinished").rename(shared / "seeing")
    return shared / "seeing" / "seeing"


def find_shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all test processes of a run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
