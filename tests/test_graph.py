"""What reruns when something changes, on the real `dvc repro` of a miniature corpus.

The changes follow one another: each begins where the last one ended, with nothing stale.
"""

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

PROJECT = Path(__file__).parents[1]
SPEAKERS = ("speaker_01", "speaker_02", "speaker_03", "speaker_04")

MEDIA = {"labels", "clean", "faces", "transcribe", "extract@hog", "extract@mfcc"}
BOTH = {"train@both", "evaluate@both"}
SOUND = {"train@sound", "evaluate@sound"}
HEADS = BOTH | SOUND | {"report"}

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


class Miniature:
    """A project of its own with eight clips of four speakers, and the means to change it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("pipeline", "stages", "features"):
            ignored = shutil.ignore_patterns("__pycache__", ".gitignore")
            shutil.copytree(PROJECT / name, root / name, ignore=ignored)
        for name in ("dvc.yaml", ".dvcignore"):
            shutil.copy(PROJECT / name, root / name)
        (root / "params.yaml").write_text(PARAMS)
        (root / "data").mkdir()
        shutil.copy(PROJECT / "data" / "overrides.csv", root / "data" / "overrides.csv")
        self.rows: list[dict[str, str]] = []
        for speaker in SPEAKERS:
            for number in (1, 2):
                self.add_clip(speaker, number)
        self.write_table()
        self.call("init", "-q", "--no-scm")

    def add_clip(self, speaker: str, number: int) -> None:
        source = sorted((PROJECT / "data" / "demo" / speaker).glob("*.mp4"))[number - 1]
        path = Path(speaker, f"{number}.mp4")
        (self.root / "data" / "corpus" / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, self.root / "data" / "corpus" / path)
        emotion, valence = (("happy", "0.5"), ("sad", "-0.5"))[number % 2]
        self.rows.append(
            {
                "path": str(path),
                "subject": speaker,
                "transcript": "Here we are.",
                "emotion": emotion,
                "valence": valence,
                "arousal": f"0.{number}",
            }
        )

    def write_table(self) -> None:
        with (self.root / "data" / "corpus" / "clips.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, self.rows[0])
            writer.writeheader()
            writer.writerows(self.rows)

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
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DVC_NO_ANALYTICS": "1",
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # stages run dozens of times here
        done = subprocess.run(
            ["dvc", *arguments],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def reproduce(self) -> set[str]:
        """Stages that `dvc repro` ran."""
        return set(re.findall(r"^Running stage '([^']+)'", self.call("repro"), re.MULTILINE))


@pytest.fixture(scope="module")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> Miniature:
    project = Miniature(tmp_path_factory.mktemp("miniature"))
    assert project.reproduce() == {"check"} | MEDIA | HEADS
    return project


def test_nothing_changed_runs_nothing(miniature: Miniature) -> None:
    assert miniature.reproduce() == set()


def test_a_comment_in_unrelated_code_runs_nothing(miniature: Miniature) -> None:
    miniature.append("pipeline/cli/__init__.py", "\n# a comment\n")
    miniature.append("pipeline/corpora/ravdess.py", "\n# a comment\n")
    assert miniature.reproduce() == set()


def test_the_title_of_the_page_runs_the_report(miniature: Miniature) -> None:
    miniature.set_params(lambda p: p["report"].update(title="Renamed"))
    assert miniature.reproduce() == {"check", "report"}


def test_how_heads_are_judged_runs_evaluation(miniature: Miniature) -> None:
    miniature.set_params(lambda p: p["evaluate"].update(seed=1))
    assert miniature.reproduce() == {"check", "evaluate@both", "evaluate@sound", "report"}


def test_a_head_runs_alone(miniature: Miniature) -> None:
    miniature.set_params(lambda p: p["heads"]["both"].update(strengths=[0.5, 5.0]))
    assert miniature.reproduce() == {"check", "report"} | BOTH


def test_an_added_head_runs_alone(miniature: Miniature) -> None:
    miniature.set_params(lambda p: p["heads"].update(third={**p["heads"]["sound"]}))
    assert miniature.reproduce() == {"check", "report", "train@third", "evaluate@third"}


def test_a_removed_head_runs_the_report(miniature: Miniature) -> None:
    miniature.set_params(lambda p: p["heads"].pop("third"))
    assert miniature.reproduce() == {"check", "report"}


def test_one_modalitys_encoder_runs_the_heads_that_use_it(miniature: Miniature) -> None:
    miniature.set_params(lambda p: p["features"]["hog"].update(orientations=6))
    assert miniature.reproduce() == {"check", "extract@hog", "report"} | BOTH


def test_a_comment_in_an_encoder_runs_its_sets_alone(miniature: Miniature) -> None:
    miniature.append("pipeline/encoders/hog.py", "\n# a comment\n")
    assert miniature.reproduce() == {"extract@hog"}


def test_an_encoder_that_changed_runs_the_heads_that_use_it(miniature: Miniature) -> None:
    path = miniature.root / "pipeline" / "encoders" / "hog.py"
    code = path.read_text()
    assert "cell: PositiveInt = 8" in code
    code = code.replace("cell: PositiveInt = 8", "cell: PositiveInt = 16")
    path.write_text(re.sub(r"version(.*)= \d+", r"version\1= 99", code))
    assert miniature.reproduce() == {"extract@hog", "report"} | BOTH


def test_going_back_to_a_former_encoder_extracts_nothing(miniature: Miniature) -> None:
    miniature.set_params(lambda p: p["features"]["hog"].update(orientations=4))
    assert "extract@hog" in miniature.reproduce()
    miniature.set_params(lambda p: p["features"]["hog"].update(orientations=6))
    assert miniature.reproduce() == {"check"}


def test_a_threshold_that_leaves_nothing_out_stops_at_clean(miniature: Miniature) -> None:
    miniature.set_params(lambda p: p["clean"].update(min_seconds=0.4))
    assert miniature.reproduce() == {"check", "clean", "report"}


def test_where_words_come_from_stops_at_transcribe(miniature: Miniature) -> None:
    miniature.set_params(lambda p: p["transcribe"].update(source="corpus"))
    assert miniature.reproduce() == {"check", "transcribe", "report"}


def test_a_sampling_rate_of_faces_leaves_sound_alone(miniature: Miniature) -> None:
    miniature.set_params(lambda p: p["faces"].update(rate_hz=3))
    assert miniature.reproduce() == {"check", "faces", "extract@hog", "report"} | BOTH


def test_another_split_trains_but_extracts_nothing(miniature: Miniature) -> None:
    miniature.set_params(lambda p: p["splits"].update(folds=4))
    assert miniature.reproduce() == {"check", "labels"} | HEADS


def test_a_corrected_label_trains_but_decodes_nothing(miniature: Miniature) -> None:
    miniature.append("data/overrides.csv", "table/speaker_01/1,valence,0.9,seen again\n")
    assert miniature.reproduce() == {"labels"} | HEADS


def test_an_option_of_the_corpus_that_changes_no_clip_stops_at_labels(
    miniature: Miniature,
) -> None:
    miniature.set_params(lambda p: p["corpus"].update(ignore=["session"]))
    assert miniature.reproduce() == {"check", "labels", "report"}


def test_a_file_that_is_no_clip_stops_at_clean(miniature: Miniature) -> None:
    (miniature.root / "data" / "corpus" / "notes.txt").write_text("from the lab")
    assert miniature.reproduce() == {"labels", "clean"}


def test_an_altered_file_runs_all_but_the_check(miniature: Miniature) -> None:
    folder = miniature.root / "data" / "corpus"
    shutil.copy(folder / "speaker_02" / "1.mp4", folder / "speaker_01" / "1.mp4")
    ran = miniature.reproduce()
    assert ran == MEDIA | HEADS


def test_an_added_file_runs_all_but_the_check(miniature: Miniature) -> None:
    miniature.add_clip("speaker_01", 3)
    miniature.write_table()
    assert miniature.reproduce() == MEDIA | HEADS


def test_a_removed_file_runs_all_but_the_check(miniature: Miniature) -> None:
    gone = next(row for row in miniature.rows if row["subject"] == SPEAKERS[-1])
    miniature.rows.remove(gone)
    (miniature.root / "data" / "corpus" / gone["path"]).unlink()
    miniature.write_table()
    assert miniature.reproduce() == MEDIA | HEADS
