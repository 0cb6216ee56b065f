"""What reruns when something changes, on the real `dvc repro` of a miniature corpus.

The changes follow one another: each begins where the last one ended, with nothing stale.
"""

import re
import shutil

import pytest

from tests.projects import SPEAKERS, FirstRun, Project

MEDIA = {"labels", "clean", "faces", "sheet", "transcribe", "extract@hog", "extract@mfcc"}
BOTH = {"train@both", "evaluate@both"}
SOUND = {"train@sound", "evaluate@sound"}
HEADS = BOTH | SOUND | {"report"}


@pytest.fixture(scope="module")
def miniature(first_run: FirstRun, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return first_run.copy(tmp_path_factory.mktemp("miniature") / "project")


def test_the_first_run_runs_everything(first_run: FirstRun) -> None:
    assert first_run.stages == {"check"} | MEDIA | HEADS


def test_nothing_changed_runs_nothing(miniature: Project) -> None:
    assert miniature.reproduce() == set()


def test_a_comment_in_unrelated_code_runs_nothing(miniature: Project) -> None:
    miniature.append("pipeline/cli/__init__.py", "\n# a comment\n")
    miniature.append("pipeline/labels/corpora/ravdess.py", "\n# a comment\n")
    assert miniature.reproduce() == set()


def test_the_title_of_the_page_runs_the_report(miniature: Project) -> None:
    miniature.set_params(lambda p: p["report"].update(title="Renamed"))
    assert miniature.reproduce() == {"check", "report"}


def test_how_heads_are_judged_runs_evaluation(miniature: Project) -> None:
    miniature.set_params(lambda p: p["evaluate"].update(seed=1))
    assert miniature.reproduce() == {"check", "evaluate@both", "evaluate@sound", "report"}


def test_a_head_runs_alone(miniature: Project) -> None:
    miniature.set_params(lambda p: p["heads"]["both"].update(strengths=[0.5, 5.0]))
    assert miniature.reproduce() == {"check", "report"} | BOTH


def test_an_added_head_runs_alone(miniature: Project) -> None:
    miniature.set_params(lambda p: p["heads"].update(third={**p["heads"]["sound"]}))
    assert miniature.reproduce() == {"check", "report", "train@third", "evaluate@third"}


def test_a_removed_head_runs_the_report(miniature: Project) -> None:
    miniature.set_params(lambda p: p["heads"].pop("third"))
    assert miniature.reproduce() == {"check", "report"}


def test_one_modalitys_encoder_runs_the_heads_that_use_it(miniature: Project) -> None:
    miniature.set_params(lambda p: p["features"]["hog"].update(orientations=6))
    assert miniature.reproduce() == {"check", "extract@hog", "report"} | BOTH


def test_a_comment_in_an_encoder_runs_its_sets_alone(miniature: Project) -> None:
    miniature.append("pipeline/encoders/hog.py", "\n# a comment\n")
    assert miniature.reproduce() == {"extract@hog"}


def test_an_encoder_that_changed_runs_the_heads_that_use_it(miniature: Project) -> None:
    path = miniature.root / "pipeline" / "encoders" / "hog.py"
    code = path.read_text()
    assert "cell: PositiveInt = 8" in code
    code = code.replace("cell: PositiveInt = 8", "cell: PositiveInt = 16")
    path.write_text(re.sub(r"version(.*)= \d+", r"version\1= 99", code))
    assert miniature.reproduce() == {"extract@hog", "report"} | BOTH


def test_going_back_to_a_former_encoder_extracts_nothing(miniature: Project) -> None:
    miniature.set_params(lambda p: p["features"]["hog"].update(orientations=4))
    assert "extract@hog" in miniature.reproduce()
    miniature.set_params(lambda p: p["features"]["hog"].update(orientations=6))
    assert miniature.reproduce() == {"check"}


def test_a_threshold_that_leaves_nothing_out_stops_at_clean(miniature: Project) -> None:
    miniature.set_params(lambda p: p["clean"].update(min_seconds=0.4))
    assert miniature.reproduce() == {"check", "clean", "report"}


def test_where_words_come_from_stops_at_transcribe(miniature: Project) -> None:
    miniature.set_params(lambda p: p["transcribe"].update(language="en"))
    assert miniature.reproduce() == {"check", "transcribe", "report"}


def test_a_sampling_rate_of_faces_leaves_sound_alone(miniature: Project) -> None:
    miniature.set_params(lambda p: p["faces"].update(rate_hz=3))
    assert miniature.reproduce() == {"check", "faces", "sheet", "extract@hog", "report"} | BOTH


def test_another_split_trains_but_extracts_nothing(miniature: Project) -> None:
    miniature.set_params(lambda p: p["splits"].update(folds=4))
    assert miniature.reproduce() == {"check", "labels"} | HEADS


def test_a_corrected_label_trains_but_decodes_nothing(miniature: Project) -> None:
    miniature.append("data/overrides.csv", "table/speaker_01/1,valence,0.9,seen again\n")
    assert miniature.reproduce() == {"labels"} | HEADS


def test_an_option_of_the_corpus_that_changes_no_clip_stops_at_labels(
    miniature: Project,
) -> None:
    miniature.set_params(lambda p: p["corpus"].update(ignore=["session"]))
    assert miniature.reproduce() == {"check", "labels", "report"}


def test_a_file_that_is_no_clip_stops_at_clean(miniature: Project) -> None:
    (miniature.corpus / "notes.txt").write_text("from the lab")
    assert miniature.reproduce() == {"labels", "clean"}


def test_an_altered_file_runs_all_but_the_check(miniature: Project) -> None:
    folder = miniature.corpus
    shutil.copy(folder / "speaker_02" / "1.mp4", folder / "speaker_01" / "1.mp4")
    ran = miniature.reproduce()
    assert ran == MEDIA | HEADS


def test_an_added_file_runs_all_but_the_check(miniature: Project) -> None:
    miniature.add_clip("speaker_01", 3)
    assert miniature.reproduce() == MEDIA | HEADS


def test_a_removed_file_runs_all_but_the_check(miniature: Project) -> None:
    miniature.remove_clip(SPEAKERS[-1], 1)
    assert miniature.reproduce() == MEDIA | HEADS
