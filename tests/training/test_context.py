"""Heads that learn from the turns around a clip."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.errors import TrainingError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.dialogues import Turn
from pipeline.prediction.answers import predict_clips
from pipeline.store.reader import FeatureStore
from pipeline.training.fitting import fit_run
from pipeline.windows.dataset import WindowDataset
from pipeline.windows.labels import Labels
from tests.stores import EMOTIONS, make_labels, make_params, make_rows, write_features
from tests.training.corpus_made import OFFICIAL

DIALOGUES, TURNS = 24, 5
SIDES = ("train", "train", "train", "val", "test", "test")
OPTIONS = {"linear": {"strengths": [0.1]}, "graph": {"width": 16, "heads": 2, "layers": 1}}
TRAINING = {"epochs": 8, "learning_rate": 0.02, "batch": 16}
CONTEXT = {"context_turns": 1}


class Talk:
    """Dialogues of five turns; the emotion of each shows in the rows of the turn before it."""

    def __init__(self, folder: Path) -> None:
        torch.set_num_threads(1)
        rng = np.random.default_rng(0)
        self.folder, targets, rows, self.turns = folder, [], {}, {}
        for dialogue in range(DIALOGUES):
            told = rng.integers(3, size=TURNS + 1)
            for turn in range(TURNS):
                clip_id = f"{dialogue:02}_{turn}"
                emotion, split = EMOTIONS[told[turn]], SIDES[dialogue % len(SIDES)]
                labels = {"emotion": emotion} if turn else {}
                targets.append(ClipLabels(clip_id=clip_id, split=split, labels=labels))
                rows[clip_id] = make_rows(np.eye(3)[[told[turn + 1]]] + rng.normal(0, 0.1, (1, 3)))
                self.turns[clip_id] = Turn(dialogue, turn, turn % 2)
        self.labels = make_labels(targets, turns=self.turns)
        self.store = write_features(folder / "text", rows)

    @property
    def features(self) -> dict[str, FeatureStore]:
        return {"text": self.store}

    def fit(self, kind: str, labels: Labels | None = None, **options: Any) -> float:
        """Accuracy on test of a head of this kind."""
        given = {**OPTIONS[kind], **options, "training": TRAINING, "targets": ["emotion"]}
        params = make_params(kind, {"text": "text"}, **given)
        found = labels or self.labels
        fitted = fit_run(params, self.features, found, OFFICIAL, self.folder / "live")
        dataset = WindowDataset(self.features, found, params)
        dataset.add_clips(n for n, own in found.targets.items() if own.split == "test")
        answers = predict_clips(fitted.head, dataset.sources, dataset.windows)
        right = [
            EMOTIONS[answer.clip["emotion"].argmax()] == found.targets[name].labels["emotion"]
            for name, answer in answers.items()
            if found.targets[name].labels
        ]
        return float(np.mean(right))


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Talk:
    return Talk(tmp_path_factory.mktemp("talk"))


@pytest.mark.parametrize(("kind", "causal"), [("linear", False), ("linear", True), ("graph", True)])
def test_what_was_said_before_is_learned_from(talk: Talk, kind: str, causal: bool) -> None:
    assert talk.fit(kind, windows={**CONTEXT, "causal": causal}) > 0.9


def test_without_context_it_is_not(talk: Talk) -> None:
    assert talk.fit("linear") < 0.6


def test_a_dialogue_on_two_sides_is_refused(talk: Talk) -> None:
    parted = dict(talk.labels.targets)
    parted["00_3"] = replace(parted["00_3"], split="test")
    with pytest.raises(
        TrainingError, match=r"official: .* one side, got 00_0 in train and 00_3 in test; split by"
    ):
        talk.fit("linear", replace(talk.labels, targets=parted), windows=CONTEXT)
    assert talk.fit("linear", replace(talk.labels, targets=parted)) < 0.6


def test_a_clip_on_no_side_may_be_in_any_dialogue(talk: Talk) -> None:
    unplaced = dict(talk.labels.targets)
    unplaced["00_3"] = replace(unplaced["00_3"], split=None)
    assert talk.fit("linear", replace(talk.labels, targets=unplaced), windows=CONTEXT) > 0.9


def test_a_corpus_without_dialogues_has_no_context(talk: Talk) -> None:
    with pytest.raises(TrainingError, match="expected clips with a dialogue and a turn, got none"):
        talk.fit("linear", replace(talk.labels, turns={}), windows=CONTEXT)


def test_frames_have_no_turns_around_them(talk: Talk) -> None:
    frames = {"00_1": {"seconds": [0.5], "emotion": [1]}}
    labels = make_labels(list(talk.labels.targets.values()), frames, turns=talk.turns)
    with pytest.raises(TrainingError, match=r"context_turns: .* got frames of emotion; set it to"):
        talk.fit("linear", labels, windows=CONTEXT)
