import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.audits.planning import (
    Forecast,
    Sample,
    Setting,
    estimate_length,
    forecast,
    measure,
    plan_clean,
    plan_extract,
    plan_faces,
    plan_project,
    plan_train,
    plan_words,
    run_apart,
    spread,
    survey_clips,
)
from pipeline.cleaning.sound import clean_corpus
from pipeline.encoders.params import LandmarksParams
from pipeline.errors import MediaError
from pipeline.extraction.feature_sets import extract_features
from pipeline.faces.stores import pack_faces
from pipeline.labels.clips import Clip
from pipeline.labels.labelling import label_corpora
from pipeline.labels.reading import read_corpus
from pipeline.params import Params, load_params
from pipeline.words.transcripts import pack_transcripts, transcribe_corpus
from tests.audits.hanging import hang
from tests.conftest import PROJECT
from tests.makers import Sound, tone, write_audio
from tests.whispers import make_params, save_listener

PARAMS = """
corpora: {{own: {{kind: table, root: {root}, depends_on: {root}}}}}
splits: {{protocol: folds, folds: 3}}
clean: {{}}
transcribe: {{}}
evaluate: {{}}
report: {{}}
engine: {{}}
faces: {{rate_hz: 2}}
features:
  hog: {{modality: face, encoder: hog}}
  mfcc: {{modality: audio, encoder: mfcc}}
heads:
  linear: {{kind: linear, inputs: {{face: hog, scene: none, audio: mfcc, text: none}}}}
  mlp:
    kind: mlp
    inputs: {{face: none, scene: none, audio: mfcc, text: none}}
    training: {{epochs: 11}}
"""
LENGTHS = {"a": 0.5, "b": 0.9, "c": 1.3}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Project over three sounds and a film with a face, cleaned, with faces and words packed."""
    folder = tmp_path_factory.mktemp("project")
    root = folder / "corpus"
    root.mkdir()
    for name, seconds in LENGTHS.items():
        write_audio(root / f"{name}.wav", Sound(tone(seconds, 16_000), 16_000))
    film = sorted((PROJECT / "data" / "demo").glob("*_0[1-9]/*.mp4"))[3]
    shutil.copy(film, root / "film.mp4")
    rows = [f"{name}.wav,{name},calm,yes" for name in LENGTHS]
    table = ["path,subject,emotion,transcript", *rows, "film.mp4,d,sad,"]
    (root / "clips.csv").write_text("\n".join(table))
    (folder / "params.yaml").write_text(PARAMS.format(root=root))
    (folder / "data").mkdir()
    shutil.copy(PROJECT / "data" / "overrides.csv", folder / "data")
    params = load_params(folder / "params.yaml")
    data, work = folder / "data", folder / "work"
    clean_corpus(label(folder), params.clean, frozenset(), data, work)
    clips = survey_clips(label(folder), data / "clips")
    pack_faces(clips, params.faces, data, work)
    pack_transcripts(clips, data / "text", work)
    return folder


def label(project: Path) -> list[Clip]:
    params = load_params(project / "params.yaml")
    overrides = project / "data" / "overrides.csv"
    read = {name: read_corpus(corpus, name) for name, corpus in params.corpora.items()}
    places = overrides.with_name("splits.csv")
    return label_corpora(read, params.corpora, params.splits, overrides, places).clips


@pytest.fixture
def params(project: Path) -> Params:
    return load_params(project / "params.yaml")


@pytest.fixture
def setting(project: Path, params: Params) -> Setting:
    return Setting(params, project / "data", project / "work", sample=2)


@pytest.fixture
def clips(project: Path) -> list[Clip]:
    return survey_clips(label(project), project / "data" / "clips")


def make_clips(count: int, seconds: float) -> list[Clip]:
    return [
        Clip(clip_id=f"{n}", corpus="", path=f"{n}", duration_seconds=seconds) for n in range(count)
    ]


def test_a_sample_grows_with_the_length_of_media() -> None:
    sample = Sample(clips=2, media_seconds=10.0, seconds=3.0, bytes=100)
    found = forecast("faces", make_clips(3, 20.0), 7, sample, workers=2)
    assert found == Forecast("faces", 3, 7, 60.0, 9.0, 600, "from 2 clips")


def test_nothing_to_do_costs_nothing() -> None:
    found = forecast("clean", [], 7, measure(len, []))
    assert found == Forecast("clean", 0, 7, 0.0, 0.0, 0, "all there")


def test_what_could_not_be_tried_is_not_guessed() -> None:
    found = forecast("clean", make_clips(3, 2.0), 3, measure(len, []))
    assert found == Forecast("clean", 3, 3, 6.0, None, None, "no clip could be tried")


def test_the_first_item_goes_through_once_more() -> None:
    seen: list[str] = []

    def work(items: list[str]) -> int:
        seen.extend(items)
        return 5 * len(items)

    sample = measure(work, [("a", 2.0), ("b", 3.0)])
    assert seen == ["a", "a", "b"]
    assert (sample.clips, sample.media_seconds, sample.bytes) == (2, 5.0, 10)


def test_media_that_take_for_ever_are_given_up() -> None:
    found = run_apart(hang, make_clips(3, 1.0), lambda _: 2.0)
    broken = found.pop("1")
    assert isinstance(broken, MediaError)
    assert broken.reason == "timeout"
    assert found == {"0": "0", "2": "2"}


def test_samples_are_spread_over_the_corpus() -> None:
    assert spread(range(11), 3) == [0, 3, 7]
    assert spread(range(2), 3) == [0, 1]
    assert spread([], 3) == []


def test_a_length_comes_from_headers(project: Path) -> None:
    sounds = [clip for clip in label(project) if clip.path.endswith(".wav")]
    assert estimate_length(sounds) == pytest.approx(0.9)
    assert estimate_length(make_clips(2, 1.0)) == 0.0


def test_a_cleaned_clip_keeps_what_clean_found(clips: list[Clip]) -> None:
    assert [clip.audio_hz for clip in clips if clip.path.endswith(".wav")] == [16_000] * 3
    assert all(clip.media_digest for clip in clips)


def test_a_new_clip_has_the_length_of_its_like(project: Path) -> None:
    new = [replace(clip, clip_id=f"new/{clip.clip_id}") for clip in label(project)[:1]]
    found = survey_clips([*label(project), *new], project / "data" / "clips")
    assert found[-1].media_digest is None
    assert found[-1].duration_seconds == pytest.approx(estimate_length(new))


def test_a_clip_of_another_stretch_is_new(project: Path) -> None:
    moved = [replace(clip, start_seconds=0.1, end_seconds=0.4) for clip in label(project)[-1:]]
    (found,) = survey_clips(moved, project / "data" / "clips")
    assert found.media_digest is None
    assert found.duration_seconds == pytest.approx(0.3)


def test_a_clip_that_clean_left_out_is_not_planned_for(
    project: Path, params: Params, tmp_path: Path
) -> None:
    strict = params.clean.model_copy(update={"min_seconds": 0.7, "allowed_share": 1.0})
    clean_corpus(label(project), strict, frozenset(), tmp_path, project / "work")
    found = survey_clips(label(project), tmp_path / "clips")
    assert {"table/a"} == {c.clip_id for c in label(project)} - {c.clip_id for c in found}


def test_what_is_in_the_work_store_is_not_to_do(clips: list[Clip], setting: Setting) -> None:
    assert (plan_clean(clips, setting).to_do, plan_clean(clips, setting).clips) == (0, 4)
    assert (plan_faces(clips, setting).to_do, plan_faces(clips, setting).clips) == (0, 1)
    assert (plan_words(clips, setting).to_do, plan_words(clips, setting).clips) == (0, 4)


def test_an_empty_work_store_has_everything_to_do(
    clips: list[Clip], setting: Setting, tmp_path: Path
) -> None:
    empty = replace(setting, work=tmp_path, data=tmp_path)
    clean, faces = plan_clean(clips, empty), plan_faces(clips, empty)
    assert (clean.to_do, clean.remark) == (4, "from 2 clips")
    assert (faces.to_do, faces.remark) == (1, "from 1 clip")
    assert clean.bytes
    assert faces.bytes
    assert plan_words(clips, empty).bytes == 3 * len("yes")


def test_what_breaks_a_limit_is_tried_once(
    clips: list[Clip], setting: Setting, tmp_path: Path
) -> None:
    instant = {"limit_seconds": 1e-6}
    params = replace(
        setting.params,
        clean=setting.params.clean.model_copy(update=instant),
        faces=setting.params.faces.model_copy(update=instant),
    )
    hasty = replace(setting, params=params, work=tmp_path, data=tmp_path, sample=4)
    film = [clip for clip in clips if clip.fps is not None]
    for found in (plan_faces(film, hasty), plan_clean(clips, hasty)):
        assert (found.seconds, found.remark) == (None, "no clip could be tried")
    assert hasty.broken == {clip.clip_id for clip in clips}
    hog = plan_extract("hog", params.features["hog"], clips, hasty)
    assert (hog.to_do, hog.remark) == (1, "no clip could be tried")


def test_sets_are_measured_within_the_limits_of_their_media(
    clips: list[Clip], setting: Setting, tmp_path: Path
) -> None:
    clean = setting.params.clean.model_copy(update={"limit_seconds": 1e-6})
    hasty = replace(setting, params=replace(setting.params, clean=clean), work=tmp_path)
    mfcc = plan_extract("mfcc", setting.params.features["mfcc"], clips, hasty)
    assert mfcc.remark == "from 2 clips"
    nowhere = plan_extract(
        "mfcc", setting.params.features["mfcc"], clips, replace(hasty, data=tmp_path)
    )
    assert nowhere.remark == "no clip could be tried"


def test_words_that_a_model_must_hear_are_to_do_and_timed(
    clips: list[Clip], setting: Setting, tmp_path: Path
) -> None:
    transcribe = make_params(save_listener())
    hearing = replace(setting, params=replace(setting.params, transcribe=transcribe), work=tmp_path)
    before = plan_words(clips, hearing)
    assert (before.to_do, before.clips, before.remark) == (1, 4, "from 1 clip")
    transcribe_corpus(clips, setting.data / "audio", tmp_path / "text", tmp_path, transcribe)
    after = plan_words(clips, hearing)
    assert (after.to_do, after.seconds) == (0, 0)


def test_other_params_make_faces_to_do(clips: list[Clip], setting: Setting) -> None:
    faces = setting.params.faces.model_copy(update={"pixels": 64})
    other = replace(setting, params=replace(setting.params, faces=faces))
    assert plan_faces(clips, other).to_do == 1
    assert plan_extract("hog", setting.params.features["hog"], clips, other).to_do == 1


def test_an_extracted_set_is_not_to_do(clips: list[Clip], setting: Setting, tmp_path: Path) -> None:
    feature, work = setting.params.features["mfcc"], tmp_path / "work"
    before = plan_extract("mfcc", feature, clips, replace(setting, work=work))
    assert (before.stage, before.to_do, before.clips) == ("extract@mfcc", 4, 4)
    extract_features(feature, setting.data / "audio", tmp_path / "mfcc", work)
    after = plan_extract("mfcc", feature, clips, replace(setting, work=work))
    assert (after.to_do, after.seconds, after.bytes) == (0, 0, 0)


def test_views_that_are_lacking_are_to_do_of_their_clips(
    clips: list[Clip], setting: Setting, tmp_path: Path
) -> None:
    feature, work = setting.params.features["mfcc"], tmp_path / "work"
    extract_features(feature, setting.data / "audio", tmp_path / "mfcc", work)
    wanted = feature.model_copy(update={"views": 2})
    viewed = replace(setting, work=work, trained=frozenset({"table/a"}))
    found = plan_extract("mfcc", wanted, clips, viewed)
    assert (found.to_do, found.clips) == (1, 4)
    assert found.media_seconds == pytest.approx(2 * LENGTHS["a"])
    assert found.bytes


def test_a_set_is_measured_without_any_store(
    clips: list[Clip], setting: Setting, tmp_path: Path
) -> None:
    nowhere = replace(setting, data=tmp_path, work=tmp_path)
    for name, total in (("mfcc", 4), ("hog", 1)):
        found = plan_extract(name, setting.params.features[name], clips, nowhere)
        assert (found.to_do, found.clips) == (total, total)
        assert found.bytes


def test_rows_of_faces_that_are_not_cut_yet_have_landmarks(
    project: Path, setting: Setting, tmp_path: Path
) -> None:
    raw = survey_clips(label(project), tmp_path / "clips")
    wanted = LandmarksParams(encoder="landmarks", modality="face")
    nowhere = replace(setting, data=tmp_path, work=tmp_path, sample=4)
    found = plan_extract("landmarks", wanted, raw, nowhere)
    assert (found.to_do, found.remark) == (4, "from 1 clip")
    assert found.bytes


def test_workers_share_the_time_of_a_set(
    clips: list[Clip], setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.audits.planning.measure", lambda *_: Sample(1, 1.0, 1.0, 1))
    nowhere, feature = replace(setting, work=tmp_path), setting.params.features["mfcc"]
    alone, shared = (
        plan_extract("mfcc", feature.model_copy(update={"workers": n}), clips, nowhere).seconds
        for n in (1, 2)
    )
    assert alone is not None
    assert shared == alone / 2


def test_training_is_counted_and_not_timed(setting: Setting) -> None:
    heads = setting.params.heads
    assert plan_train("linear", heads["linear"], 5, 3).remark == "3 runs, solved at once, not timed"
    assert "at most 11 epochs" in plan_train("mlp", heads["mlp"], 5, 3).remark
    assert plan_train("mlp", heads["mlp"], 5, 3).seconds is None


def test_the_whole_project_is_planned_in_order(project: Path, params: Params) -> None:
    found = plan_project(project, params, project / "work", 1)
    assert [item.stage for item in found] == [
        "clean",
        "faces",
        "transcribe",
        "extract@hog",
        "extract@mfcc",
        "train@linear",
        "train@mlp",
    ]
