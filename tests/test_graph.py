"""What reruns when something changes, on the real `dvc repro` of a miniature corpus.

The changes follow one another: each begins where the last one ended, with nothing stale.
"""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.projects import DVC_WARNS, EDITED, SPEAKERS, FirstRun, Project

CORPUS = {"watch@own", "labels"}
SEEN = {*CORPUS, "clean", "overview", "faces", "sheet", "transcribe"}
MEDIA = SEEN | {"extract@hog", "extract@mfcc"}
LOGMEL = {"modality": "audio", "encoder": "logmel"}
BOTH = {"train@both", "evaluate@both"}
SOUND = {"train@sound", "evaluate@sound"}
HEADS = BOTH | SOUND | {"report"}


@pytest.fixture(scope="module")
def miniature(first_run: FirstRun, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return first_run.copy(tmp_path_factory.mktemp("miniature") / "project")


def test_the_first_run_runs_everything(first_run: FirstRun) -> None:
    assert first_run.stages == EDITED | MEDIA | HEADS


def test_nothing_changed_runs_nothing(miniature: Project) -> None:
    assert miniature.reproduce() == set()


def test_comments_and_members_that_are_not_chosen_run_nothing_a_title_runs_the_report(
    miniature: Project,
) -> None:
    for name in (
        "heads/linear",
        "training/saving",
        "encoders/hog",
        "cleaning/sound",
        "cli/__init__",
    ):
        miniature.append(f"pipeline/{name}.py", "\n# a comment\n")
    for name in ("heads/mlp", "encoders/logmel", "labels/corpora/ravdess", "faces/yunet"):
        miniature.append(f"pipeline/{name}.py", "\nADDED = 1\n")
    # Nor does a default that is written down.
    path = miniature.root / "pipeline" / "report" / "params.py"
    path.write_text(path.read_text() + '    added: str = "nothing"\n')
    miniature.set_params(lambda p: p["heads"]["both"].update(coordinates="cartesian"))
    miniature.set_params(lambda p: p["report"].update(title="Renamed"))
    assert miniature.reproduce() == EDITED | {"report"}


@DVC_WARNS
def test_a_set_without_its_description_is_due(first_run: FirstRun, tmp_path: Path) -> None:
    project = first_run.copy(tmp_path / "project")
    (project.root / "features" / "mfcc" / "store.json").unlink()
    due = project.list_due()
    assert {"extract@mfcc", *SOUND, "report"} <= due
    assert "extract@hog" not in due


@DVC_WARNS
def test_heads_that_change_and_come_run_alone_as_is_told_before(miniature: Project) -> None:
    """And all are judged where it is said how; what is due is what DVC runs."""
    miniature.append("params.yaml", "# Another\n")
    assert miniature.list_due() == {"report"}
    miniature.set_params(lambda p: p["heads"]["both"].update(strengths=[0.5, 5.0]))
    miniature.set_params(lambda p: p["heads"].update(third={**p["heads"]["sound"]}))
    miniature.set_params(lambda p: p["evaluate"].update(seed=1))
    added = {"report", "train@third", "evaluate@third"}
    assert miniature.list_due() == BOTH | {"evaluate@sound"} | added
    assert miniature.reproduce() == EDITED | BOTH | {"evaluate@sound"} | added
    assert miniature.list_due() == set()


def test_a_removed_head_runs_the_report_and_code_that_gives_the_same_its_sets(
    miniature: Project,
) -> None:
    miniature.set_params(lambda p: p["heads"].pop("third"))
    miniature.append("pipeline/encoders/hog.py", "\nADDED = 1\n")
    assert miniature.reproduce() == EDITED | {"extract@hog", "report"}


def test_one_of_several_sets_runs_the_heads_that_read_it(miniature: Project) -> None:
    miniature.set_params(lambda p: p["features"].update(logmel=LOGMEL))
    miniature.set_params(lambda p: p["heads"]["sound"]["inputs"].update(audio="logmel"))
    assert miniature.reproduce() == EDITED | {"extract@logmel", "report"} | SOUND


def test_going_back_to_a_former_encoder_extracts_nothing(miniature: Project) -> None:
    miniature.set_params(lambda p: p["heads"]["sound"]["inputs"].update(audio="mfcc"))
    miniature.set_params(lambda p: p["features"].pop("logmel"))
    assert miniature.reproduce() == EDITED


@DVC_WARNS
def test_an_encoder_that_changed_runs_the_heads_that_use_it(miniature: Project) -> None:
    options, encoder = (
        miniature.root / "pipeline" / "encoders" / f"{name}.py" for name in ("params", "hog")
    )
    assert "cell: PositiveInt = 8" in options.read_text()
    options.write_text(
        options.read_text().replace("cell: PositiveInt = 8", "cell: PositiveInt = 16")
    )
    encoder.write_text(re.sub(r"version(.*)= \d+", r"version\1= 99", encoder.read_text()))
    assert miniature.list_due() == {"extract@hog", "report"} | BOTH


def test_more_faces_leave_sound_alone_and_stages_that_give_the_same_run_alone(
    miniature: Project,
) -> None:
    miniature.set_params(lambda p: p["faces"].update(rate_hz=3))
    miniature.set_params(lambda p: p["clean"].update(min_seconds=0.4))
    miniature.set_params(lambda p: p["transcribe"].update(language="en"))
    same, more = {"clean", "transcribe"}, {"faces", "sheet", "extract@hog", "report"}
    assert miniature.reproduce() == EDITED | same | more | BOTH


def test_labels_and_what_is_no_clip_decode_nothing(miniature: Project) -> None:
    """Another split and a corrected label train anew; a file that is no clip goes no further."""
    miniature.set_params(lambda p: p["splits"].update(folds=4))
    miniature.append("data/overrides.csv", "table/speaker_01/1,valence,0.9,seen again\n")
    miniature.set_params(lambda p: p["corpora"]["own"].update(ignore=["session"]))
    (miniature.corpus / "notes.txt").write_text("from the lab")
    assert miniature.reproduce() == EDITED | CORPUS | {"clean", "overview"} | HEADS


def test_files_that_come_change_and_go_run_all_but_the_check(miniature: Project) -> None:
    miniature.add_clip("speaker_01", 3)
    miniature.remove_clip(SPEAKERS[-1], 1)
    folder = miniature.corpus
    shutil.copy(folder / "speaker_02" / "1.mp4", folder / "speaker_01" / "1.mp4")
    assert miniature.reproduce() == MEDIA | HEADS


def test_a_corpus_that_comes_has_its_own_clips_encoded_and_results_of_its_own(
    miniature: Project,
) -> None:
    place = "data/raw/other"
    miniature.corpus = miniature.root / place
    for speaker in SPEAKERS:
        miniature.add_clip(speaker, 4)
    other = {"kind": "table", "root": place, "depends_on": place, "called": "other"}
    miniature.set_params(lambda p: p["corpora"].update(other=other))
    ran = miniature.reproduce("reports/dvc.yaml:evaluate@sound")
    assert "watch@other" in ran
    assert "watch@own" not in ran
    assert miniature.count_encoded() == len(SPEAKERS)
    path = miniature.root / "reports" / "heads" / "sound" / "evaluation.json"
    values = json.loads(path.read_bytes())["splits"]["test"]["corpus_values"]
    assert values["uar"].keys() == {"table", "other"}
