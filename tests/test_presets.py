from copy import deepcopy
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides

from pipeline.errors import CorpusError, ParamsError
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
        ParamsError, match=r"did you mean 'ravdess-speech'\? known: affwild2, cremad, demo"
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
    for head in heads:
        params.write_text(preset.read_text())
        apply_overrides(params, [f"heads.{head}.inputs.text=another"])
        changed = {key: deepcopy(found) for key, found in heads.items()}
        changed[head]["inputs"]["text"] = "another"
        assert read_yaml(params)["heads"] == changed
