"""Commands that benchmarks have a project run."""

import os
import shlex
import subprocess
import sys
from pathlib import Path


def run_command(project: Path, *command: str) -> None:
    """Run a command in `project`; what it prints is shown if it fails."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        told = done.stdout + done.stderr or f"{shlex.join(command)}: status {done.returncode}"
        raise SystemExit(told)
