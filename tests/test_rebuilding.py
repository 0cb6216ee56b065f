"""Heads made again from their recipes: what `moodline rebuild` writes, and that it is enough."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.cli.heads import tell_rebuilt
from pipeline.errors import ParamsError, StoreError
from pipeline.files import write_json
from pipeline.heads.recipes import Input, Recipe, read_recipe
from pipeline.params import ask_head, load_params, parse_params
from pipeline.presets.rebuilding import list_sections, rebuild_head, write_params
from pipeline.store.provenance import Provenance
from pipeline.store.reader import open_features
from tests.projects import PARAMS, FirstRun, Project

REVISION = 40 * "a"
NAMED = f"some/checkpoint@{REVISION}"
REBUILD = [sys.executable, "-c", "from pipeline.cli import main; main()", "rebuild"]
FACES = Provenance("faces", {"detector": "yunet", "weights_digests": ["detector digest"]})
PROVENANCES = {
    "hog": Provenance(
        "extract", {"encoder": "hog", "weights_digest": "face digest"}, FACES.to_json()
    ),
    "mfcc": Provenance("extract", {"encoder": "mfcc"}),
}


def read_sections() -> dict[str, Any]:
    sections: dict[str, Any] = YAML(typ="safe", pure=True).load(PARAMS)
    return sections


def make_recipe(sections: dict[str, Any], name: str) -> Recipe:
    """Recipe of head `name` of `sections`, as if it had been trained."""
    asked = ask_head(sections, name)
    inputs = {
        f"{params['modality']}/{set_}": Input(
            name=set_,
            params=params,
            row_shape=[3],
            row_axes=["dim"],
            index_digest="",
            provenance=PROVENANCES.get(set_, PROVENANCES["mfcc"]).to_json(),
        )
        for set_, params in asked.features.items()
    }
    return Recipe(
        head=name,
        params=asked.params.model_dump(mode="json"),
        sections=asked.sections,
        emotions=["calm", "sad"],
        per={"emotion": "clip"},
        inputs=inputs,
        priors={"official": {}},
        layer_shares={},
        unseen={},
        empty_windows={},
        weights_digest="",
        predictions_digest="",
        versions={},
        git_revision="abc-dirty",
    )


def change_default(project: Project, option: str, former: str, later: str) -> None:
    """Have an option of some encoder another default in the code of `project`."""
    path = project.root / "pipeline" / "encoders" / "params.py"
    code = path.read_text()
    assert option + former in code
    path.write_text(code.replace(option + former, option + later))


@pytest.fixture
def save(tmp_path: Path) -> Callable[[Recipe], Path]:
    """Maker of a head's folder with nothing but its recipe."""

    def make(recipe: Recipe) -> Path:
        folder = tmp_path / recipe.head
        write_json(folder / "recipe.json", recipe.model_dump(mode="json"))
        return folder

    return make


def test_a_clone_makes_the_head_again(first_run: FirstRun, tmp_path: Path) -> None:
    origin = first_run.copy(tmp_path / "origin")
    clone = origin.clone(tmp_path / "clone", media=True)
    change_default(clone, "coefficients: PositiveInt = ", "20", "13")
    told = clone.run(*REBUILD, str(origin.root / "models" / "sound"), "--force")
    assert told.startswith(
        "params.yaml: `dvc repro models/dvc.yaml:train@sound` makes the head again with it,"
    )
    assert clone.reproduce("reports/dvc.yaml:evaluate@sound") >= {
        "clean",
        "extract@mfcc",
        "train@sound",
    }
    made, again = (root / "features" / "mfcc" for root in (origin.root, clone.root))
    assert open_features(again).list_keys() == open_features(made).list_keys()
    first, second = (read_recipe(root / "models" / "sound") for root in (origin.root, clone.root))
    assert second.weights_digest == first.weights_digest
    assert second.predictions_digest == first.predictions_digest
    assert list_sections(second) == list_sections(first)


