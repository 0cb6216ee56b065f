import signal
import subprocess
import sys
import time
from textwrap import dedent

import psutil
import pytest


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


def test_a_stage_ends_with_the_process_that_began_it() -> None:
    stage = (
        "import time; from pipeline.stage import run_stage; run_stage(lambda: time.sleep(99), [])"
    )
    begin = "import os, subprocess, sys, time; os.environ['DVC_STAGE'] = 'clean'; "
    begin += f"print(subprocess.Popen([sys.executable, '-c', {stage!r}]).pid, flush=True); "
    with subprocess.Popen(
        [sys.executable, "-c", f"{begin} time.sleep(99)"], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        time.sleep(1)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the stage outlived its parent"
        time.sleep(0.05)
