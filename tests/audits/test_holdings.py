"""What of people a push would send, by the stages and paths that are named."""

from pathlib import Path

import pytest

from pipeline.audits.holdings import KINDS, Held, list_held
from pipeline.encoders.params import ENCODERS, LogmelParams, PixelsParams
from pipeline.errors import ParamsError
from pipeline.params import load_params
from tests.projects import FirstRun

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # DVC's own


@pytest.fixture(scope="module")
def project(first_run: FirstRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return first_run.copy(tmp_path_factory.mktemp("shared") / "project").root


def ask(project: Path, *targets: str) -> dict[str, Held]:
    features = load_params(project / "params.yaml").features
    return {held.out: held for held in list_held(project, features, targets)}


def test_every_out_that_is_pushed_is_told(project: Path) -> None:
    found = ask(project)
    assert found["data/audio"].kinds == ("voices", "names")
    assert found["features/hog"] == Held("extract@hog", "features/hog", ("names",), ("faces",))
    assert found["features/mfcc"].rebuilt == ()
    assert {"data/face", "data/labels/clips.parquet", "models/sound"} <= set(found)
    assert not [out for out in found if out.startswith("reports/metrics")], "git has them"


@pytest.mark.parametrize(
    ("target", "outs"),
    [
        ("extract", {"features/hog", "features/mfcc"}),
        ("extract@mfcc", {"features/mfcc"}),
        ("models/dvc.yaml", {"models/both", "models/sound"}),
        ("models/dvc.yaml:train@sound", {"models/sound"}),
        ("features/", {"features/hog", "features/mfcc"}),
        ("data/face/parts", {"data/face"}),
        ("data/face/ledger.parquet", {"data/face/ledger.parquet"}),
    ],
)
def test_targets_are_those_of_dvc(project: Path, target: str, outs: set[str]) -> None:
    assert set(ask(project, target)) == outs


def test_what_the_docs_have_pushed_holds_no_face_and_no_voice(project: Path) -> None:
    named = ("labels", "models/dvc.yaml", "reports/dvc.yaml", "report", "data/clips")
    found = ask(project, *named, "data/audio/ledger.parquet", "data/face/ledger.parquet")
    assert not {"faces", "voices"} & {kind for held in found.values() for kind in held.kinds}
    with pytest.raises(ParamsError, match="nobody: expected a stage or an out"):
        ask(project, "nobody")


def test_every_encoder_says_how_far_it_can_be_turned_back() -> None:
    known = {"recording", "likeness", "little"}
    given = {"modality": "audio", "encoder": "any"}
    assert {m.params.model_construct(**given).reveals for m in ENCODERS.members.values()} <= known
    assert PixelsParams.model_construct(**given).reveals == "recording"
    assert LogmelParams.model_construct(**given, statistics=[]).reveals == "recording"
    assert LogmelParams.model_construct(**given).reveals == "little"


def test_what_others_made_may_hold_anything(project: Path) -> None:
    added, graph = project / "shared.dvc", project / "dvc.yaml"
    digest = "0123456789abcdef0123456789abcdef.dir"
    text = graph.read_text()
    try:
        added.write_text(f"outs:\n- md5: {digest}\n  hash: md5\n  path: photos\n")
        graph.write_text(f"{text}\n  export:\n    cmd: cp a b\n    outs: [exports/words.csv]\n")
        found = ask(project)
        assert found["photos"] == Held("shared.dvc", "photos", KINDS)
        assert found["exports/words.csv"].kinds == KINDS
        assert found["data/audio"].stage == "clean"
    finally:
        added.unlink()
        graph.write_text(text)
