"""`moodline import`, and a project of a table and imported rows alone, stage by stage."""

import importlib
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.cli import main
from pipeline.paths import CHECKED_PARAMS
from pipeline.stage import run_stage
from pipeline.store.reader import open_features

SPEAKERS, TAKES = 4, 3
PARAMS = """
corpora: {own: {kind: table, root: data/raw, depends_on: data/raw, called: own}}
splits: {protocol: folds, folds: 3}
features:
  FEATURE
heads:
  words:
    kind: linear
    targets: [emotion]
    inputs: {face: none, scene: none, audio: none, text: words}
evaluate: {test: true, resamples: 10}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of ids and labels, and rows that tell them, in a file of their own."""
    torch.set_num_threads(1)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[core]\n    no_scm = true\n")
    (tmp_path / "data" / "raw").mkdir(parents=True)
    (tmp_path / "data" / "overrides.csv").write_text("clip_id,action,value,reason\n")
    lines, rows = ["clip_id,subject,emotion"], {}
    generator = np.random.default_rng(0)
    for number in range(SPEAKERS * TAKES):
        emotion = ("sad", "happy")[number % 2]
        lines.append(f"clip_{number:02},s{number // TAKES},{emotion}")
        rows[f"clip_{number:02}"] = generator.normal(number % 2, 0.1, (2, 5))
    (tmp_path / "data" / "raw" / "clips.csv").write_text("\n".join(lines))
    np.savez(tmp_path / "words.npz", **rows)
    return tmp_path


def run(stage: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", [stage, *arguments])
    CHECKED_PARAMS.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy("params.yaml", CHECKED_PARAMS)
    run_stage(importlib.import_module(f"stages.{stage}").main, [])


def bring(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What the command prints."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["import", "words.npz", "--name", "words", "--modality", "text", *options])
    assert not ended.value.code, ended.value.code
    return capsys.readouterr().out


def test_a_table_and_imported_rows_are_a_complete_project(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = bring(capsys, "--clip-prefix", "own/", "--trained-on-labels", "none")
    (feature,) = re.findall(r"^  (words: \{.*\})$", told, re.MULTILINE)
    Path("params.yaml").write_text(PARAMS.replace("FEATURE", feature))
    for stage in ("labels", "clean", "faces", "transcribe"):
        run(stage, monkeypatch)
    run("extract", monkeypatch, "extract@words")
    store = open_features("features/words")
    assert sum(map(store.has_rows, store)) == len(store) == SPEAKERS * TAKES
    run("train", monkeypatch, "train@words")
    run("evaluate", monkeypatch, "evaluate@words")
    found = json.loads(Path("reports/metrics/words.json").read_text())
    assert found["test"]["accuracy"] == 1.0


def test_what_the_corpus_has_no_clip_of_is_left_out(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("params.yaml").write_text(PARAMS.replace("FEATURE", "x: {modality: audio, encoder: mfcc}"))
    run("labels", monkeypatch)
    np.savez("words.npz", clip_03=np.ones((4, 5)), other=np.ones((1, 5)))
    told = bring(capsys, "--trained-on-labels", "own")
    assert "data/imported/words: 1 clips, 4 rows of 5" in told
    assert "rows have no seconds: each counts as one, unless --rate says how many" in told
    assert "1 ids are of no clip of the corpus: other" in told
    assert "11 clips of the corpus have no rows: own/clip_00, own/clip_01, own/clip_02, …" in told
    assert "seen_corpora: [own]" in told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--name", "Words"], "--name: expected lower-case letters, .* got 'Words'"),
        (["--modality", "txt"], "--modality: unknown modality 'txt'; did you mean 'text'"),
        (["--fill", "nan"], "--fill: expected a number, got nan"),
        (["--ids", "absent.csv"], "absent.csv: no such table"),
    ],
)
def test_a_mistake_is_one_sentence(options: list[str], told: str, project: Path) -> None:
    with pytest.raises(SystemExit, match=told):
        main(["import", "words.npz", "--name", "words", "--modality", "text", *options])
    assert not Path("data/imported").exists()


def test_a_set_that_is_there_is_not_written_over(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = bring(capsys)
    assert "labels may have had a part in making them; --trained-on-labels says which" in first
    with pytest.raises(SystemExit, match="data/imported/words: it is there already"):
        main(["import", "words.npz", "--name", "words", "--modality", "text"])
    assert bring(capsys, "--force") == first
