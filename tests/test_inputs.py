"""Heads over several sets of one modality, layers and tokens, in the real `dvc repro`."""

import json
import shutil
from pathlib import Path

import pytest

from tests.projects import DVC_WARNS, EDITED, FirstRun, Project
from tests.tiny_models import save_speech_model, save_vision_model

NOTHING = dict.fromkeys(("face", "scene", "audio", "text"), "none")
TRAINING = {"epochs": 2}


@pytest.fixture(scope="module")
def project(first_run: FirstRun, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = first_run.copy(tmp_path_factory.mktemp("inputs") / "project")
    shutil.copytree(save_speech_model(), project.root / "weights" / "speech")
    shutil.copytree(save_vision_model(), project.root / "weights" / "vision")
    project.set_params(lambda params: params.update(name_more(params)))
    return project


def name_more(params: dict) -> dict:
    audio = {"modality": "audio"}
    hubert = {"encoder": "huggingface_speech", "weights": "weights/speech", "layer": "all"}
    tokens = {"encoder": "huggingface_vision", "weights": "weights/vision", "pooling": "tokens"}
    return {
        "features": {
            **params["features"],
            "logmel": {**audio, "encoder": "logmel"},
            "loudness": {**audio, "encoder": "mfcc", "coefficients": 1},
            "hubert": {**audio, **hubert},
            "tokens": {"modality": "face", **tokens},
        },
        "joint": {
            "sounds": {"first": "mfcc", "second": "spectra"},
            "spectra": {"first": "logmel", "second": "loudness"},
        },
        "heads": {
            **params["heads"],
            "three": {"kind": "linear", "inputs": {**NOTHING, "audio": "sounds"}},
            "patches": {
                "kind": "attention",
                "inputs": {**NOTHING, "face": "tokens", "audio": "hubert"},
                "training": TRAINING,
            },
        },
    }


def read_inputs(project: Project, head: str) -> dict[str, str]:
    recipe = json.loads((project.root / "models" / head / "recipe.json").read_text())
    return {stream: " x ".join(made["row_axes"]) for stream, made in recipe["inputs"].items()}


def test_one_run_makes_heads_over_three_sets_layers_and_tokens(project: Project) -> None:
    made = {f"extract@{name}" for name in ("logmel", "loudness", "hubert", "tokens")}
    made |= {"join@spectra", "join@sounds"}
    for head in ("three", "patches"):
        made |= {f"train@{head}", f"evaluate@{head}"}
    assert project.reproduce() == EDITED | {"report"} | made
    streams = ("audio/mfcc", "audio/logmel", "audio/loudness")
    assert read_inputs(project, "three") == dict.fromkeys(streams, "dim")
    assert read_inputs(project, "patches") == {"face": "tokens x dim", "audio": "layers x dim"}


@DVC_WARNS
def test_another_member_runs_the_heads_that_read_it(project: Project) -> None:
    project.set_params(lambda p: p["features"]["logmel"].update(mels=20))
    joined = {"join@spectra", "join@sounds", "train@three", "evaluate@three"}
    assert project.list_due() == {"extract@logmel", "report"} | joined


def test_the_pages_name_every_set_of_a_joint_one(project: Project) -> None:
    for page in ("reports/heads/three/index.html", "reports/index.html"):
        told = Path(project.root, page).read_text(encoding="utf-8")
        assert "mfcc + logmel + loudness" in told
