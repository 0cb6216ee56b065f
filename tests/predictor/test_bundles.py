"""Bundles: a tiny head over texts is trained, written to a folder, and read elsewhere."""

import json
import os
import shutil
from contextlib import chdir
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc
import pytest
from huggingface_hub import ModelCard

from pipeline.cleaning.params import CleanParams
from pipeline.cleaning.sound import clean_corpus
from pipeline.cli import main
from pipeline.errors import ParamsError, StoreError
from pipeline.evaluation.params import EvaluateParams
from pipeline.evaluation.table import HELD_OUT_SCHEMA
from pipeline.extraction.feature_sets import extract_features
from pipeline.files import digest_file, write_json
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import CLEAN_SCHEMA, Clip, read_clips
from pipeline.params import ask_head, parse_feature
from pipeline.predictor.bundles import find_bundle, open_bundle
from pipeline.predictor.bundling import bundle_head
from pipeline.predictor.gathering import gather_media
from pipeline.predictor.making import Making, Running
from pipeline.predictor.predictor import Predictor
from pipeline.presets.rebuilding import parse_sections
from pipeline.report.judging import judge_head
from pipeline.store.provenance import Provenance
from pipeline.store.tables import read_table, write_table
from pipeline.training.saving import train_head
from pipeline.words.params import TranscribeParams
from pipeline.words.transcripts import transcribe_corpus
from tests.stores import make_labels
from tests.test_rebuilding import make_recipe, read_sections
from tests.tiny_models import save_language_model

SAID = ("what a day", "go away", "oh no", "well done", "not again", "here we are")
COMMIT = "5" * 40


class Trained(NamedTuple):
    """A head, the weights that its rows were made with, and a text."""

    head: Path
    weights: Path
    text: Path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A head that was trained on six texts by weights in a folder."""
    root = tmp_path_factory.mktemp("trained")
    weights = Path(shutil.copytree(save_language_model(), root / "acme-words"))
    (weights / "README.md").write_text("---\nlicense: mit\n---\n\n# Words\n")
    texts = root / "texts"
    texts.mkdir()
    for number, words in enumerate(SAID):
        (texts / f"{number}.txt").write_text(words)
    train_on(texts, weights, root)
    return Trained(root / "models" / "said", weights, texts / "1.txt")


def train_on(texts: Path, weights: Path, root: Path) -> None:
    words = {"modality": "text", "encoder": "huggingface_text", "weights": str(weights)}
    none = dict.fromkeys(("face", "scene", "audio"), "none")
    sections = {
        "corpora": {"own": {"kind": "table", "root": str(root), "depends_on": str(root)}},
        "features": {"words": words},
        "heads": {
            "said": {"kind": "linear", "inputs": {**none, "text": "words"}, "targets": ["valence"]}
        },
    }
    clips, data, work = gather_media([str(texts)]), root / "data", root / "work"
    clean_corpus(clips, CleanParams(), frozenset(clip.clip_id for clip in clips), data, work)
    usable = read_clips(data / "clips" / "clips.parquet", CLEAN_SCHEMA)
    transcribe_corpus(usable, data / "audio", data / "text", work, TranscribeParams())
    features = root / "features"
    extract_features(parse_feature(sections, "words"), data / "text", features / "words", work)
    labels = make_labels(
        [
            ClipLabels(clip_id=clip.clip_id, fold=number % 3, labels={"valence": number / 10})
            for number, clip in enumerate(clips)
        ]
    )
    train_head(ask_head(sections, "said"), features, labels, root / "models" / "said")


@pytest.fixture
def bundle(trained: Trained, tmp_path: Path) -> Path:
    """The head's bundle."""
    bundle_head(trained.head, tmp_path / "reports", tmp_path / "bundle", "cc-by-4.0")
    return tmp_path / "bundle"


