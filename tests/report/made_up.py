"""Heads made up for the pages, and a reader of what the pages then say."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.evaluation.comparing import compare_heads
from pipeline.evaluation.evaluating import evaluate_head
from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.table import NOTHING, PREDICTIONS_SCHEMA
from pipeline.heads.recipes import Input, Recipe
from pipeline.report.face_summaries import FaceCounts
from pipeline.report.index_page import Overview
from pipeline.report.params import ReportParams
from pipeline.report.summary import HeadSummary
from pipeline.store.ledger import Entry
from pipeline.store.provenance import Provenance
from pipeline.targets import TARGETS, list_means
from tests.stores import SECTIONS

EMOTIONS = ("neutral", "happy", "sad", "angry", "fearful")
CENTRES = {
    "neutral": (0.0, -0.1),
    "happy": (0.7, 0.4),
    "sad": (-0.6, -0.5),
    "angry": (-0.6, 0.7),
    "fearful": (-0.5, 0.5),
}
SETS = {"face": "hog", "audio": "logmel", "text": "minilm"}


THREE = ("emotion", "valence", "arousal")


@dataclass(frozen=True)
class MadeUp:
    """What is made up about a corpus and its heads; of `targets` only the `labelled` are known."""

    speakers: int = 12
    clips_each: int = 5
    folds: int = 6
    frames: int = 0
    targets: tuple[str, ...] = THREE
    unlabelled: tuple[str, ...] = ()
    test: bool = True
    resamples: int = 101

    @property
    def evaluate(self) -> EvaluateParams:
        return EvaluateParams(test=self.test, resamples=self.resamples)


def make_labels(made: MadeUp) -> list[tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """Clip (or frame, where the corpus has frames), and target → its label as numbers."""
    rng = np.random.default_rng(7)
    rows = []
    for speaker in range(made.speakers):
        for number in range(made.clips_each):
            emotion = int(rng.integers(len(EMOTIONS)))
            clip = {
                "clip_id": f"demo/{speaker:02d}-{number:02d}",
                "corpus": "demo",
                "subject": f"speaker {speaker + 1}",
                "group": f"speaker {speaker + 1}",
                "fold": speaker % made.folds,
            }
            for moment in range(made.frames or 1):
                seconds = {"seconds": moment / 5} if made.frames else {}
                labels = {name: _draw_label(name, emotion, rng) for name in made.targets}
                rows.append(({**clip, **seconds}, labels))
    return rows


def _draw_label(name: str, emotion: int, rng: np.random.Generator) -> np.ndarray:
    target = TARGETS[name]
    if target.kind == "class":
        return np.array([float(emotion)])
    if target.kind == "rating":
        centre = CENTRES[EMOTIONS[emotion]][name == "arousal"]
        return np.clip([centre + rng.normal(0, 0.2)], target.low, target.high)
    if target.kind == "presence":
        return np.array([float(rng.random() < 0.4)])
    votes = rng.multinomial(7, 0.5 / len(EMOTIONS) + 0.5 * (np.arange(len(EMOTIONS)) == emotion))
    return votes / 7 if target.kind == "votes" else np.where(votes > 1, votes / 7, 0.0)


def make_predictions(made: MadeUp, skill: float, modalities: Sequence[str]) -> pa.Table:
    """Predictions as good as `skill`; without a modality they are worse."""
    rng = np.random.default_rng(int(1000 * skill))
    withholdings = [NOTHING, *(modalities if len(modalities) > 1 else ())]
    rows = []
    for split in ("val", "test"):
        for withheld in withholdings:
            left = skill * (1 if withheld == NOTHING else 0.55 + 0.1 * len(withheld) % 0.4)
            shared = {"split": split, "withheld": withheld}
            for clip, labels in make_labels(made):
                seen = len(modalities) > 1 or rng.random() > 0.08
                for name, label in labels.items():
                    predicted = _predict(name, label, left, rng) if seen else {}
                    known = [None] * len(label) if name in made.unlabelled else label.tolist()
                    rows += [
                        {**clip, **shared, **row}
                        for row in list_rows(name, known, predicted, _prior(name, made))
                    ]
    return pa.Table.from_pylist(rows, schema=PREDICTIONS_SCHEMA)


def list_rows(
    name: str, label: list[float | None], predicted: dict[str, list[float]], prior: float | None
) -> list[dict[str, Any]]:
    """Rows of one target: one, or one for each class."""
    vector = TARGETS[name].behaviour.vector
    guesses = predicted.get("predicted", [None] * len(label))
    return [
        {
            "target": name,
            "class": EMOTIONS[place] if vector else None,
            "label": number,
            "predicted": guess,
            "scores": predicted.get("scores"),
            "prior": prior,
        }
        for place, (number, guess) in enumerate(zip(label, guesses, strict=True))
    ]


def _prior(name: str, made: MadeUp) -> float | None:
    return None if name in made.unlabelled else {"class": 0.0}.get(TARGETS[name].kind, 0.2)


def _predict(
    name: str, label: np.ndarray, skill: float, rng: np.random.Generator
) -> dict[str, list[float]]:
    kind = TARGETS[name].kind
    if kind == "class":
        sure = skill * (np.arange(len(EMOTIONS)) == label)
        scores = (1 - skill) * rng.dirichlet(np.ones(len(EMOTIONS))) + sure * (rng.random() < skill)
        return {"predicted": [float(scores.argmax())], "scores": (scores / scores.sum()).tolist()}
    if kind == "rating":
        return {"predicted": (skill * label + (1 - skill) * rng.normal(0, 0.35, 1)).tolist()}
    noise = rng.dirichlet(np.ones(len(EMOTIONS)))
    if kind == "votes":
        return {"predicted": (skill * label + (1 - skill) * noise).tolist()}
    there = skill * (label > 0) + (1 - skill) * 2 * noise[: len(label)]
    return {"predicted": there.clip(0, 1).tolist()}


def make_history(made: MadeUp, skill: float) -> list[dict[str, str]]:
    """What each epoch of each run measured, as text."""
    rng = np.random.default_rng(3)
    rows = []
    for fold in range(made.folds):
        for epoch in range(int(rng.integers(17, 29))):
            grown = 1 - np.exp(-epoch / 6)
            values = {
                "train_loss": 1.8 - 1.3 * grown + rng.normal(0, 0.02),
                "val_loss": 1.9 - 0.9 * skill * grown + 0.006 * epoch + rng.normal(0, 0.04),
                **{
                    metric: 0.1 + 0.8 * skill * grown + rng.normal(0, 0.03)
                    for metric in list_means(set(made.targets) - set(made.unlabelled))
                },
            }
            texts = {name: str(value) for name, value in values.items()}
            rows.append({"run": f"fold-{fold}", "epoch": str(epoch), **texts})
    return rows


def make_recipe(made: MadeUp, name: str, kind: str, modalities: Sequence[str]) -> Recipe:
    """Recipe of a head that nobody trained."""
    inputs = {
        modality: SETS.get(modality, "none") for modality in ("face", "scene", "audio", "text")
    }
    return Recipe(
        head=name,
        params={
            "kind": kind,
            "inputs": {m: s if m in modalities else "none" for m, s in inputs.items()},
            "targets": list(made.targets),
            "training": {"epochs": 60, "learning_rate": 0.001, "seed": 0},
        },
        sections=SECTIONS,
        emotions=list(EMOTIONS),
        per=dict.fromkeys(made.targets, "frame" if made.frames else "clip"),
        inputs={
            modality: Input(
                name=SETS[modality],
                params={"modality": modality, "encoder": SETS[modality]},
                row_shape=[384],
                row_axes=["dim"],
                index_digest="6f3a9c0d81b2e4f7",
                provenance=Provenance("extract", {"encoder": SETS[modality]}).to_json(),
            )
            for modality in modalities
        },
        priors={
            f"fold-{fold}": {"emotion": 0.0, "valence": -0.2, "arousal": 0.15}
            for fold in range(made.folds)
        },
        layer_shares={},
        unseen={},
        empty_windows={},
        versions={"python": "3.11.9", "torch": "2.11.0", "numpy": "2.4.0"},
        weights_digest="0d3c5b9f2a714e68",
        predictions_digest="7a41e09d55c2f318",
        git_revision="62abb5b2f0e9c7a1d4e8b6f3a0c5d7e9f1b2a3c4",
    )


def make_head(
    made: MadeUp,
    name: str,
    skill: float,
    *,
    kind: str = "mlp",
    modalities: Sequence[str] = ("face",),
) -> HeadSummary:
    """One head on the corpus `made`."""
    predictions = make_predictions(made, skill, modalities)
    return HeadSummary(
        evaluation=evaluate_head(name, predictions, EMOTIONS, made.evaluate),
        recipe=make_recipe(made, name, kind, modalities),
        history=[] if kind == "linear" else make_history(made, skill),
        predictions=predictions,
    )


def normalise_by_subject(head: HeadSummary, **values: float) -> HeadSummary:
    """`head` as if it knew subjects, with each metric's `values` from one other clip of them."""
    recipe = head.recipe.model_copy(
        update={"params": {**head.recipe.params, "normalisation": "subject"}}
    )
    splits = {
        split: judged.model_copy(
            update={"withheld": {"all but 1 clip": {**judged.filled, **values}}}
        )
        for split, judged in head.evaluation.splits.items()
    }
    evaluation = head.evaluation.model_copy(update={"splits": splits})
    return replace(head, recipe=recipe, evaluation=evaluation)


