"""Projects of their own with a few demo clips, and clones of them: the real DVC and git."""

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from ruamel.yaml import YAML

PROJECT = Path(__file__).parents[1]
SPEAKERS = ("speaker_01", "speaker_02", "speaker_03", "speaker_04")

COPIED = (
    "dvc.yaml",
    "models/dvc.yaml",
    "reports/dvc.yaml",
    ".dvcignore",
    ".gitattributes",
    ".gitignore",
    "data/overrides.csv",
    "data/splits.csv",
)

PARAMS = """
corpora: {own: {kind: table, root: data/raw/corpus, depends_on: data/raw/corpus}}
splits: {protocol: folds, folds: 3}
clean: {min_seconds: 0.5, workers: 1}
faces: {rate_hz: 2, workers: 1}
transcribe: {}
features:
  hog: {modality: face, encoder: hog}
  mfcc: {modality: audio, encoder: mfcc}
heads:
  both: {kind: linear, inputs: {face: hog, scene: none, audio: mfcc, text: none}}
  sound: {kind: linear, inputs: {face: none, scene: none, audio: mfcc, text: none}}
evaluate: {test: true, resamples: 20}
report: {title: Miniature}
engine: {}
"""

EDITED = {"check", "premises"}
"""Stages that any edit of params.yaml or of the code runs."""

DVC_WARNS = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")
"""Of tests that ask DVC within their own process."""

TEAM = {
    f"GIT_{role}_{item}": value
    for role in ("AUTHOR", "COMMITTER")
    for item, value in (("NAME", "A colleague"), ("EMAIL", "colleague@example.org"))
}


def find_run(told: str) -> set[str]:
    """Stages that ran, by what DVC `told`."""
    return set(re.findall(r"^Running stage '(?:[^':]+:)?([^']+)'", told, re.MULTILINE))


def copy_code(source: Path, root: Path) -> None:
    """Copy the code of the project at `source` to `root`, with the bytecode that Python made of it.

    Compiling all of it takes longer than most stages do.
    """
    unfinished = shutil.ignore_patterns("*.pyc.*")  # others may be writing theirs
    for name in ("pipeline", "stages"):
        shutil.copytree(source / name, root / name, ignore=unfinished, dirs_exist_ok=True)


class Project:
    """The project in the folder `root`, and the means to change and run it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.corpus = root / "data" / "raw" / "corpus"
        self.told = self.progress = ""

    def clone(self, root: Path, *, media: bool = False) -> "Project":
        """A colleague's clone of what is committed here, with a copy of the corpus if asked for."""
        self.git("clone", "-q", str(self.root), str(root))
        copy_code(self.root, root)
        if media:
            shutil.copytree(self.corpus, root / "data" / "raw" / "corpus")
        return Project(root)

    def add_clip(self, speaker: str, number: int) -> None:
        source = sorted((PROJECT / "data" / "demo" / speaker).glob("*.mp4"))[number - 1]
        path = self.corpus / speaker / f"{number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, path)
        self.label(path, speaker, number)

    def label(self, path: Path, speaker: str, number: int) -> None:
        """Add a file of the corpus to its table."""
        emotion, valence = (("happy", "0.5"), ("sad", "-0.5"))[number % 2]
        row = {
            "path": str(path.relative_to(self.corpus)),
            "subject": speaker,
            "transcript": "Here we are.",
            "emotion": emotion,
            "valence": valence,
            "arousal": f"0.{number}",
        }
        self._write_table([*self._read_table(), row])

    def remove_clip(self, speaker: str, number: int) -> None:
        gone = f"{speaker}/{number}.mp4"
        (self.corpus / gone).unlink()
        self._write_table([row for row in self._read_table() if row["path"] != gone])

    def set_params(self, change: Callable[[dict], object]) -> None:
        yaml = YAML()
        sections = yaml.load(self.root / "params.yaml")
        change(sections)
        yaml.dump(sections, self.root / "params.yaml")

    def append(self, path: str, text: str) -> None:
        with (self.root / path).open("a") as file:
            file.write(text)

    def dvc(self, *arguments: str) -> str:
        """What DVC printed; the test fails, and shows it, where DVC does."""
        return self.run("dvc", *arguments)

    def git(self, *arguments: str) -> str:
        return self.run("git", *arguments)

    def reproduce(self, *arguments: str) -> set[str]:
        """Stages that `dvc repro` ran, in whichever file."""
        return find_run(self.dvc("repro", *arguments))

    def list_due(self) -> frozenset[str]:
        """Stages that the next `dvc repro` would run, `check` and `premises` aside."""
        from pipeline.params import load_params  # what is imported at the top is not checked
        from pipeline.premises.due import find_due

        params = load_params(self.root / "params.yaml")
        return find_due(self.root, params, self.root / "data" / "premises")

    def count_encoded(self) -> int:
        """Clips that the latest command put through an encoder, by its progress bars."""
        assert re.search(r"^features/\S+: \d+ of \d+ clips", self.told, re.MULTILINE), self.told
        bars = re.findall(r"^extract \S+ .*?(\d+)/\d+", self.progress, re.MULTILINE)
        return sum(map(int, bars))

    def run(self, *command: str) -> str:
        environment = {
            **os.environ,
            **TEAM,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DVC_NO_ANALYTICS": "1",
            "COLUMNS": "200",  # narrower ones break the lines of progress bars
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # stages run dozens of times here
        done = subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self.told, self.progress = done.stdout, done.stderr
        return done.stdout

    def _read_table(self) -> list[dict[str, str]]:
        table = self.corpus / "clips.csv"
        return list(csv.DictReader(table.read_text().splitlines())) if table.is_file() else []

    def _write_table(self, rows: list[dict[str, str]]) -> None:
        with (self.corpus / "clips.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)


class Miniature(Project):
    """A project in git with eight clips of four speakers."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        copy_code(PROJECT, root)
        shutil.copytree(PROJECT / "features" / "none", root / "features" / "none")
        for name in COPIED:
            (root / name).parent.mkdir(exist_ok=True)
            shutil.copy(PROJECT / name, root / name)
        (root / "params.yaml").write_text(PARAMS)
        for speaker in SPEAKERS:
            for number in (1, 2):
                self.add_clip(speaker, number)
        self.git("init", "-q", "-b", "main")
        (root / ".dvc").mkdir()
        for name in (".gitignore", "config"):
            shutil.copy(PROJECT / ".dvc" / name, root / ".dvc" / name)


class FirstRun:
    """A miniature in git that ran once and was committed, in the folder `shared`.

    Whichever test process asks first makes it, for all.
    """

    def __init__(self, shared: Path) -> None:
        self.source = shared / "first_run"
        with FileLock(shared / "first_run.lock"):
            if not self.source.is_dir():
                self._make(shared / "first_run.unfinished")

    @property
    def stages(self) -> set[str]:
        """Stages that ran."""
        return set((self.source / "stages").read_text().split())

    def copy(self, root: Path) -> Project:
        """A copy at `root`; files that are linked to one another stay so."""
        subprocess.run(["cp", "-a", self.source / "project", root], check=True)
        return Project(root)

    def _make(self, folder: Path) -> None:
        project = Miniature(folder / "project")
        stages = project.reproduce()
        project.git("add", ".")
        project.git("commit", "-qm", "First run")
        (folder / "stages").write_text(" ".join(stages))
        folder.rename(self.source)
