"""Premises on the project's own sources: which stages an edit concerns, and that none is missed."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.code import WHOLE, Code
from pipeline.heads.inputs import JointParams
from pipeline.params import load_params
from pipeline.premises import ANYWHERE, PARSER, Stage, hold, lay_premises, list_stages
from tests.projects import PROJECT, FirstRun, Project

TRACE = '''
import inspect, json, runpy, sys
called = set()
others = {}

def note(frame, event, argument):
    if event != "call" or id(frame.f_code) in others:
        return
    name = frame.f_globals.get("__name__")
    if str(name).split(".")[0] != "pipeline":
        others[id(frame.f_code)] = frame.f_code  # kept, so that no other has its number
        return
    call = name, frame.f_code.co_qualname.split(".")[0]
    written = frame.f_code.co_filename.endswith(".py")
    function = frame.f_code.co_flags & inspect.CO_OPTIMIZED  # a class's body is none
    if function and written and call not in called and not aside(frame):
        called.add(call)

def aside(frame):
    """Whether a module is being imported, or params.yaml parsed."""
    while frame := frame.f_back:
        name = frame.f_globals.get("__name__")
        if name == "pipeline.params" or (frame.f_code.co_name == "<module>" and name != "__main__"):
            return True
    return False

_, program, *_ = sys.argv
del sys.argv[0]
sys.path.insert(0, "")
sys.setprofile(note)
runpy.run_module(program, run_name="__main__")
sys.setprofile(None)
modules = [name for name in sys.modules if name.split(".")[0] in ("pipeline", "stages")]
print(json.dumps([modules, sorted(called)]))
'''


@pytest.fixture(scope="module")
def stages() -> list[Stage]:
    params = load_params(PROJECT / "params.yaml")
    joint = {"both": JointParams(first="mfcc", second="mfcc")}
    return list(list_stages(replace(params, joint=joint)))


@pytest.fixture(scope="module")
def laid(stages: list[Stage]) -> dict[str, dict]:
    """Premises of every stage by the sources as they are."""
    return lay(PROJECT, stages)


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """Sources to edit."""
    for name in ("pipeline", "stages"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=ignored)
    return tmp_path


def lay(root: Path, stages: list[Stage]) -> dict[str, dict]:
    code = Code(root, [PARSER])
    return {stage.file: lay_premises(stage, code) for stage in stages}


@pytest.mark.parametrize(
    ("name", "edit", "concerned"),
    [
        ("pipeline/heads/mlp.py", ("params.dropout)", "0.0)"), {"train/mlp.json"}),
        (
            "pipeline/heads/params.py",
            ("class BeitParams(", "class BeitParams( "),
            {"train/beit.json"},
        ),
        ("pipeline/heads/mlp.py", ('"""', '"""Another word. '), set()),
        ("pipeline/cli/__init__.py", ("import typer", "import typer as t"), set()),
        ("pipeline/report/index_page.py", ("index.html.j2", "other.html.j2"), {"report.json"}),
        ("pipeline/report/params.py", ("title: str", "titles: str"), {"report.json"}),
        ("pipeline/report/templates/head.html.j2", ("<", "< "), {"evaluate.json"}),
        ("pipeline/engines/ray.py", ("import ", "import  "), set()),
        ("pipeline/faces/yunet.py", ("class Detector", "class  Detector"), set()),
        ("pipeline/faces/cascade.py", ("class Detector", "class  Detector"), {"faces.json"}),
        ("pipeline/labels/corpora/ravdess.py", ("def read", "def  read"), set()),
        ("pipeline/labels/corpora/demo.py", ("def read", "def  read"), {"labels.json"}),
    ],
)
def test_an_edit_concerns_the_stages_that_run_it(
    edited: Path,
    stages: list[Stage],
    *,
    laid: dict[str, dict],
    name: str,
    edit: tuple[str, str],
    concerned: set[str],
) -> None:
    path = edited / name
    assert edit[0] in path.read_text()
    path.write_text(path.read_text().replace(*edit, 1))
    after = lay(edited, stages)
    assert {file for file in laid if laid[file] != after[file]} == concerned


def test_premises_hold_the_params_that_are_not_written_down(laid: dict[str, dict]) -> None:
    assert laid["clean.json"]["params"]["clean"]["min_seconds"] == 0.5
    assert laid["train/mlp.json"]["params"]["mlp"]["training"]["epochs"] == 60
    assert laid["sheet.json"]["params"] == {}


def test_every_stage_and_template_is_in_some_premises(
    stages: list[Stage], laid: dict[str, dict]
) -> None:
    run = {stage.program for stage in stages} | {"stages.check", "stages.premises", "stages"}
    assert run == {
        f"stages.{path.stem}".removesuffix(".__init__")
        for path in (PROJECT / "stages").glob("*.py")
    }
    files = {name for one in laid.values() for name in one["code"] if "/" in name}
    seen = {f"pipeline/report/templates/{name}.j2" for name in ("index.html", "faces_sheet.svg")}
    assert seen <= files


@pytest.mark.parametrize(
    ("stage", "argument"),
    [
        ("labels", ""),
        ("clean", ""),
        ("overview", ""),
        ("faces", ""),
        ("sheet", ""),
        ("transcribe", ""),
        ("extract", "hog"),
        ("train", "both"),
        ("evaluate", "both"),
        ("report", ""),
    ],
)
def test_nothing_that_a_stage_calls_is_missed(
    first_run: FirstRun, tmp_path: Path, stage: str, argument: str
) -> None:
    project = first_run.copy(tmp_path / "project")
    files = (f"{stage}/{argument}.json", f"{stage}.json")
    params = load_params(project.root / "params.yaml")
    found = next(one for one in list_stages(params) if one.file in files)
    code = Code(project.root, [PARSER])
    places = code.reach(found.program, {**ANYWHERE, **found.members}).places
    modules, called = trace(project, found.program, argument)
    read = {module for module, _ in places}
    assert {module for module in modules if not module.startswith(UNREAD)} <= read
    unseen = {
        (module, name)
        for module, name in called
        if not module.startswith((UNREAD, PARSER))
        and (module, name) not in places
        and (module, WHOLE) not in places
        and not name.startswith("<")
    }
    assert unseen == set()


UNREAD = "pipeline.engines."
"""Engines, on which no stage rests."""


def trace(project: Project, program: str, argument: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Modules that a program has imported at its end, and the functions that it called."""
    command = [sys.executable, "-c", TRACE, program, *filter(None, [argument])]
    told = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    modules, called = json.loads(told.stdout.splitlines()[-1])
    return modules, [(module, name) for module, name in called]


@pytest.mark.parametrize("found", [b"{nope", b"[" * 10**5, b"\xff\xfe", b"[]"])
def test_premises_that_are_none_do_not_hold(
    stages: list[Stage], tmp_path: Path, found: bytes
) -> None:
    sheet = next(stage for stage in stages if stage.file == "sheet.json")
    (tmp_path / sheet.file).write_bytes(found)
    assert not hold(sheet, Code(PROJECT, border=[PARSER]), tmp_path)
