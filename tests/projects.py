"""Miniatures of the project, each with its own DVC: eight clips, remotes, and clones of them."""

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ruamel.yaml import YAML

PROJECT = Path(__file__).parents[1]
SPEAKERS = ("speaker_01", "speaker_02", "speaker_03", "speaker_04")

PARAMS = """
corpus: {name: table, root: data/corpus, depends_on: data/corpus}
splits: {protocol: folds, folds: 3}
clean: {min_seconds: 0.5}
faces: {rate_hz: 2}
transcribe: {}
features:
  hog: {modality: face, encoder: hog}
  mfcc: {modality: audio, encoder: mfcc}
heads:
  both: {kind: linear, inputs: {face: hog, scene: none, audio: mfcc, text: none}}
  sound: {kind: linear, inputs: {face: none, scene: none, audio: mfcc, text: none}}
evaluate: {test: true, resamples: 20}
report: {title: Miniature}
"""


class Project:
    """A project in the folder `root`, and the means to change and run it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def corpus(self) -> Path:
        return self.root / "data" / "corpus"

    def add_clip(self, speaker: str, number: int) -> None:
        source = sorted((PROJECT / "data" / "demo" / speaker).glob("*.mp4"))[number - 1]
        path = Path(speaker, f"{number}.mp4")
        (self.corpus / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, self.corpus / path)
        emotion, valence = (("happy", "0.5"), ("sad", "-0.5"))[number % 2]
        row = {
            "path": str(path),
            "subject": speaker,
            "transcript": "Here we are.",
            "emotion": emotion,
            "valence": valence,
            "arousal": f"0.{number}",
        }
        self.write_table([*self.read_table(), row])

    def remove_clip(self, speaker: str, number: int) -> None:
        path = Path(speaker, f"{number}.mp4")
        (self.corpus / path).unlink()
        self.write_table([row for row in self.read_table() if row["path"] != str(path)])

    def read_table(self) -> list[dict[str, str]]:
        table = self.corpus / "clips.csv"
        return list(csv.DictReader(table.open(newline=""))) if table.is_file() else []

    def write_table(self, rows: list[dict[str, str]]) -> None:
        with (self.corpus / "clips.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)

    def set_params(self, change: Callable[[dict], object]) -> None:
        yaml = YAML()
        sections = yaml.load(self.root / "params.yaml")
        change(sections)
        yaml.dump(sections, self.root / "params.yaml")

    def append(self, path: str, text: str) -> None:
        with (self.root / path).open("a") as file:
            file.write(text)

    def call(self, *arguments: str) -> str:
        """What DVC printed; the test fails, and shows it, where DVC does."""
        return self.run("dvc", *arguments)

    def reproduce(self, *arguments: str) -> set[str]:
        """Stages that `dvc repro` ran."""
        told = self.call("repro", *arguments)
        return set(re.findall(r"^Running stage '([^']+)'", told, re.MULTILINE))

    def run(self, *command: str) -> str:
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DVC_NO_ANALYTICS": "1",
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # stages run dozens of times here
        done = subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


class Miniature(Project):
    """A project of its own with eight clips of four speakers."""

    def __init__(self, root: Path, params: str = PARAMS) -> None:
        super().__init__(root)
        for name in ("pipeline", "stages", "features"):
            ignored = shutil.ignore_patterns("__pycache__", ".gitignore")
            shutil.copytree(PROJECT / name, root / name, ignore=ignored)
        for name in ("dvc.yaml", ".dvcignore"):
            shutil.copy(PROJECT / name, root / name)
        (root / "params.yaml").write_text(params)
        (root / "data").mkdir()
        shutil.copy(PROJECT / "data" / "overrides.csv", root / "data" / "overrides.csv")
        for speaker in SPEAKERS:
            for number in (1, 2):
                self.add_clip(speaker, number)
        self.call("init", "-q", "--no-scm")
