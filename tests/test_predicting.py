"""New media by a head of a project that ran: what it says of a clip is what evaluation judged."""

import json
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from pipeline.cli import main
from pipeline.errors import CorpusError, ParamsError, StoreError
from pipeline.heads.window_params import WindowParams
from pipeline.media.sampling import Sampling
from pipeline.media.video import read_frames
from pipeline.predictor.fusion import FusedPredictor, Member
from pipeline.predictor.gathering import gather_media
from pipeline.predictor.making import Running
from pipeline.predictor.predictor import Predictor
from pipeline.store.reader import open_media
from tests.makers import Sound, grey_frames, tone, write_audio, write_video
from tests.projects import FirstRun

CLIPS = "data/raw/corpus"


@pytest.fixture(scope="module")
def project(first_run: FirstRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project that ran, as the current folder."""
    root = first_run.copy(tmp_path_factory.mktemp("predicting") / "project").root
    with chdir(root):
        yield root


def read_held_out(head: str, fold: int) -> dict[tuple[str, str], list[float]]:
    """(clip, target) → what the head of a fold said of its test clips."""
    table = pq.read_table(f"models/{head}/predictions.parquet")
    for name, value in (("split", "test"), ("withheld", "none"), ("fold", fold)):
        table = table.filter(pc.equal(table[name].cast(type_of(value)), value))
    return {
        (row["clip_id"], row["target"]): row["scores"] or [row["predicted"]]
        for row in table.to_pylist()
    }


def type_of(value: object) -> str:
    return "string" if isinstance(value, str) else "int64"


def test_a_clip_of_the_corpus_is_judged_as_by_the_stages(project, tmp_path):
    predictor = Predictor.load("models/both")
    clips = gather_media([CLIPS])
    for run, trained in predictor.head.heads.items():
        one = replace(predictor, head=replace(predictor.head, heads={run: trained}))
        expected = read_held_out("both", int(run.removeprefix("fold-")))
        found = {
            (f"table/{told.clip.clip_id.removeprefix('media/')}", target): np.ravel(value).tolist()
            for told in one.predict(clips, tmp_path / "made", tmp_path / "parts")
            for target, value in told.answer.whole.items()
        }
        assert expected
        for place, values in expected.items():
            assert found[place] == pytest.approx(values, abs=1e-4)


def test_answers_over_time_have_a_row_at_every_tenth_frame(project, tmp_path):
    path = next(Path(CLIPS).rglob("*.mp4"))
    rows = Predictor.load("models/both")(path)
    assert [row["frame"] for row in rows] == [10 * place for place in range(len(rows))]
    assert {"happy", "sad", "dominant_emotion", "confidence", "valence"} < rows[0].keys()
    assert len({row["valence"] for row in rows}) > 1  # each stretch is listened to by itself


def test_answers_go_by_as_much_as_windows_in_training(project):
    predictor = Predictor.load("models/sound")
    windows = WindowParams(seconds=2.5)
    params = predictor.head.params.model_copy(update={"windows": windows})
    asked = replace(predictor, head=replace(predictor.head, params=params))
    assert (predictor.space().window_seconds, asked.space().window_seconds) == (1.0, 2.5)
    with pytest.raises(CorpusError, match=f"{CLIPS}: expected a file, got none or several"):
        predictor(CLIPS)


def call(*arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code


def test_a_folder_is_predicted_and_goes_on_where_it_was(project, tmp_path, capsys, monkeypatch):
    media = tmp_path / "media"
    media.mkdir()
    write_audio(media / "hum.wav", Sound(tone(2.0, 16_000), 16_000))
    write_video(media / "grey.mp4", grey_frames(30))
    (media / "broken.mp4").write_bytes(b"nothing that is media")
    out = tmp_path / "out"
    asked = ["predict", str(media), "--head", "both", "--head", "sound", "--out", str(out)]
    assert call(*asked, "--json") in (0, None)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["head"], one["media"]) for one in told[:3]] == [
        ("both", "broken"),
        ("both", "grey"),
        ("both", "hum"),
    ]
    assert "unreadable" in told[0]["remarks"]
    assert told[2]["dominant_emotion"] in ("happy", "sad")
    rows = pyarrow.csv.read_csv(out / "hum" / "both.csv")
    assert pq.read_table(out / "hum" / "both.parquet").num_rows == rows.num_rows == 2
    assert (out / "hum" / "both.timeline.png").is_file()
    assert not (out / "broken").exists()
    monkeypatch.setattr("pipeline.extraction.source.encode_clips", None)  # nobody may call it
    assert call(*asked, "--no-plot") in (0, None)


def test_a_film_that_cannot_be_written_ends_the_call_once_all_others_are(
    project, tmp_path, capsys, monkeypatch
):
    first, second, *_ = sorted(Path(CLIPS).rglob("*.mp4"))
    monkeypatch.setattr("pipeline.predictor.films.MINUTE_SECONDS", 0.0)
    asked = [str(first), str(second), "--head", "both", "--no-plot", "--annotations", "mp4"]
    told = str(call("predict", *asked, "--out", str(tmp_path)))
    assert told.startswith("moodline: predict: expected to write all that was asked for, could not")
    assert f"{first.stem}: no_mp4: timeout: " in capsys.readouterr().err
    assert (tmp_path / "both.csv").read_text().count("no_mp4: timeout") == 2


def test_heads_as_one_are_judged_by_a_corpus_and_told_what_they_know_of_it(
    project, tmp_path, capsys
):
    asked = ["predict", "--head", "both:0.75", "--head", "sound:0.25", "--join"]
    judged = [*asked, "--corpus", "own", "--max-per-emotion", "2", "--out", str(tmp_path)]
    assert call(*judged, "--json") in (0, None)
    (scored,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert "was trained on table, and knows clips" in scored["seen"][0]
    assert call(*judged) in (0, None)
    told = capsys.readouterr()
    assert "own by both+sound: accuracy" in told.out
    assert "both: was trained on table, and knows clips that judge it here" in told.err
    rows = pyarrow.csv.read_csv(tmp_path / "both+sound.own.csv").to_pylist()
    assert sorted(row["emotion"] for row in rows) == ["happy", "happy", "sad", "sad"]
    alone = {
        head: told.answer.whole["emotion"]
        for head in ("both", "sound")
        for told in Predictor.load(f"models/{head}").predict(
            gather_media([rows[0]["path"]]), tmp_path / head, tmp_path / "parts"
        )
    }
    expected = 0.75 * alone["both"] + 0.25 * alone["sound"]
    assert [rows[0]["happy"], rows[0]["sad"]] == pytest.approx(expected.tolist(), abs=1e-3)


def test_heads_as_one_are_called_like_one_and_have_no_stream(project):
    path = next(Path(CLIPS).rglob("*.mp4"))
    both, sound = (Predictor.load(f"models/{head}") for head in ("both", "sound"))
    fused = FusedPredictor([Member(both, 0.75), Member(sound, 0.25)])
    found, first, second = (own(path)[0] for own in (fused, both, sound))
    assert found["happy"] == pytest.approx(0.75 * first["happy"] + 0.25 * second["happy"], abs=1e-3)
    assert fused.recipe.per == both.recipe.per | sound.recipe.per
    with pytest.raises(
        ParamsError, match=r"both\+sound: expected a head by itself to stream, got "
    ):
        fused.stream()


def test_so_many_frames_of_the_middle_are_looked_at_where_that_is_asked_for(project, tmp_path):
    clips = gather_media([str(next(Path(CLIPS).rglob("*.mp4")))])
    predictor = Predictor.load("models/both", Running(per_clip=3))
    (told,) = predictor.predict(clips, tmp_path / "made", tmp_path / "parts")
    seconds = open_media(tmp_path / "made/data/face")[told.clip.clip_id]["seconds"].to_numpy()
    assert len(seconds) == 3
    length = told.clip.duration_seconds
    assert 0.2 * length <= seconds.min() < seconds.max() <= 0.8 * length


def test_what_is_unlike_the_training_data_is_told(project, tmp_path):
    write_audio(tmp_path / "faint.wav", Sound(tone(9.0, 16_000) / 1000, 16_000))
    places = tmp_path / "made", tmp_path / "parts"
    clips = gather_media([str(tmp_path / "faint.wav")])
    (told,) = Predictor.load("models/sound").predict(clips, *places)
    assert [line.split(" (")[0] for line in told.unlike] == ["audio: longer", "audio: quieter"]


def test_media_of_which_none_can_be_used_are_refused(project, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"nothing that is media")
    told = call("predict", str(tmp_path / "broken.mp4"), "--head", "both", "--out", str(tmp_path))
    assert str(told).startswith("moodline: predict: expected media that can be used, got none of 1")
    assert "unreadable" in (tmp_path / "both.csv").read_text()


def test_rows_by_other_settings_are_refused_before_any_is_made(project, tmp_path):
    predictor = Predictor.load("models/sound")
    changed = {"mfcc": predictor.making.features["mfcc"].model_copy(update={"coefficients": 13})}
    other = replace(predictor, making=replace(predictor.making, features=changed))
    clips = gather_media([CLIPS])
    expected = r"features mfcc: expected rows as the head was trained on, .* got 13; bring the same"
    with pytest.raises(StoreError, match=expected):
        list(other.predict(clips, tmp_path / "made", tmp_path / "parts"))


def test_rows_of_other_shapes_than_a_recipe_says_are_refused(project, tmp_path):
    predictor = Predictor.load("models/sound")
    recipe = predictor.head.recipe
    inputs = {
        stream: source.model_copy(update={"row_shape": [1]})
        for stream, source in recipe.inputs.items()
    }
    forged = recipe.model_copy(update={"inputs": inputs})
    other = replace(predictor, head=replace(predictor.head, recipe=forged))
    with pytest.raises(StoreError, match="sound: expected rows of audio as its recipe has them, "):
        list(other.predict(gather_media([CLIPS]), tmp_path / "made", tmp_path / "parts"))


def test_what_another_head_of_that_name_packed_is_not_looked_at(project, tmp_path):
    clips = gather_media([CLIPS])
    places = tmp_path / "made", tmp_path / "parts"
    before = list(Predictor.load("models/both").predict(clips, *places))
    told = list(Predictor.load("models/sound").predict(clips, *places))
    assert any(one.remarks for one in before)
    assert not any("face" in remark for one in told for remark in one.remarks)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.mp4"], "nothing.mp4: no such file; name a file, a folder or a pattern"),
        ([CLIPS, "--head", "nobody"], "nobody/recipe.json: "),
        ([CLIPS, "--head", "models/both"], "--head: expected each head once, got 'both' twice"),
        ([CLIPS, "--detector", "given"], "both: expected a detector that finds faces, for new"),
        ([CLIPS, "--device", "tpu"], "--device: expected cpu or cuda, got 'tpu'"),
        ([CLIPS, "--save-plot", "a.png"], "--save-plot: expected one medium, one head and a"),
    ],
)
def test_bad_input_gets_a_sentence(project, tmp_path, arguments, said):
    told = call("predict", *arguments, "--head", "both", "--out", str(tmp_path / "out"))
    assert str(told).startswith(f"moodline: {said}")


def predict_all(head: str, path: Path, *, everyone: bool) -> list[dict[str, Any]]:
    return Predictor.load(f"models/{head}", Running(everyone=everyone))(path)


def read_film(path: Path) -> np.ndarray:
    return np.stack([frame.image for frame in read_frames(path, Sampling())])


@pytest.mark.parametrize("head", ["both", "sound"])
def test_a_film_of_one_person_gives_the_same_for_all_who_are_seen(project, head):
    path = next(Path(CLIPS).rglob("*.mp4"))
    assert predict_all(head, path, everyone=True) == predict_all(head, path, everyone=False)


def test_each_person_of_a_film_is_answered_for(project, tmp_path, capsys):
    (left, *_, right) = (read_film(path) for path in sorted(Path(CLIPS).rglob("*.mp4")))
    count = min(len(left), len(right))
    beside = np.concatenate([left[:count], right[:count]], axis=2)
    film = write_video(tmp_path / "two.mp4", beside, audio=Sound(tone(1.0, 16_000), 16_000))
    out, plot = tmp_path / "out", tmp_path / "plot.png"
    asked = ["predict", str(film), "--head", "both", "--out", str(out), "--faces", "all"]
    told = ["--annotations", "mp4", "--annotations", "eaf", "--save-plot", str(plot), "--json"]
    assert call(*asked, *told) in (0, None)
    people = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [person["person"] for person in people] == [0, 1]
    assert people[0]["valence"] != people[1]["valence"]
    rows = pyarrow.csv.read_csv(out / "two" / "both.csv").to_pylist()
    assert [(row["seconds"], row["person"]) for row in rows[:2]] == [(0.0, 0), (0.0, 1)]
    assert {row["modalities"] for row in rows} == {"face+audio"}
    assert plot.read_bytes() == (out / "two" / "both.timeline.png").read_bytes()
    assert read_film(out / "two" / "both.annotated.mp4").shape == beside.shape