def test_all_that_made_a_head_comes_back_and_nothing_else(
    save: Callable[[Recipe], Path], tmp_path: Path
) -> None:
    whole = parse_params(read_sections())
    rebuilt = rebuild_head(save(make_recipe(read_sections(), "sound")))
    write_params(rebuilt, tmp_path / "params.yaml", force=False)
    found = load_params(tmp_path / "params.yaml")
    for section in ("corpora", "splits", "clean", "faces", "transcribe"):
        assert getattr(found, section) == getattr(whole, section)
    assert found.heads == {"sound": whole.heads["sound"]}
    assert found.features == {"mfcc": whole.features["mfcc"]}


def test_defaults_are_written_out(save: Callable[[Recipe], Path]) -> None:
    text = rebuild_head(save(make_recipe(read_sections(), "sound"))).text
    assert all(f in text for f in ("coefficients: 20", "table: clips.csv", "max_seconds: 600.0"))


def test_the_sets_of_a_joint_set_are_kept(save: Callable[[Recipe], Path], tmp_path: Path) -> None:
    sections = read_sections()
    sections["features"]["logmel"] = {"modality": "audio", "encoder": "logmel"}
    sections["features"]["coarse"] = {"modality": "audio", "encoder": "mfcc", "mels": 30}
    sections["joint"] = {
        "pair": {"first": "mfcc", "second": "logmel"},
        "all": {"first": "pair", "second": "coarse"},
        "unread": {"first": "mfcc", "second": "coarse"},
    }
    sections["heads"]["sound"]["inputs"]["audio"] = "all"
    whole = parse_params(sections)
    rebuilt = rebuild_head(save(make_recipe(sections, "sound")))
    write_params(rebuilt, tmp_path / "params.yaml", force=False)
    found = load_params(tmp_path / "params.yaml")
    names = ("mfcc", "logmel", "coarse")
    assert found.features == {name: whole.features[name] for name in names}
    assert found.joint == {name: whole.joint[name] for name in ("all", "pair")}


def test_what_a_head_needs_is_said_in_one_sentence(save: Callable[[Recipe], Path]) -> None:
    sections = read_sections()
    sections["faces"] = {"detector": "yunet"}
    rebuilt = rebuild_head(save(make_recipe(sections, "both")))
    assert tell_rebuilt(rebuilt, Path("params.yaml")) == (
        "params.yaml: `dvc repro models/dvc.yaml:train@both` makes the head again with it, given "
        "the corpus at data/raw/corpus, weights hog (features.hog, digest face digest), weights "
        "yunet (faces, digest detector digest), and code, data/overrides.csv and data/splits.csv "
        "of abc, with changes that were not committed"
    )


def test_weights_that_heads_within_a_head_start_from_are_named(
    save: Callable[[Recipe], Path],
) -> None:
    sections = read_sections()
    beit = {"kind": "beit", "pretrained": "some/checkpoint", "revision": REVISION}
    inputs = sections["heads"]["both"]["inputs"]
    for kind, members in (("ensemble", [beit]), ("late_fusion", {"audio": beit})):
        head = {"kind": kind, "inputs": inputs, "members": members}
        changed = {**sections, "heads": {**sections["heads"], "both": head}}
        recipe = make_recipe(changed, "both").model_copy(update={"started": {NAMED: "its digest"}})
        told = tell_rebuilt(rebuild_head(save(recipe)), Path("params.yaml"))
        assert "weights some/checkpoint (heads.both, digest its digest" in told


def test_the_detector_that_was_taken_is_named(save: Callable[[Recipe], Path]) -> None:
    sections = read_sections()
    sections["faces"] = {"detector": "auto"}
    assert "detector: yunet" in rebuild_head(save(make_recipe(sections, "both"))).text
    assert "detector: auto" in rebuild_head(save(make_recipe(sections, "sound"))).text


def test_a_file_that_is_there_is_kept_unless_forced(
    save: Callable[[Recipe], Path], tmp_path: Path
) -> None:
    rebuilt = rebuild_head(save(make_recipe(read_sections(), "sound")))
    out = tmp_path / "params.yaml"
    out.write_text("# mine\n")
    with pytest.raises(ParamsError, match=r"params\.yaml: it is there already; .* add --force"):
        write_params(rebuilt, out, force=False)
    assert out.read_text() == "# mine\n"
    with pytest.raises(ParamsError, match=r"params\.yaml/x: expected to lie in a folder"):
        write_params(rebuilt, out / "x", force=False)
    write_params(rebuilt, out, force=True)
    assert out.read_text() == rebuilt.text
    with pytest.raises(ParamsError, match=r"expected the name of a file, got a folder"):
        write_params(rebuilt, tmp_path, force=True)


