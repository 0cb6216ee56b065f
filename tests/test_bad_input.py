"""What a user's mistake looks like: a stage that ends with one sentence and no traceback."""

import importlib
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from ruamel.yaml import YAML

from pipeline.labels.clips import CLEAN_SCHEMA, LABELS_SCHEMA, Clip, write_clips
from pipeline.paths import CHECKED_PARAMS
from pipeline.stage import run_stage
from pipeline.store.ledger import write_ledger
from tests.conftest import PROJECT
from tests.stores import make_rows, write_features

SPEAKERS, TAKES = 3, 4

PARAMS = """
corpora: {own: {kind: table, root: data/corpus, depends_on: data/corpus}}
splits: {protocol: folds, folds: 3}
clean: {workers: 1}
faces: {}
transcribe: {}
features:
  hog: {modality: face, encoder: hog}
  mfcc: {modality: audio, encoder: mfcc}
heads:
  sound: {kind: linear, inputs: {face: none, scene: none, audio: mfcc, text: none}}
  deep:
    kind: mlp
    inputs: {face: none, scene: none, audio: mfcc, text: none}
    width: 8
    training: {epochs: 2}
evaluate: {resamples: 10}
report: {}
engine: {}
"""


class Project:
    """A project folder whose clips are labelled and hold zero bytes."""

    def __init__(self, root):
        self.root = root
        (root / ".dvc").mkdir()
        (root / ".dvc" / "config").write_text("[core]\n    no_scm = true\n")
        (root / "params.yaml").write_text(PARAMS)
        (root / "data" / "corpus").mkdir(parents=True)
        (root / "data" / "overrides.csv").write_text("clip_id,action,value,reason\n")
        (root / "data" / "splits.csv").write_text("clip_id,split\n")
        self.clip_ids = []
        rows = ["path,subject,emotion,valence,arousal"]
        for number in range(SPEAKERS * TAKES):
            speaker, valence = f"s{number // TAKES}", (-0.5, 0.5)[number % 2]
            emotion = ("sad", "happy")[number % 2]
            (root / "data" / "corpus" / f"{number:02}.wav").touch()
            rows.append(f"{number:02}.wav,{speaker},{emotion},{valence},{0.1 * (number % 5)}")
            self.clip_ids.append(f"table/{number:02}")
        (root / "data" / "corpus" / "clips.csv").write_text("\n".join(rows))

    def set_params(self, change):
        yaml = YAML()
        sections = yaml.load(self.root / "params.yaml")
        change(sections)
        yaml.dump(sections, self.root / "params.yaml")

    def check(self):
        """Leave params.yaml where stages read it, as `check` would."""
        (self.root / CHECKED_PARAMS).parent.mkdir(parents=True, exist_ok=True)
        if (self.root / "params.yaml").is_file():
            shutil.copy(self.root / "params.yaml", self.root / CHECKED_PARAMS)

    def write_mfcc(self, encoder="mfcc", spoilt=()):
        """Feature set `mfcc`; the rows of `spoilt` clips are NaN."""
        shutil.rmtree(self.root / "features", ignore_errors=True)
        generator = np.random.default_rng(0)
        rows = {
            clip_id: make_rows(generator.normal(size=(3, 7)) * (np.nan if clip_id in spoilt else 1))
            for clip_id in self.clip_ids
        }
        write_features(self.root / "features" / "mfcc", rows, encoder)

    def start(self, stage, *arguments):
        """A stage in a process of its own, as `dvc repro` starts it."""
        self.check()
        return subprocess.run(
            [sys.executable, "-m", f"stages.{stage}", *arguments],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def project(tmp_path):
    torch.set_num_threads(1)
    return Project(tmp_path)


@pytest.fixture
def run(project, monkeypatch):
    """Runs a stage of the project in this process; its `main` alone, so errors are raised."""
    monkeypatch.chdir(project.root)

    def run_main(stage, *arguments):
        monkeypatch.setattr(sys, "argv", [stage, *arguments])
        project.check()
        run_stage(importlib.import_module(f"stages.{stage}").main, [])

    return run_main


@pytest.fixture
def refuse(run):
    """Runs a stage that must fail; returns what Python prints before it exits with status 1."""

    def refuse_stage(stage, *arguments):
        with pytest.raises(SystemExit) as ended:
            run(stage, *arguments)
        assert isinstance(ended.value.code, str)
        return ended.value.code

    return refuse_stage


def assert_one_sentence(text):
    first, hint = text.rstrip("\n").split("\n")
    assert first.startswith("moodline: ")
    assert re.fullmatch(r"\(`dvc checkout` restores .*\)", hint)


def assert_refused(done):
    """Status 1, and one sentence on the error stream beside the bars of progress."""
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert_one_sentence(done.stderr[done.stderr.index("moodline: ") :])


MISTAKES = {
    "head: {}": "params.yaml: head: unknown section; did you mean 'heads'",
    "clean: {min_second: 0.1}": "clean.min_second: unknown key; did you mean 'min_seconds'",
    "clean: {min_seconds: short}": "params.yaml: clean.min_seconds: .*number.*, got 'short'",
    "clean: {allowed_share: 2}": "clean.allowed_share: .* less than or equal to 1, got 2",
    "faces: {rate_hz: -5}": "faces.rate_hz: .* greater than 0, got -5",
    "faces: {every: 3}": "expected one of rate_hz, every, per_clip, got rate_hz and every; set",
    "faces: {detector: yunnet}": "faces.detector: unknown detector; did you mean 'yunet'",
    "faces: {thresholds: {min_sharp: 3}}": "min_sharp: unknown key; did you mean 'min_sharpness'",
    "features: {}": "features: expected at least one entry, got none; add one",
    "heads: {1: {kind: linear}}": "heads: expected names of lower-case letters.*, got 1",
    "heads: {a: {kind: liner}}": "heads.a.kind: unknown head 'liner'; did you mean 'linear'",
    "heads: {a: {inputs: {}}}": "heads.a.kind: missing; one of attention, audio_cnn, beit",
    "heads: {a: {kind: linear}}": "heads.a.inputs: missing; add it",
    "heads: [linear]": "heads: expected a map of keys, got ",
    "corpora: {a: {kind: ravdes}}": "corpora.a.kind: unknown corpus 'ravdes'; did you mean 'rav",
    "corpora: {a: {kind: table, depends_on: data}}": "corpora.a.root: missing; add it",
}


@pytest.mark.parametrize(("section", "told"), MISTAKES.items())
def test_a_mistake_in_the_params_is_named_with_what_to_write(project, refuse, section, told):
    name = section.split(":")[0]
    given = YAML(typ="safe").load(section)
    project.set_params(lambda sections: sections.update(given))
    message = refuse("check")
    assert_one_sentence(message)
    assert re.search(told, message), (name, message)


def test_params_that_are_no_yaml_are_refused_with_their_line(project, refuse):
    (project.root / "params.yaml").write_text("corpora: {own: {kind: table\nsplits: [\n")
    message = refuse("check")
    assert_one_sentence(message)
    assert "params.yaml: not readable YAML" in message
    assert "line 2" in message


def test_missing_params_are_refused(project, refuse):
    (project.root / "params.yaml").unlink()
    assert "no such file; `moodline preset demo` writes one" in refuse("check")


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ("mfc", r"inputs.audio: unknown feature set 'mfc'; did you mean 'mfcc'\? known: hog, mfcc"),
        ("hog", "inputs.audio: expected a set of modality audio, got 'hog' of modality face"),
        ("none", "inputs: expected a feature set, got only none"),
    ],
)
def test_a_head_over_the_wrong_feature_set_is_refused(project, refuse, chosen, told):
    project.set_params(lambda sections: sections["heads"]["sound"]["inputs"].update(audio=chosen))
    message = refuse("check")
    assert_one_sentence(message)
    assert re.search(f"heads.sound.{told}", message)


