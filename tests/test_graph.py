"""What reruns when something changes, on the real `dvc repro` of a miniature corpus.

The changes follow one another: each begins where the last one ended, with nothing stale.
"""

import json
import re
import shutil

import pytest

from tests.projects import EDITED, SPEAKERS, FirstRun, Project

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


def test_how_heads_are_judged_runs_evaluation(miniature: Project) -> None:
    miniature.set_params(lambda p: p["evaluate"].update(seed=1))
    assert miniature.reproduce() == EDITED | {"evaluate@both", "evaluate@sound", "report"}


def test_heads_that_change_and_come_run_alone(miniature: Project) -> None:
    miniature.set_params(lambda p: p["heads"]["both"].update(strengths=[0.5, 5.0]))
    miniature.set_params(lambda p: p["heads"].update(third={**p["heads"]["sound"]}))
    added = {"report", "train@third", "evaluate@third"}
    assert miniature.reproduce() == EDITED | BOTH | added


def test_a_removed_head_runs_the_report(miniature: Project) -> None:
    miniature.set_params(lambda p: p["heads"].pop("third"))
    assert miniature.reproduce() == EDITED | {"report"}


def test_one_modalitys_encoder_runs_the_heads_that_use_it(miniature: Project) -> None:
    miniature.set_params(lambda p: p["features"]["hog"].update(orientations=6))
    assert miniature.reproduce() == EDITED | {"extract@hog", "report"} | BOTH


def test_one_of_several_sets_runs_the_heads_that_read_it(miniature: Project) -> None:
    miniature.set_params(lambda p: p["features"].update(logmel=LOGMEL))
    miniature.set_params(lambda p: p["heads"]["sound"]["inputs"].update(audio="logmel"))
    assert miniature.reproduce() == EDITED | {"extract@logmel", "report"} | SOUND


def test_going_back_to_a_former_encoder_extracts_nothing(miniature: Project) -> None:
    miniature.set_params(lambda p: p["features"]["hog"].pop("orientations"))
    miniature.set_params(lambda p: p["heads"]["sound"]["inputs"].update(audio="mfcc"))
    miniature.set_params(lambda p: p["features"].pop("logmel"))
    assert miniature.reproduce() == EDITED


def test_code_of_an_encoder_that_gives_the_same_runs_its_sets_alone(miniature: Project) -> None:
    miniature.append("pipeline/encoders/hog.py", "\nADDED = 1\n")
    assert miniature.reproduce() == EDITED | {"extract@hog"}


def test_an_encoder_that_changed_runs_the_heads_that_use_it(miniature: Project) -> None:
    options, encoder = (
        miniature.root / "pipeline" / "encoders" / f"{name}.py" for name in ("params", "hog")
    )
    assert "cell: PositiveInt = 8" in options.read_text()
    options.write_text(
        options.read_text().replace("cell: PositiveInt = 8", "cell: PositiveInt = 16")
    )
    encoder.write_text(re.sub(r"version(.*)= \d+", r"version\1= 99", encoder.read_text()))
    assert miniature.reproduce() == EDITED | {"extract@hog", "report"} | BOTH


def test_stages_that_give_the_same_as_before_run_alone(miniature: Project) -> None:
    miniature.set_params(lambda p: p["clean"].update(min_seconds=0.4))
    miniature.set_params(lambda p: p["transcribe"].update(language="en"))
    assert miniature.reproduce() == EDITED | {"clean", "transcribe", "report"}


def test_a_sampling_rate_of_faces_leaves_sound_alone(miniature: Project) -> None:
    miniature.set_params(lambda p: p["faces"].update(rate_hz=3))
    assert miniature.reproduce() == EDITED | {"faces", "sheet", "extract@hog", "report"} | BOTH


def test_another_split_and_a_corrected_label_train_but_decode_nothing(miniature: Project) -> None:
    miniature.set_params(lambda p: p["splits"].update(folds=4))
    miniature.append("data/overrides.csv", "table/speaker_01/1,valence,0.9,seen again\n")
    assert miniature.reproduce() == EDITED | {"labels", "overview"} | HEADS


def test_an_option_that_changes_no_clip_and_a_file_that_is_none_stop_early(
    miniature: Project,
) -> None:
    miniature.set_params(lambda p: p["corpora"]["own"].update(ignore=["session"]))
    (miniature.corpus / "notes.txt").write_text("from the lab")
    assert miniature.reproduce() == EDITED | CORPUS | {"clean", "report"}


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
