import pytest

from pipeline.audits import health
from pipeline.cli import main
from pipeline.errors import ParamsError
from pipeline.params import parse_params
from tests.projects import PARAMS


@pytest.fixture
def params():
    from ruamel.yaml import YAML

    sections = YAML(typ="safe", pure=True).load(PARAMS)
    lacking = {"modality": "face", "encoder": "timm", "weights": "weights/none", "device": "cuda"}
    sections["features"]["swin"] = lacking
    return parse_params(sections)


def test_what_is_amiss_says_what_to_do(tmp_path, params, monkeypatch):
    monkeypatch.setattr(health, "_list_devices", list)
    monkeypatch.setattr(health, "LEAST_BYTES", 10**18)
    found = {one.what: one for one in health.examine(tmp_path, params)}
    amiss = {what for what, one in found.items() if one.amiss}
    assert amiss == {"GPU", "disk", "DVC", "weights of features.swin"}
    assert found["GPU"].amiss == "features.swin ask for cuda; set cpu, or install a driver"
    assert "weights/none: not here" in found["weights of features.swin"].found
    assert "torch " in found["versions"].found


def test_a_remote_is_named(tmp_path):
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("['remote \"team\"']\n    url = s3://bucket/team\n")
    found = {one.what: one for one in health.examine(tmp_path, None)}
    assert found["DVC"].found == "remotes team: s3://bucket/team"
    (tmp_path / ".dvc" / "config").write_text("[[")
    assert "mend .dvc/config" in {o.what: o for o in health.examine(tmp_path, None)}["DVC"].amiss


def test_the_command_ends_with_status_1_where_something_is_amiss(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["doctor"])
    assert ended.value.code == 1
    assert "run this in a clone" in capsys.readouterr().out


def test_debug_shows_where_a_mistake_was_met(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParamsError, match="no such file"):
        main(["--debug", "plan"])
