"""A corpus that heads learn in a moment."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from pipeline.heads.building import build_head
from pipeline.heads.losses import LossChoice
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.runs import Run
from pipeline.training.fitting import fit_run
from pipeline.training.objective import Objective
from pipeline.training.validation import Validation
from pipeline.windows.dataset import WindowDataset, load_batches
from pipeline.windows.labels import Labels
from tests.stores import EMOTIONS, make_labels, make_params, make_rows, write_features

CLIPS, DIM = 18, 5
OFFICIAL = Run("official", None)
TRAINING = {"epochs": 4, "learning_rate": 0.02, "batch": 8}
OPTIONS = {
    "mlp": {"width": 8, "training": TRAINING},
    "linear": {"strengths": [0.1]},
    "late_fusion": {"training": TRAINING},
}


def make_objective(dataset: WindowDataset, losses: LossChoice | None = None) -> Objective:
    """That of an untrained head over `dataset`, by the first loss of each target, or others."""
    torch.manual_seed(0)
    head = build_head(dataset.params, dataset.shapes, dataset.per, len(EMOTIONS))
    return Objective(head, dataset.params.training, losses or LossChoice())


def judge(dataset: WindowDataset) -> Validation:
    """What judges heads over `dataset`, in batches of five."""
    return Validation(load_batches(dataset, size=5), len(EMOTIONS), LossChoice(), "val_loss")


class Corpus:
    """Clips of three sides whose labels show in their rows; those in `spoilt` are NaN."""

    def __init__(self, folder: Path, spoilt=()):
        generator = np.random.default_rng(0)
        torch.set_num_threads(1)
        self.folder = folder
        targets, rows = [], {}
        for number in range(3 * CLIPS):
            side, emotion = ("train", "val", "test")[number // CLIPS], number % 3
            target = ClipLabels(
                clip_id=f"{side}/{number:02}",
                split=side,
                labels={
                    "emotion": EMOTIONS[emotion],
                    "valence": (emotion - 1) / 2,
                    "arousal": generator.uniform(-1, 1),
                },
            )
            plane = [target.labels[name] for name in ("valence", "arousal")]
            causes = [*(emotion == np.arange(3)), *plane]
            noisy = np.array(causes, float) + 0.2 * generator.normal(size=(2, DIM))
            rows[target.clip_id] = make_rows(noisy * (np.nan if side in spoilt else 1))
            targets.append(target)
        self.labels = make_labels(targets)
        self.store = write_features(folder / "audio", rows)

    def fit(self, kind="mlp", labels: Labels | None = None, **options):
        chosen = make_params(kind, {"audio": "audio"}, **{**OPTIONS[kind], **options})
        live = self.folder / "live"
        return fit_run(chosen, {"audio": self.store}, labels or self.labels, OFFICIAL, live)

    def change(self, side: str, change):
        """Labels with those of one side changed."""
        changed = {
            name: change(target) if target.split == side else target
            for name, target in self.labels.targets.items()
        }
        return Labels(changed, {}, self.labels.names)

    def relabel(self, side: str, **labels):
        return self.change(side, lambda target: replace(target, labels=labels))

    def window(self, side: str, **options) -> WindowDataset:
        """Windows of one side, as a head of these options sees them."""
        params = make_params("mlp", {"audio": "audio"}, width=8, **options)
        dataset = WindowDataset({"audio": self.store}, self.labels, params)
        dataset.add_clips(n for n, target in self.labels.targets.items() if target.split == side)
        return dataset
