"""What params.yaml says reaches no shell: DVC runs commands before `check` can refuse a key."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.projects import PROJECT, FirstRun

KEY = """x'"; touch found; $(touch found) `touch found`"""


def test_no_command_holds_what_params_say() -> None:
    for path in ("dvc.yaml", "models/dvc.yaml", "reports/dvc.yaml"):
        commands = re.findall(r"cmd: (.+)", (PROJECT / path).read_text())
        assert commands
        assert not [command for command in commands if "${" in command]


def test_a_key_that_is_a_command_is_not_run(first_run: FirstRun, tmp_path: Path) -> None:
    project = first_run.copy(tmp_path / "project")
    hog = {"modality": "face", "encoder": "hog"}
    project.set_params(lambda sections: sections["features"].update({KEY: hog}))
    premises = project.root / "data" / "premises" / "extract"
    shutil.copy(premises / "hog.json", premises / f"{KEY}.json")
    command = ["dvc", "repro", "-s", f"extract@{KEY}"]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "expected the name of a feature set or a head" in done.stderr
    assert not (project.root / "found").exists()
