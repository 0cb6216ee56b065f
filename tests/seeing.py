"""A small head that sees and hears, trained on a few takes of the demo by the stages' functions."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.cleaning.sound import clean_corpus
from pipeline.extraction.feature_sets import extract_features
from pipeline.faces.stores import pack_faces
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import CLEAN_SCHEMA, Clip, read_clips
from pipeline.params import Params, ask_head, parse_params, read_yaml
from pipeline.predictor.gathering import gather_media
from pipeline.training.saving import train_head
from synthesis.release import write_clip
from synthesis.script import Take, cast_people, plan_takes
from tests.stores import make_labels

PROJECT = Path(__file__).parent.parent

SETS = {
    "hog": {"modality": "face", "encoder": "hog"},
    "mfcc": {"modality": "audio", "encoder": "mfcc"},
}

INPUTS = {"face": "hog", "scene": "none", "audio": "mfcc", "text": "none"}


def choose_takes(count: int) -> list[Take]:
    """Whole takes of the demo, a second each, in which somebody is seen throughout."""
    takes = plan_takes(cast_people(0), 0)
    whole = [take for take in takes if not take.damage and take.hidden is None]
    return [replace(take, seconds=1.0) for take in whole[:: len(whole) // count][:count]]


def train_seeing(root: Path, takes: int = 6, **head: object) -> Path:
    """Folder of a head `seeing` of emotion, valence and arousal; its films are in `root`/media."""
    chosen = choose_takes(takes)
    for number, take in enumerate(chosen):
        write_clip(root / "media" / f"{number}.mp4", take)
    sections = {**read_yaml(PROJECT / "params.yaml"), "features": SETS}
    sections["heads"] = {"seeing": {"kind": "linear", "inputs": INPUTS, **head}}
    asked = ask_head(sections, "seeing")
    params = parse_params(sections)
    clips = gather_media([str(root / "media")])
    make_features(clips, params, root)
    labels = [
        ClipLabels(
            clip_id=clip.clip_id,
            subject=take.person.name,
            split="val" if number % 3 == 2 else "train",
            labels={
                "emotion": take.emotion,
                "valence": take.label.valence,
                "arousal": take.label.arousal,
            },
        )
        for number, (clip, take) in enumerate(zip(clips, chosen, strict=True))
    ]
    emotions = sorted({take.emotion for take in chosen})
    train_head(asked, root / "features", make_labels(labels, emotions=emotions), root / "seeing")
    return root / "seeing"


def make_features(clips: Sequence[Clip], params: Params, root: Path) -> None:
    """Feature sets of `clips` in `root`/features."""
    data, work = root / "data", root / "parts"
    clean_corpus(clips, params.clean, frozenset(), data, work)
    usable = read_clips(data / "clips" / "clips.parquet", CLEAN_SCHEMA)
    pack_faces(usable, params.faces, data, work)
    for name, asked in params.features.items():
        extract_features(asked, data / asked.modality, root / "features" / name, work)