def test_what_is_no_head_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        StoreError, match=r"recipe\.json: expected the recipe of a head, found no file"
    ):
        rebuild_head(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(
        StoreError, match=r"recipe\.json: expected the recipe of a head, found no file"
    ):
        rebuild_head(tmp_path / "file")


def test_a_recipe_of_the_first_version_is_refused(
    save: Callable[[Recipe], Path],
) -> None:
    recipe = make_recipe(read_sections(), "sound").model_dump(mode="json")
    folder = save(make_recipe(read_sections(), "sound"))
    write_json(folder / "recipe.json", {**recipe, "format_version": 1})
    with pytest.raises(
        StoreError, match=r"\(format_version: .*\); run `dvc repro models/dvc.yaml:train@sound`"
    ):
        rebuild_head(folder)


def test_options_that_are_no_more_are_refused(save: Callable[[Recipe], Path]) -> None:
    recipe = make_recipe(read_sections(), "sound")
    clean = {**recipe.sections.clean, "gone": 1}
    former = recipe.sections.model_copy(update={"clean": clean})
    with pytest.raises(
        StoreError, match=r"clean\.gone: unknown key; .*check out abc, with changes"
    ):
        rebuild_head(save(recipe.model_copy(update={"sections": former})))


def test_a_recipe_of_mistakes_alone_is_told_by_their_number(
    save: Callable[[Recipe], Path],
) -> None:
    recipe = make_recipe(read_sections(), "sound")
    former = recipe.model_copy(update={"params": {**recipe.params, "strengths": ["x"] * 2000}})
    with pytest.raises(StoreError, match=r"\(heads\.sound: 2,000 mistakes\); check out abc"):
        rebuild_head(save(former))


def test_a_recipe_of_more_options_than_a_page_can_show_is_refused(
    save: Callable[[Recipe], Path],
) -> None:
    recipe = make_recipe(read_sections(), "sound")
    sections = recipe.sections.model_copy(update={"clean": {"more": [0] * 60_000}})
    said = {"sections": sections, "params": {**recipe.params, "strengths": [0.0] * 60_000}}
    with pytest.raises(StoreError, match=r"expected at most 100,000 values, got 120,\d\d\d"):
        read_recipe(save(recipe.model_copy(update=said)))


def test_whom_a_recipe_trusts_is_not_trusted_for_it(save: Callable[[Recipe], Path]) -> None:
    sections = read_sections()
    sections["corpora"]["own"] |= {"follow": True, "depends_on": "https://example.org/track"}
    text = rebuild_head(save(make_recipe(sections, "sound"))).text
    assert "follow: false" in text
    assert "example.org" not in text


@pytest.mark.parametrize(
    ("stage", "settings"),
    [
        ("transcribe", {"weights_digest": "x"}),
        ("faces", {"weights_digests": 5}),
        ("faces", {"weights_digests": ["x"]}),
        ("extract", {"weights_digest": {}}),
    ],
)
def test_a_recipe_need_not_be_of_one_piece(
    save: Callable[[Recipe], Path], stage: str, settings: dict[str, Any]
) -> None:
    recipe = make_recipe(read_sections(), "sound")
    for source in recipe.inputs.values():
        source.provenance.update(Provenance(stage, settings).to_json())
    recipe.sections.faces.clear()
    recipe.sections.transcribe.clear()
    assert rebuild_head(save(recipe)).head == "sound"


def test_a_corpus_without_a_root_is_refused(save: Callable[[Recipe], Path]) -> None:
    recipe = make_recipe(read_sections(), "sound")
    del recipe.sections.corpora["own"]["root"]
    with pytest.raises(StoreError, match=r"corpora\.own\.root: missing"):
        rebuild_head(save(recipe))