def test_an_encoder_of_another_modality_is_refused(project, refuse):
    project.set_params(lambda sections: sections["features"]["mfcc"].update(modality="face"))
    assert re.search("features.mfcc.modality: .*'audio', got 'face'", refuse("check"))


@pytest.mark.parametrize(("stage", "kind"), [("extract", "features"), ("train", "heads")])
def test_an_entry_that_is_not_in_the_params_is_refused(refuse, stage, kind):
    assert f"{kind}.nobody: no such entry; known: " in refuse(stage, "nobody")


def test_a_missing_corpus_is_refused(project, refuse):
    shutil.rmtree(project.root / "data" / "corpus")
    message = refuse("labels")
    assert_one_sentence(message)
    assert "corpora.own: data/corpus/clips.csv: no such table; mend `root` or `table`" in message


@pytest.mark.parametrize(
    ("stage", "table", "schema"),
    [("clean", "labels", LABELS_SCHEMA), ("faces", "clips", CLEAN_SCHEMA)],
)
def test_a_table_of_clips_from_a_stranger_names_no_file_elsewhere(
    project, refuse, stage, table, schema
):
    path = project.root / "data" / table / "clips.parquet"
    write_clips(path, [Clip(clip_id="table/00", corpus="table", path="/home/me/voice.wav")], schema)
    write_ledger(project.root / "data" / "labels" / "kept.parquet", [])
    message = refuse(stage)
    assert_one_sentence(message)
    assert "table/00: expected files below data/corpus, got /home/me/voice.wav; set" in message
    assert not (project.root / "data" / "audio").exists()


