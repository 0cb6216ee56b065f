from pathlib import Path

import pytest
import torch
from dvc.utils.hydra import apply_overrides

from pipeline.errors import CorpusError, ParamsError
from pipeline.heads.building import build_head
from pipeline.heads.context import split_context
from pipeline.modalities import RowShape
from pipeline.params import load_params, read_yaml
from pipeline.presets import apply_preset, find_preset, list_presets

NAMES = [preset.name for preset in list_presets()]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone" / "dvc.yaml").touch()
    return tmp_path / "clone"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "corpus").mkdir()
    return tmp_path / "corpus"


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_is_valid(name: str) -> None:
    load_params(find_preset(name).path)


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_says_what_it_is(name: str) -> None:
    assert find_preset(name).about.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_needs_a_root_when_its_corpus_lies_in_data_raw(name: str) -> None:
    preset = find_preset(name)
    (corpus,) = load_params(preset.path).corpora.values()
    assert corpus.root.startswith("data/raw/") == (preset.needs is not None)


def test_a_preset_is_written_as_it_stands(project: Path) -> None:
    assert apply_preset(find_preset("demo"), project, None, force=False) is None
    assert (project / "params.yaml").read_bytes() == find_preset("demo").path.read_bytes()


def test_a_root_becomes_a_link(project: Path, corpus: Path) -> None:
    link = apply_preset(find_preset("ravdess-speech"), project, corpus, force=False)
    assert link == project / "data/raw/ravdess"
    assert link.readlink() == corpus


def test_a_link_is_pointed_elsewhere(project: Path, corpus: Path) -> None:
    preset = find_preset("ravdess-speech")
    apply_preset(preset, project, corpus, force=False)
    other = corpus.with_name("other")
    corpus.rename(other)
    link = apply_preset(preset, project, other, force=False)
    assert link is not None
    assert link.readlink() == other


def test_a_link_that_is_there_needs_no_root(project: Path, corpus: Path) -> None:
    preset = find_preset("table")
    link = apply_preset(preset, project, corpus, force=False)
    assert apply_preset(preset, project, None, force=False) == link


def test_one_preset_replaces_another(project: Path) -> None:
    apply_preset(find_preset("demo"), project, None, force=False)
    (project / "data/raw/table").mkdir(parents=True)
    apply_preset(find_preset("table"), project, None, force=False)
    assert list(load_params(project / "params.yaml").corpora) == ["table"]


def test_edits_are_kept_unless_forced(project: Path) -> None:
    (project / "params.yaml").write_text("# mine\n")
    with pytest.raises(ParamsError, match=r"params\.yaml: it has edits .* or add --force"):
        apply_preset(find_preset("demo"), project, None, force=False)
    assert (project / "params.yaml").read_text() == "# mine\n"
    apply_preset(find_preset("demo"), project, None, force=True)
    assert list(load_params(project / "params.yaml").corpora) == ["demo"]


def test_a_refused_preset_leaves_no_link(project: Path, corpus: Path) -> None:
    (project / "params.yaml").write_text("# mine\n")
    with pytest.raises(ParamsError, match="edits"):
        apply_preset(find_preset("table"), project, corpus, force=False)
    assert not (project / "data").exists()


def test_a_real_folder_is_not_replaced_by_a_link(project: Path, corpus: Path) -> None:
    (project / "data/raw/table").mkdir(parents=True)
    with pytest.raises(CorpusError, match="data/raw/table: a folder, not a link; move it away"):
        apply_preset(find_preset("table"), project, corpus, force=False)
    assert not (project / "params.yaml").exists()


def test_a_real_folder_may_be_named_as_the_root(project: Path) -> None:
    folder = project / "data/raw/table"
    folder.mkdir(parents=True)
    assert apply_preset(find_preset("table"), project, folder, force=False) == folder
    assert not folder.is_symlink()


def test_a_missing_root_is_named(project: Path) -> None:
    with pytest.raises(CorpusError, match=r"nowhere: no such folder; --root is the folder that"):
        apply_preset(find_preset("table"), project, project / "nowhere", force=False)


def test_a_corpus_without_link_or_root_is_asked_for(project: Path) -> None:
    with pytest.raises(CorpusError, match="preset ravdess-speech: add --root DIR, the folder that"):
        apply_preset(find_preset("ravdess-speech"), project, None, force=False)


def test_the_demo_takes_no_root(project: Path, corpus: Path) -> None:
    with pytest.raises(ParamsError, match="preset demo: it needs no --root"):
        apply_preset(find_preset("demo"), project, corpus, force=False)


def test_an_unknown_preset_offers_the_nearest() -> None:
    with pytest.raises(
        ParamsError, match=r"did you mean 'ravdess-speech'\? known: affwild2, best-fer2013, best-m"
    ):
        find_preset("ravdes-speech")


def test_a_folder_that_is_no_clone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"no dvc\.yaml; run this in your moodline clone"):
        apply_preset(find_preset("demo"), tmp_path, None, force=False)


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_in_a_preset_belongs_to_one_head(name: str, tmp_path: Path) -> None:
    # A section that YAML aliases share is set as often as it is named, and the last one wins.
    params = tmp_path / "params.yaml"
    preset = find_preset(name).path
    heads = read_yaml(preset)["heads"]
    params.write_text(preset.read_text())
    apply_overrides(params, [f"heads.{head}.inputs.text=of_{head}" for head in heads])
    for head, found in heads.items():
        found["inputs"]["text"] = f"of_{head}"
    assert read_yaml(params)["heads"] == heads