def make_overview(made: MadeUp, heads: Sequence[HeadSummary]) -> Overview:
    """Everything of the page about `heads`."""
    tables = {head.name: head.predictions for head in heads}
    splits = ("val", "test") if made.test else ("val",)
    return Overview(
        heads=heads,
        comparisons=[compare_heads(tables, EMOTIONS, s, made.evaluate) for s in splits],
        ledger=[
            Entry("demo/03-07", "clean", "left_out", "undecodable", "moov atom not found"),
            Entry("demo/05-01", "faces", "left_out", "no_face", "no face in 31 frames"),
            Entry("demo/05-02", "faces", "left_out", "no_face", "no face in 29 frames"),
            Entry("demo/09-04", "clean", "marked", "quiet", "sound at -51.3 dBFS"),
        ],
        alike=["official: 1 of 9 clips in test are like clips in train"],
        faces=FaceCounts(
            clips=60,
            with_faces=58,
            median_share=0.97,
            people_per_clip=1.3,
            interpolated_share=0.021,
        ),
        params_yaml="corpora:\n  own: {kind: table}   # <made up>\n",
        report=ReportParams(title="Made-up moods", remark="synthetic: a smoke test"),
        evaluate=made.evaluate,
    )


ALL = ("face", "audio", "text")


def make_seven(made: MadeUp) -> list[HeadSummary]:
    """The heads of the demo."""
    return [
        make_head(made, "linear", 0.55, kind="linear", modalities=ALL),
        make_head(made, "mlp", 0.66, modalities=ALL),
        make_head(made, "attention", 0.78, kind="attention", modalities=ALL),
        make_head(made, "beit", 0.70, kind="beit", modalities=ALL),
        make_head(made, "mlp-face", 0.45, modalities=("face",)),
        make_head(made, "mlp-audio", 0.52, modalities=("audio",)),
        make_head(made, "mlp-text", 0.21, modalities=("text",)),
    ]


