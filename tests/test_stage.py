import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import numpy as np
import psutil
import pytest

from pipeline.code import digest_sources
from pipeline.errors import StageError
from pipeline.paths import CHECKED_CODE
from pipeline.stage import held_still, is_code_checked, run_stage


def run_as_stage(body: str) -> str:
    """What `body` prints as the work of a stage process."""
    lines = ["import sys", "import pyarrow as pa", "from pipeline.stage import run_stage"]
    lines += ["def main():", *(f"    {line}" for line in dedent(body).strip().splitlines())]
    code = "\n".join([*lines, "run_stage(main, [])"])
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return run.stdout.strip()


@pytest.mark.parametrize(
    "work",
    [
        "pa.Table.from_pylist([{'clip_id': 'a', 'seconds': None}])",
        "pa.table({'seconds': [0.5, None]})['seconds'].to_numpy()",
        "pa.table({'clip_id': ['a', None]})['clip_id'].to_numpy()",
        "import pyarrow.compute as pc; pc.equal(pa.array(['a', 'b']), 'a')",
    ],
)
def test_a_stage_works_on_tables_without_pandas(work: str) -> None:
    assert run_as_stage(f"{work}\nprint('pandas' in sys.modules)") == "False"


def test_a_stage_has_pandas_where_it_asks_for_it() -> None:
    told = run_as_stage(
        """
        pa.array([])
        import pandas as pd
        frame = pd.DataFrame({"clip_id": ["a", None], "seconds": [0.5, None]})
        table = pa.Table.from_pandas(frame)
        print(table["clip_id"].null_count, table["seconds"].null_count, len(table.to_pandas()))
        """
    )
    assert told == "1 1 2"


STAGE = """
import os, time
from pathlib import Path
from pipeline.stage import run_stage

Path("pid").write_text(str(os.getpid()))
run_stage(lambda: time.sleep(99), [])
"""

BEGIN = """
import os, subprocess, sys, time

os.environ["DVC_STAGE"] = "clean"
subprocess.Popen({command})
time.sleep(99)
"""


@pytest.mark.parametrize(
    "command", ["[sys.executable, 'stage.py']", "['sh', '-c', sys.executable + ' stage.py; true']"]
)
def test_a_stage_ends_with_the_process_that_began_it(tmp_path: Path, command: str) -> None:
    (tmp_path / "stage.py").write_text(STAGE)
    (tmp_path / "begin.py").write_text(BEGIN.format(command=command))
    found = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "begin.py"], cwd=tmp_path) as parent:
        wait_until(lambda: found.is_file() and found.read_text(), "the stage never began")
        time.sleep(1)  # it has taken note of its parent by then
        parent.kill()
    pid = int(found.read_text())
    wait_until(lambda: not is_alive(pid), "the stage outlived its parent")


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def wait_until(condition: Callable[[], object], otherwise: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)


def test_memory_that_the_machine_does_not_have_is_told_in_a_line() -> None:
    def fill() -> None:
        np.ones(2**50)

    with pytest.raises(SystemExit, match=r"out of memory \(Unable to allocate .*\); ask for less"):
        run_stage(fill, [])


def test_what_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    with held_still(tmp_path, tmp_path / "gone"):
        (tmp_path / "a").read_text()
    with (
        pytest.raises(StageError, match=r"/b: expected it as it was when the stage began"),
        held_still(tmp_path),
    ):
        (tmp_path / "b").write_text("two")


def test_a_digest_of_code_that_dvc_fetched_may_be_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not is_code_checked()
    CHECKED_CODE.parent.mkdir(parents=True)
    for found in (b"\xff\xfe", b"0" * 32, b""):
        CHECKED_CODE.write_bytes(found)
        assert not is_code_checked()
    CHECKED_CODE.write_text(digest_sources(tmp_path))
    assert is_code_checked()
