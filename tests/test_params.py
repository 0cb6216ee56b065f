import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from pipeline.encoders.params import ENCODERS
from pipeline.errors import ParamsError
from pipeline.faces.params import FacesParams
from pipeline.heads.params import HEADS
from pipeline.heads.training_params import TrainingParams
from pipeline.params import (
    NAMING_SECTIONS,
    PLAIN_SECTIONS,
    Params,
    expand_set,
    load_params,
    parse_params,
    parse_plain,
    read_checked,
    read_yaml,
)
from pipeline.paths import CHECKED_HERE, CHECKED_PARAMS
from pipeline.sections import parse_section, write_flow, write_yaml
from tests.projects import PARAMS

CORPORA = {"demo": {"kind": "demo", "root": "data/demo", "depends_on": "data/demo"}}
GIVEN = {"weights": "w", "bundle": "b", "model": "m", "prompt": "{clip}", "store": "s"}
GIVEN["digest"] = 32 * "0"
"""Value of each option that some encoder requires."""

LOAD = """
import sys
from pathlib import Path
from pipeline.params import load_params

load_params(Path(sys.argv[1]))
print({"numpy", "pyarrow", "torch", "av", "cv2"} & sys.modules.keys())
"""


def choose_required(params: type[BaseModel], key: str, member: str) -> dict[str, Any]:
    """The options that must be given, and no other."""
    required = {name for name, field in params.model_fields.items() if field.is_required()}
    modality = get_args(params.model_fields["modality"].annotation)[0]
    known = {key: member, "modality": modality, **GIVEN}
    return {name: known[name] for name in required}


@pytest.fixture
def everything(tmp_path: Path) -> Path:
    """Params that name every encoder and every head, as JSON, which is YAML too."""
    features = {
        name: choose_required(member.params, "encoder", name)
        for name, member in ENCODERS.members.items()
    }
    inputs = {"face": "hog", "scene": "none", "audio": "none", "text": "none"}
    heads = {name: {"kind": name, "inputs": inputs} for name in HEADS.members}
    path = tmp_path / "params.yaml"
    path.write_text(json.dumps({"corpora": CORPORA, "features": features, "heads": heads}))
    return path


def test_params_are_read_without_what_their_members_need(everything: Path) -> None:
    command = [sys.executable, "-c", LOAD, str(everything)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "set()\n"


def test_a_section_that_is_not_there_has_its_defaults(everything: Path) -> None:
    params = load_params(everything)
    assert all(getattr(params, name) == kind() for name, kind in PLAIN_SECTIONS.items())
    assert parse_plain(read_yaml(everything), FacesParams) == FacesParams()


@pytest.mark.parametrize("name", NAMING_SECTIONS)
def test_a_section_that_names_members_must_be_there(everything: Path, name: str) -> None:
    sections = json.loads(everything.read_text())
    del sections[name]
    everything.write_text(json.dumps(sections))
    with pytest.raises(ParamsError, match=rf"{name}: missing section; docs/params\.md"):
        load_params(everything)


SETS = {
    "egemaps": {"modality": "audio", "encoder": "opensmile"},
    "logmel": {"modality": "audio", "encoder": "logmel"},
    "mfcc": {"modality": "audio", "encoder": "mfcc"},
    "hog": {"modality": "face", "encoder": "hog"},
}


@pytest.mark.parametrize("text", ["?k", ": a", "a\x85follow: true", "two\nlines", "- x", "plain"])
def test_texts_come_back_from_yaml_as_they_were(text: str) -> None:
    said = {text: {"listed": [text], "named": text}}
    load = YAML(typ="safe", pure=True).load
    assert load(write_yaml(said)) == load(write_flow(said)) == said
    assert write_flow({"emotion": "label"}) == "{emotion: label}"


SOUNDS = {
    "sounds": {"first": "egemaps", "second": "spectra"},
    "spectra": {"first": "logmel", "second": "mfcc"},
}


DOUBLING = {
    "j0": SOUNDS["spectra"],
    **{f"j{n}": {"first": f"j{n - 1}", "second": f"j{n - 1}"} for n in range(1, 49)},
}
"""The last would hold a number of sets of fifteen digits."""


def parse_joined(joint: dict[str, dict[str, str]] | None, **inputs: str) -> Params:
    read = {"face": "none", "scene": "none", "audio": "none", "text": "none", **inputs}
    heads = {"head": {"kind": "linear", "inputs": read}}
    return parse_params({"corpora": CORPORA, "features": SETS, "joint": joint, "heads": heads})


def test_a_head_reads_a_joint_set_of_any_number_of_sets() -> None:
    params = parse_joined(SOUNDS, audio="sounds")
    assert expand_set("sounds", params.joint) == ["egemaps", "logmel", "mfcc"]
    assert expand_set("mfcc", params.joint) == ["mfcc"]


@pytest.mark.parametrize(
    ("joint", "inputs", "told"),
    [
        (SOUNDS, {"face": "sounds"}, "inputs.face: expected a set of modality face, got 'sounds'"),
        (SOUNDS, {"audio": "sound"}, "inputs.audio: unknown feature set 'sound'; did you mean"),
        ({"mfcc": SOUNDS["spectra"]}, {}, "joint.mfcc: a feature set has this name; rename one"),
        ({"odd": {"first": "mfc", "second": "hog"}}, {}, "joint.odd: unknown set 'mfc'; did you"),
        ({"odd": {"first": "mfcc", "second": "hog"}}, {}, "mfcc of audio, hog of face"),
        ({"odd": {"first": "mfcc", "second": "mfcc"}}, {}, "each set once, got mfcc twice"),
        (DOUBLING, {}, "joint.j1: expected each set once, got j0 twice; drop one"),
        ({"odd": {"first": "mfcc", "second": "odd"}}, {}, "joint.odd: holds itself"),
        ({"odd": {"first": "mfcc"}}, {}, "joint.odd.second: missing; add it"),
        (None, {}, "joint: expected a map of keys, got None"),
        ({"Odd": SOUNDS["spectra"]}, {}, "joint: expected names of lower-case letters"),
        ({"none": SOUNDS["spectra"]}, {}, "begin with a letter, at most 100, got 'none'"),
    ],
)
def test_a_joint_set_that_cannot_be_is_refused(
    joint: dict[str, dict[str, str]] | None, inputs: dict[str, str], told: str
) -> None:
    with pytest.raises(ParamsError, match=re.escape(told)):
        parse_joined(joint, **{"audio": "mfcc", **inputs})


def test_all_mistakes_are_told_at_once() -> None:
    sections = YAML(typ="safe", pure=True).load(PARAMS)
    sections["clean"] = {"min_seconds": "short", "wrokers": 2}
    sections["heads"]["sound"]["kind"] = "liner"
    sections["features"]["mfcc"]["mels"] = -3
    sections["features"]["My set"] = {"modality": "audio", "encoder": "mfc"}
    with pytest.raises(ParamsError) as told:
        parse_params(sections)
    lines = str(told.value).splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        "clean.min_seconds",
        "clean.wrokers",
        "features",
        "features.mfcc.mels",
        "features.My set.encoder",
        "heads.sound.kind",
    ]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (5, "s: Input should be 'none' or 'balanced', or a valid dictionary, got 5"),
        ({"sad": -1.0}, "s.sad: Input should be greater than 0, got -1.0"),
        ({3: 1.0}, "s.3: Input should be a valid string, got 3"),
    ],
)
def test_a_value_of_one_of_several_types_is_told_what_all_expect(value: object, told: str) -> None:
    with pytest.raises(ParamsError) as refused:
        parse_section(TrainingParams, {"class_weights": value}, "training")
    assert str(refused.value) == f"params.yaml: training.class_weight{told}"