PUBLISHED: dict[tuple[str, str], dict[str, object]] = {
    ("moodx", "heads.attention"): {
        "width": 512,
        "heads": 2,
        "dropout": 0.1,
        "coordinates": "polar",
        **dict.fromkeys(("training.learning_rate", "training.weight_decay"), 1e-4),
        "training.optimizer": "adam",
        "training.schedule": "plateau",
        "training.decay": 0.1,
        "training.decay_patience": 5,
        "training.batch": 8,
        "training.epochs": 100,
        "training.gradient_clip": 1.0,
    },
    ("moodx", "heads.beit"): {
        "width": 768,
        "layers": 12,
        "coordinates": "cartesian",
        "training.learning_rate": 1e-3,
        "training.weight_decay": 1e-4,
        "training.batch": 8,
        "training.epochs": 100,
    },
    **{
        ("ravdess-fusion", f"heads.{stage}"): {
            "width": 128,
            "heads": 1,
            "training.optimizer": "sgd",
            "training.learning_rate": 0.04,
            "training.momentum": 0.9,
            "training.dampening": 0.9,
            "training.weight_decay": 1e-3,
            "training.milestones": [40, 55, 65, 70],
            "training.decay": 0.1,
            "training.batch": 8,
            "training.epochs": 100,
            "training.seed": 1,
            "training.modality_dropout": "soft_hard",
        }
        for stage in ("late-transformer", "intermediate-transformer", "intermediate-attention")
    },
    ("ravdess-fusion", "features.mfcc"): {"coefficients": 10},
    ("ravdess-fusion", "faces"): {"per_clip": 15, "pixels": 224},
    ("ravdess-fusion", "corpora.ravdess"): {"protocol": "katerynach"},
    ("fer2013-resnet-vit", "heads.resnet-vit"): {
        "width": 256,
        "layers": 4,
        "heads": 8,
        "dropout": 0.3,
        "training.optimizer": "adamw",
        "training.learning_rate": 5e-5,
        "training.weight_decay": 0.01,
        "training.batch": 32,
        "training.epochs": 100,
        "training.patience": 15,
        "training.least_gain": 1e-3,
        "training.monitor": "macro_f1",
        "training.decay": 0.5,
        "training.decay_patience": 7,
        "training.gradient_clip": 1.0,
        "training.losses": {"emotion": "focal"},
        "training.mixup": {"alpha": 0.2, "share": 0.5},
    },
    ("ravdess-late-fusion", "heads.late-fusion"): {"join": "mean", "windows.seconds": 2.997},
    ("ravdess-late-fusion", "features.logmel"): {"mels": 128},
    ("ravdess-concat", "heads.cnn-concat"): {
        "windows.seconds": 1.0,
        "training.batch": 4,
        "training.epochs": 50,
    },
    ("ravdess-landmarks", "heads.landmark-lstm"): {"width": 64, "training.label_smoothing": 0.1},
    ("ravdess-audio-cnn", "heads.audio-cnn"): {"width": 128},
    ("meld-cnn-lstm", "heads.cnn-lstm"): {
        "width": 128,
        "layers": 2,
        "training.optimizer": "adamw",
        "training.learning_rate": 3e-4,
        "training.weight_decay": 1e-4,
        "training.batch": 32,
        "training.epochs": 20,
        "training.class_weights": "balanced",
    },
    ("meld-cnn-lstm", "features.logmel"): {"mels": 128, "hop_seconds": 0.005},
    ("meld-cnn-lstm", "faces"): {"rate_hz": 15.0, "pixels": 128, "scene_pixels": 128},
}
"""Preset and section → what the system's own code or description says of it."""


@pytest.mark.parametrize(("preset", "section"), PUBLISHED)
def test_a_system_s_preset_says_what_the_system_says(preset: str, section: str) -> None:
    params = load_params(find_preset(preset).path)
    top, *rest = section.split(".")
    found = getattr(params, top)
    for name in rest:
        found = found[name]
    told = found.model_dump()
    for key, expected in PUBLISHED[preset, section].items():
        value = told
        for step in key.split("."):
            value = value[step]
        assert value == expected, key


SIZES = {
    "efficientface": (1024,),
    "faces": (128,),
    "scenes": (128,),
    "hog": (1176,),
    "hubert": (768,),
    "landmarks": (10,),
    "maps": (2048, 7, 7),
    "minilm": (384,),
    "pixels": (1, 48, 48),
    "resnet50": (2048,),
    "swin": (1024,),
    **dict.fromkeys(("bert", "distilbert", "roberta", "roberta-tokens"), (768,)),
}
"""Feature set → sizes of its rows, of those whose encoder needs weights, pictures or words."""


@pytest.mark.parametrize("name", NAMES)
def test_every_head_of_a_preset_can_be_built(name: str) -> None:
    params = load_params(find_preset(name).path)
    for head in params.heads.values():
        shapes = {
            modality: RowShape.of(SIZES.get(chosen, (240,)))
            for modality, chosen in head.inputs.sets().items()
        }
        with torch.device("meta"):
            built = build_head(head, shapes, dict.fromkeys(head.targets, "clip"), 7)
        assert {split_context(stream)[0] for stream in built.dims} == shapes.keys()