@pytest.fixture
def alone(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere, as the current folder, without the weights, and without the Hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    away = trained.weights.rename(trained.weights.with_name("away"))
    (tmp_path / "elsewhere").mkdir()
    with chdir(tmp_path / "elsewhere"):
        yield
    away.rename(trained.weights)


def judge(predictor: Predictor, text: Path, folder: Path) -> float:
    """What a head says of a text as a whole."""
    (told,) = predictor.predict(gather_media([str(text)]), folder / "made", folder / "parts")
    return float(np.ravel(told.answer.whole["valence"])[0])


@pytest.fixture
def expected(trained: Trained, tmp_path: Path) -> float:
    """What the head says of the text where it was trained."""
    return judge(Predictor.load(trained.head), trained.text, tmp_path / "here")


def test_a_bundle_needs_nothing_else(trained, expected, bundle, alone, tmp_path):
    with pytest.raises(ParamsError, match=r"acme-words': expected a folder, an installed package"):
        judge(Predictor.load(trained.head), trained.text, tmp_path)
    moved = bundle.rename(tmp_path / "moved")
    assert judge(Predictor.from_pretrained(moved), trained.text, tmp_path) == expected


def test_a_repository_in_the_cache_of_the_hub_is_a_bundle(
    trained, expected, bundle, alone, tmp_path
):
    repository = tmp_path / "hub" / "models--acme--said"
    snapshot = repository / "snapshots" / COMMIT
    for number, file in enumerate(path for path in sorted(bundle.rglob("*")) if path.is_file()):
        link = snapshot / file.relative_to(bundle)
        link.parent.mkdir(parents=True, exist_ok=True)
        (repository / "blobs").mkdir(exist_ok=True)
        blob = file.rename(repository / "blobs" / str(number))
        link.symlink_to(os.path.relpath(blob, link.parent))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    for revision in (None, COMMIT):
        predictor = Predictor.from_pretrained("acme/said", revision)
        assert judge(predictor, trained.text, tmp_path) == expected
    with pytest.raises(ParamsError, match="acme/other: expected the folder of a bundle, or a repo"):
        find_bundle("acme/other")


def test_a_bundle_tells_neither_clips_nor_folders_of_its_machine(trained, bundle):
    said = b"".join(path.read_bytes() for path in bundle.rglob("*") if path.is_file())
    for secret in (str(trained.weights.parent).encode(), b"media/", SAID[0].encode()):
        assert secret not in said
    assert {path.name for path in bundle.iterdir()} == {
        *("README.md", "bundle.json", "model.safetensors", "recipe.json", "weights")
    }


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        (None, "nobody says their licence"),
        ("llama3", "their licence, llama3, is none that is known to let them be passed on"),
    ],
)
def test_weights_that_may_not_be_passed_on_are_left_out(
    trained, tmp_path, monkeypatch, card, reason
):
    path = trained.weights / "README.md"
    own = path.read_text()
    path.write_text(f"---\nlicense: {card}\n---\n" if card else "")
    written = bundle_head(trained.head, tmp_path, tmp_path / "out")
    path.write_text(own)
    assert written.bundle.parts["features.words"].left_out == reason
    assert not (tmp_path / "out" / "weights").exists()
    with (
        chdir(tmp_path),
        pytest.raises(ParamsError, match=f"left out, for {reason}, and are .* 'acme-words': exp"),
    ):
        Predictor.from_pretrained("out")
    with chdir(trained.weights.parent):  # where they lie by their name
        Predictor.from_pretrained(tmp_path / "out")


@pytest.mark.parametrize("name", ["./beit", "/srv/beit", "out/heads/beit", "~/beit", "beit/"])
def test_a_path_of_no_folder_is_not_looked_for_on_the_hub(name, monkeypatch):
    monkeypatch.setattr("pipeline.predictor.bundles.snapshot_download", None)  # nobody may call it
    with pytest.raises(ParamsError, match=f"^{name}: expected the folder of a bundle, got none"):
        Predictor.from_pretrained(name)


def test_other_weights_than_those_of_training_are_not_bundled(trained, tmp_path):
    config = trained.weights / "config.json"
    own = config.read_text()
    config.write_text(own + " ")
    with pytest.raises(ParamsError, match=r"features.words: expected the weights .*acme-words"):
        bundle_head(trained.head, tmp_path, tmp_path / "out")
    config.write_text(own)
    assert not (tmp_path / "out").exists()