def test_all_that_does_not_fit_together_is_told_at_once() -> None:
    sections = YAML(typ="safe", pure=True).load(PARAMS)
    sections["faces"]["detector"] = "yunnet"
    for head in sections["heads"].values():
        head["inputs"]["audio"] = "hog"
    sections["joint"] = {"odd": {"first": "mfcc", "second": "hog"}, "hog": SOUNDS["spectra"]}
    with pytest.raises(ParamsError) as told:
        parse_params(sections)
    assert len(str(told.value).splitlines()) == 5


def test_all_sections_that_are_unknown_or_missing_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("corpora: {}\nhaeds: {}\nlebals: {}\n")
    with pytest.raises(ParamsError) as told:
        load_params(tmp_path / "params.yaml")
    lines = [line.split(": ")[1:3] for line in str(told.value).splitlines()]
    assert [name for name, _ in lines] == ["haeds", "lebals", "features", "heads"]


@pytest.mark.parametrize("protocol", ["folds", "leave_one_out", "file"])
def test_a_side_goes_with_a_split_alone(everything: Path, protocol: str) -> None:
    sections = json.loads(everything.read_text())
    sections["corpora"]["demo"]["side"] = "train"
    everything.write_text(json.dumps({**sections, "splits": {"protocol": protocol}}))
    with pytest.raises(ParamsError, match=rf"corpora\.demo\.side: expected .* got {protocol}"):
        load_params(everything)


def test_two_tables_are_not_called_the_same(everything: Path) -> None:
    sections = json.loads(everything.read_text())
    table = {"kind": "table", "root": "data/raw/x", "depends_on": "data/raw/x"}
    tables = {"a": table, "b": table, "c": {**table, "called": "c"}}
    everything.write_text(json.dumps({**sections, "corpora": tables}))
    with pytest.raises(ParamsError, match=r"corpora\.b\.called: expected another than 'table'"):
        load_params(everything)


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `check` left of params.yaml, in a project of DVC's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "params.yaml").write_text(PARAMS)
    CHECKED_PARAMS.parent.mkdir(parents=True)
    CHECKED_PARAMS.write_text(PARAMS)
    return CHECKED_PARAMS


def test_params_that_dvc_fetched_are_those_of_the_project(checked: Path) -> None:
    checked.write_text(PARAMS.replace("engine: {}", "engine: {kind: ray, address: ray://x:1}"))
    with pytest.raises(ParamsError, match=r"expected what params.yaml says, got another file"):
        read_checked()
    Path("params.yaml").unlink()
    with pytest.raises(ParamsError, match=r"`dvc repro --force check` reads params.yaml anew"):
        read_checked()
    assert not CHECKED_HERE.exists()


def test_params_may_be_edited_once_a_stage_has_read_them(checked: Path) -> None:
    assert read_checked()["report"] == {"title": "Miniature"}
    Path("params.yaml").write_text(PARAMS.replace("Miniature", "Tomorrow's"))
    assert read_checked()["report"] == {"title": "Miniature"}
    checked.write_text(PARAMS.replace("Miniature", "A stranger's"))
    with pytest.raises(ParamsError, match="got another file"):
        read_checked()


@pytest.mark.parametrize("value", ["0x_", "2001-99-14", 5000 * "9"])
def test_a_value_that_only_looks_like_one_of_yaml_is_told(tmp_path: Path, value: str) -> None:
    (tmp_path / "params.yaml").write_text(f"corpora: {value}\n")
    with pytest.raises(ParamsError, match=r"params\.yaml: not readable YAML: "):
        read_yaml(tmp_path / "params.yaml")