def test_clips_that_nobody_labelled_cannot_be_trained_on(project, run, refuse):
    listed = [f"{number:02}.wav" for number in range(SPEAKERS * TAKES)]
    (project.root / "data" / "corpus" / "clips.csv").write_text("path\n" + "\n".join(listed))
    project.write_mfcc()
    run("labels")
    message = refuse("train", "sound")
    assert_one_sentence(message)
    assert "expected clips with labels to train on, got none" in message


@pytest.mark.parametrize(
    ("stage", "arguments", "told"),
    [
        ("clean", [], "data/labels/clips.parquet: no such table"),
        ("overview", [], "data/labels/clips.parquet: no such table"),
        ("faces", [], "data/clips/clips.parquet: no such table"),
        ("transcribe", [], "data/clips/clips.parquet: no such table"),
        ("extract", ["mfcc"], "data/audio/store.json: expected a store, found no file"),
        ("train", ["sound"], "features/mfcc/store.json: expected a store, found no file"),
        ("evaluate", ["sound"], "data/labels/clips.parquet: no such table"),
        ("report", [], "reports/heads/sound"),
    ],
)
def test_what_an_earlier_stage_did_not_leave_is_named(refuse, stage, arguments, told):
    message = refuse(stage, *arguments)
    assert_one_sentence(message)
    assert told in message


def test_a_folder_that_is_no_project_is_refused(project, run, refuse):
    run("labels")
    shutil.rmtree(project.root / ".dvc")
    assert "not a DVC project; run this in your moodline clone" in refuse("clean")


def test_features_of_nan_stop_training(project, run, refuse):
    project.write_mfcc(spoilt=["table/05"])
    run("labels")
    for head in ("sound", "deep"):
        message = refuse("train", head)
        assert_one_sentence(message)
        assert "features/mfcc: expected finite embeddings, got NaN or infinity" in message


def test_a_loss_of_nan_stops_training(project, run, refuse):
    project.set_params(
        lambda sections: sections["heads"]["deep"]["training"].update(learning_rate=1e30)
    )
    project.write_mfcc()
    run("labels")
    message = refuse("train", "deep")
    assert_one_sentence(message)
    assert re.search(
        "epoch 0: expected a finite validation loss, got nan; lower `training.learning",
        message,
    )


def test_features_of_another_encoder_are_refused(project, run, refuse):
    project.write_mfcc(encoder="another")
    run("labels")
    message = refuse("train", "sound")
    assert_one_sentence(message)
    assert "features/mfcc: expected embeddings by encoder 'mfcc'" in message
    assert "got 'another'; run `dvc repro extract@mfcc`" in message


def test_a_process_refuses_params_with_one_sentence(project):
    project.set_params(lambda sections: sections["faces"].update(pixel=96))
    done = project.start("check")
    assert_refused(done)
    assert "faces.pixel: unknown key; did you mean 'pixels'" in done.stderr


def test_a_process_refuses_a_corpus_of_empty_files_with_one_sentence(project, run):
    run("labels")
    done = project.start("clean")
    assert_refused(done)
    assert "expected at most a share of 0.1 left out, got 12 of 12 clips" in done.stderr
    assert "(empty_file 12; first table/00: data/corpus/00.wav holds 0 bytes" in done.stderr


def test_a_process_refuses_a_corpus_of_nothing_usable_with_one_sentence(project, run):
    project.set_params(lambda sections: sections["clean"].update(allowed_share=1))
    run("labels")
    done = project.start("clean")
    assert_refused(done)
    assert "clean: expected at least one usable clip, got none of 12" in done.stderr


def test_a_process_refuses_to_train_on_features_that_are_not_there(project, run):
    run("labels")
    done = project.start("train", "sound")
    assert_refused(done)
    assert "features/mfcc/store.json: expected a store, found no file" in done.stderr