def test_other_weights_than_the_recipe_names_are_refused(trained, bundle, tmp_path):
    config = bundle / "weights" / "features.words" / "config.json"
    config.write_text(config.read_text() + " ")
    with pytest.raises(StoreError, match=r"features words: expected rows .* with .*weights_digest"):
        judge(Predictor.from_pretrained(bundle), trained.text, tmp_path)
    with (bundle / "model.safetensors").open("ab") as file:
        file.write(b" ")
    with pytest.raises(StoreError, match=r"model.safetensors: expected the weights of its recipe"):
        Predictor.from_pretrained(bundle)


def lead_away(bundle: Path) -> None:
    path = bundle / "weights" / "features.words" / "config.json"
    path.rename(bundle.parent / "config.json")
    path.symlink_to(bundle.parent / "config.json")


def lead_folder_away(bundle: Path) -> None:
    (bundle / "weights").rename(bundle.parent / "weights")
    (bundle / "weights").symlink_to(bundle.parent / "weights")


def add_code(bundle: Path) -> None:
    (bundle / "weights" / "features.words" / "modeling.py").touch()


def name_elsewhere(bundle: Path) -> None:
    record = json.loads((bundle / "bundle.json").read_text())
    record["parts"]["features.words"]["path"] = "weights/../../outside"
    (bundle / "bundle.json").write_text(json.dumps(record))


def lose_weights(bundle: Path) -> None:
    shutil.rmtree(bundle / "weights")


@pytest.mark.parametrize(
    ("forge", "said"),
    [
        (lead_away, "config.json: expected a file of the bundle's own, got a link that leads"),
        (lead_folder_away, "expected a file of the bundle's own, got a link that leads elsewhere"),
        (add_code, "modeling.py: expected weights or their settings, got a file of another kind"),
        (name_elsewhere, "bundle.json: expected the record of a bundle of this version, got anoth"),
        (lose_weights, "expected weights at .*features.words, found none; fetch it again"),
    ],
)
def test_a_forged_bundle_is_refused_before_its_weights_are_read(bundle, forge, said):
    forge(bundle)
    with pytest.raises(StoreError, match=said):
        open_bundle(bundle)


def test_a_bundle_of_too_many_bytes_is_refused(bundle, monkeypatch):
    monkeypatch.setattr("pipeline.predictor.bundles.MOST_BUNDLE", 1_000)
    with pytest.raises(StoreError, match="a bundle of at most 1,000 files and 1,000 bytes"):
        open_bundle(bundle)


def test_a_card_says_to_the_hub_what_the_bundle_is(bundle):
    card = ModelCard.load(bundle / "README.md")
    data = card.data.to_dict()
    assert (data["license"], data["library_name"]) == ("cc-by-4.0", "moodline")
    assert (data["pipeline_tag"], data["datasets"]) == ("text-classification", ["own"])
    assert "| words: huggingface_text | acme-words | mit | `weights/features.words` |" in card.text
    assert "It was not evaluated where this card was written" in card.text


def write_judgement(trained: Trained, reports: Path) -> None:
    """What `evaluate` leaves for a head, but for its page."""
    clips = [
        Clip(clip_id=f"media/{number}", corpus="own", path="", subject=f"Ann {number}")
        for number in range(len(SAID))
    ]
    judged = judge_head(trained.head, clips, EvaluateParams(test=True, resamples=20))
    write_table(reports / "said" / "predictions.parquet", judged.predictions)
    evaluation = judged.evaluation.model_dump(mode="json")
    write_json(reports / "said" / "evaluation.json", evaluation)


def test_a_card_has_the_figures_of_these_very_weights(trained, tmp_path):
    write_judgement(trained, tmp_path / "reports")
    bundle_head(trained.head, tmp_path / "reports", tmp_path / "out")
    text = (tmp_path / "out" / "README.md").read_text()
    results = ModelCard(text).data.eval_results
    assert {(found.metric_type, found.dataset_split) for found in results} == {
        *(("ccc_valence", "val"), ("ccc_valence", "test"))
    }
    assert "| test | CCC valence | " in text
    assert "of 6 subjects on val and 6 subjects on test" in text
    assert "Ann" not in text
    other = read_table(trained.head / "predictions.parquet", HELD_OUT_SCHEMA)
    place = other.column_names.index("predicted")
    changed = other.set_column(place, "predicted", pc.add(other["predicted"], 0.1))
    head = Path(shutil.copytree(trained.head, tmp_path / "trained anew" / "said"))
    write_table(head / "predictions.parquet", changed)
    bundle_head(head, tmp_path / "reports", tmp_path / "anew")
    assert "It was not evaluated" in (tmp_path / "anew" / "README.md").read_text()