class Page(HTMLParser):
    """What a page holds: the text of its body, its tags with their attributes, its table rows."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.skipped = 0
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.skipped += tag in ("script", "style")
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self.skipped -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self.skipped:
            self.text = " ".join(f"{self.text} {data}".split())
            if self.rows and self.rows[-1]:
                self.rows[-1][-1] = " ".join(f"{self.rows[-1][-1]} {data}".split())

    def find(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        """Attributes of each `tag` that has those `wanted`."""
        return [
            attributes
            for name, attributes in self.tags
            if name == tag and wanted.items() <= attributes.items()
        ]

    def row(self, start: str) -> list[str]:
        """First table row whose cells, one of them, begin with `start`."""
        return next(row for row in self.rows if any(cell.startswith(start) for cell in row))


def find_outside(page: Page) -> list[str]:
    """Addresses that the page loads or links to on other hosts."""
    loaded = [
        value or ""
        for _, attributes in page.tags
        for name, value in attributes.items()
        if name in ("src", "href", "action", "data", "poster", "srcset")
    ]
    return [address for address in loaded if address.startswith(("http", "//"))]


def state_seen(head: HeadSummary, modality: str, *corpora: str) -> HeadSummary:
    """`head` as if the set that it reads of `modality` stated `corpora`."""
    made = head.recipe.inputs[modality]
    stated = made.model_copy(
        update={"provenance": {**made.provenance, "seen_corpora": list(corpora)}}
    )
    inputs = {**head.recipe.inputs, modality: stated}
    return replace(head, recipe=head.recipe.model_copy(update={"inputs": inputs}))
