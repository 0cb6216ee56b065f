"""Every head learns a clear signal, and falls to chance where training labels are shuffled.

A leak from test into training, whatever its way, would lift the second above chance.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline.evaluation.evaluating import evaluate_head
from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.table import HELD_OUT_SCHEMA, add_speakers
from pipeline.heads.building import load_heads
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import Clip
from pipeline.prediction.held_out import Trained, predict_held_out
from pipeline.store.reader import open_features
from pipeline.store.tables import read_table
from pipeline.training.saving import train_head
from pipeline.windows.labels import Labels
from tests.stores import ask, make_labels, make_params, make_rows, write_features

SUBJECTS, CLIPS, FOLDS = 12, 12, 3
EMOTIONS = ["angry", "calm", "happy", "sad"]
DIMS = {"face": 13, "audio": 17, "text": 11}
CAUSES = 4
MARGIN = 0.3

CHANCE = 1 / len(EMOTIONS)
BOUND = 3 * np.sqrt(CHANCE * (1 - CHANCE) / (SUBJECTS * CLIPS / 2))
"""Three standard deviations of a binomial over half the clips: a head errs alike on like clips."""

DESCENT = {"epochs": 6, "learning_rate": 0.02, "batch": 16, "modality_dropout": 0.0}
NETWORK = {"width": 16, "dropout": 0.1, "training": DESCENT}
OPTIONS = {
    "linear": {"strengths": [0.01, 0.1, 1.0]},
    "mlp": NETWORK,
    "attention": NETWORK,
    "beit": {**NETWORK, "layers": 1},
}


class Corpus:
    """Clips whose few hidden causes show in every modality and decide every label.

    Each subject has an offset of their own, and classes are as frequent as one another.
    """

    def __init__(self, folder):
        self.folder = folder
        self.generator = np.random.default_rng(0)
        self.to_emotion = self.draw_directions(len(EMOTIONS))
        self.to_plane = self.draw_directions(2)
        self.to_rows = {
            name: self.generator.normal(size=(CAUSES, dim)) for name, dim in DIMS.items()
        }
        self.rows = {name: {} for name in DIMS}
        targets = [target for number in range(SUBJECTS) for target in self.record(number)]
        self.labels = make_labels(targets, emotions=EMOTIONS)
        for name, rows in self.rows.items():
            write_features(folder / name, rows)

    def draw_directions(self, count):
        found = self.generator.normal(size=(CAUSES, count))
        return found / np.linalg.norm(found, axis=0)

    def record(self, number):
        offsets = {name: 0.3 * self.generator.normal(size=dim) for name, dim in DIMS.items()}
        for take in range(CLIPS):
            clip_id, emotion = f"s{number:02}/{take:02}", take % len(EMOTIONS)
            causes = self.draw_causes(emotion)
            for name, offset in offsets.items():
                noise = 0.3 * self.generator.normal(size=(2 + take % 3, DIMS[name]))
                self.rows[name][clip_id] = make_rows(causes @ self.to_rows[name] + offset + noise)
            valence, arousal = np.tanh(0.6 * causes @ self.to_plane).tolist()
            yield ClipLabels(
                clip_id=clip_id,
                fold=number % FOLDS,
                labels={"emotion": EMOTIONS[emotion], "valence": valence, "arousal": arousal},
            )

    def draw_causes(self, emotion):
        while True:
            causes = self.generator.normal(size=CAUSES)
            scores = causes @ self.to_emotion
            if scores[emotion] - np.delete(scores, emotion).max() > MARGIN:
                return causes

    def shuffle(self):
        """Labels in which the clips of each fold have exchanged theirs."""
        shuffled = {}
        for fold in range(FOLDS):
            own = [target for target in self.labels.targets.values() if target.fold == fold]
            for target, place in zip(own, self.generator.permutation(len(own)), strict=True):
                shuffled[target.clip_id] = replace(own[place], clip_id=target.clip_id)
        ordered = {clip_id: shuffled[clip_id] for clip_id in self.labels.targets}
        return Labels(ordered, {}, self.labels.names)

    def judge(self, kind, training_labels):
        """Test metrics, by the true labels, of a head trained on `training_labels`."""
        params = make_params(kind, {name: name for name in DIMS}, **OPTIONS[kind])
        out = self.folder / "models" / kind
        train_head(ask(kind, params), self.folder, training_labels, out)
        held_out = read_table(out / "predictions.parquet", HELD_OUT_SCHEMA)
        if training_labels is not self.labels:
            recipe, params, heads = load_heads(out)
            stores = {name: open_features(self.folder / name) for name in DIMS}
            held_out = predict_held_out(Trained(params, stores, heads, recipe.priors), self.labels)
        predictions = add_speakers(held_out, map(_describe, self.labels.targets))
        evaluation = evaluate_head(
            kind, predictions, EMOTIONS, EvaluateParams(test=True, resamples=10)
        )
        metrics = evaluation.splits["test"].metrics
        assert metrics["accuracy"].covered == SUBJECTS * CLIPS
        return metrics["accuracy"].value, metrics["ccc_mean"].value


def _describe(clip_id):
    subject = clip_id.split("/")[0]
    return Clip(clip_id=clip_id, corpus="toy", path=clip_id, subject=subject, group=subject)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    torch.set_num_threads(1)
    return Corpus(tmp_path_factory.mktemp("chance"))


@pytest.mark.parametrize("kind", OPTIONS)
def test_a_clear_signal_is_learned(corpus, kind):
    accuracy, ccc = corpus.judge(kind, corpus.labels)
    assert accuracy > 0.8
    assert ccc > 0.7


@pytest.mark.parametrize("kind", OPTIONS)
def test_shuffled_labels_teach_nothing_of_unseen_speakers(corpus, kind):
    accuracy, ccc = corpus.judge(kind, corpus.shuffle())
    assert abs(accuracy - CHANCE) < BOUND
    assert abs(ccc) < 0.3