def test_commands_write_and_read_a_bundle(trained, expected, tmp_path, capsys):
    out = tmp_path / "out"
    with pytest.raises(SystemExit):
        main(["bundle", str(trained.head), str(out)])
    assert capsys.readouterr().out.startswith("features.words: acme-words (mit)\n")
    asked = ["--bundle", str(out), "--out", str(tmp_path / "told"), "--json", "--no-plot"]
    with pytest.raises(SystemExit):
        main(["predict", str(trained.text), *asked])
    assert json.loads(capsys.readouterr().out)["valence"] == pytest.approx(expected, abs=1e-5)
    with pytest.raises(SystemExit, match="out: it is there already; name another folder"):
        main(["bundle", str(trained.head), str(out)])
    with pytest.raises(SystemExit, match="--head: expected a head, or a --bundle, got neither"):
        main(["predict", str(trained.text), "--out", str(out)])


def test_files_of_a_detector_are_led_to_one_by_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    detector = tmp_path / "yunet_n_dynamic.onnx"
    detector.write_bytes(b"a network")
    head = tmp_path / "models" / "both"
    head.mkdir(parents=True)
    (head / "model.safetensors").write_bytes(b"tensors")
    sections = read_sections()
    sections["faces"] |= {"detector": "yunet", "weights": str(detector)}
    recipe = make_recipe(sections, "both")
    faces = Provenance("faces", {"weights_digests": [digest_file(detector)]})
    hog = recipe.inputs["face/hog"]
    made = Provenance("extract", {"encoder": "hog"}, faces.to_json()).to_json()
    inputs = {**recipe.inputs, "face/hog": hog.model_copy(update={"provenance": made})}
    digest = digest_file(head / "model.safetensors")
    recipe = recipe.model_copy(update={"inputs": inputs, "weights_digest": digest})
    write_json(head / "recipe.json", recipe.model_dump(mode="json"))
    bundle_head(head, tmp_path, Path("out"))
    detector.unlink()
    making = Making.of(recipe, parse_sections(head, recipe))
    led = open_bundle(Path("out")).lead(making, Path("out"))
    assert Path(led.faces.weights).read_bytes() == b"a network"
    assert led.faces.weights == "out/weights/faces/yunet_n_dynamic.onnx"
    other = Making.of(recipe, parse_sections(head, recipe), Running(detector="cascade"))
    assert open_bundle(Path("out")).lead(other, Path("out")).faces.weights is None


def forge_recipe(trained, folder, change):
    """A copy of the head in `folder` whose recipe has what `change` makes of it."""
    shutil.copytree(trained.head, folder / "said")
    recipe = json.loads((folder / "said" / "recipe.json").read_text())
    change(recipe)
    write_json(folder / "said" / "recipe.json", recipe)
    return folder / "said"


def test_a_recipe_that_tells_no_digest_takes_no_folder_along(trained, tmp_path):
    def change(recipe):
        del recipe["inputs"]["text"]["provenance"]["settings"]["weights_digest"]

    with pytest.raises(ParamsError, match="of which its recipe tells no digest, got"):
        bundle_head(forge_recipe(trained, tmp_path, change), tmp_path, tmp_path / "out")


def test_a_card_shows_what_a_recipe_says_as_text(trained, tmp_path):
    def change(recipe):
        recipe["per"] = {"valence": "clip", "emotion": "clip", "x\n- evil": "clip"}
        recipe["emotions"] = ["<img src=x>", "sad\n# Free"]
        recipe["git_revision"] = "[x](javascript:alert)"
        recipe["inputs"]["text"]["provenance"]["seen_corpora"] = ["a|b"]

    bundle_head(forge_recipe(trained, tmp_path, change), tmp_path, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    for markup in ("evil", " <img", "\n# Free", " [x]", "a|b"):
        assert markup not in card
    assert r"\<img src=x\> and sad\\n# Free" in card
