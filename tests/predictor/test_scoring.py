import csv
from dataclasses import replace

import numpy as np
import pytest

from pipeline.errors import CorpusError, ParamsError
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.emotions import Names
from pipeline.predictor.answering import Answer
from pipeline.predictor.labelled import choose_clips, find_corpus
from pipeline.predictor.mapping import MAPS
from pipeline.predictor.predictor import Told
from pipeline.predictor.scoring import (
    WHOLE,
    judge_answers,
    list_names,
    tabulate_answers,
    write_scored,
)

LABELS = {"a": "calm", "b": "neutral", "c": "happy", "d": "happy", "e": "bored", "f": None}
EMOTIONS = ["happy", "neutral"]
CLIPS = [Clip(clip_id=name, corpus="c", path=name, subject=f"s{name}") for name in LABELS]


def make_corpus(labels=LABELS):
    targets = [ClipLabels.of(name, {"emotion": label}) for name, label in labels.items()]
    clips = [clip for clip in CLIPS if clip.clip_id in labels]
    return Corpus(clips, targets, Names(emotion=["calm"], words={}))


def test_clips_are_those_of_a_head_s_classes_and_others_are_counted():
    chosen = choose_clips(make_corpus(), EMOTIONS, MAPS["fer2013"])
    assert [clip.clip_id for clip in chosen.clips] == ["a", "b", "c", "d"]
    assert (chosen.labels["a"], chosen.classes["a"]) == ("calm", "neutral")
    assert chosen.left == {"bored": 1, None: 1}


def test_so_many_clips_of_each_class_are_the_same_at_each_call():
    first, second = (choose_clips(make_corpus(), EMOTIONS, MAPS["fer2013"], 1) for _ in range(2))
    assert len(first.clips) == 2
    assert first.clips == second.clips
    assert {first.classes[clip.clip_id] for clip in first.clips} == {"happy", "neutral"}


def test_a_corpus_of_other_classes_alone_is_refused_with_its_own():
    with pytest.raises(CorpusError, match=r"expected clips of sad, got none of 6, which are bo"):
        choose_clips(make_corpus(), ["sad"], {})


def tell(clip_id, chances):
    clip = replace(CLIPS["abcdef".index(clip_id)], duration_seconds=1.0)
    timing = WHOLE.lay_times(clip, causal=False)
    own = {"emotion": np.array(chances, np.float32)}
    series = {"emotion": own["emotion"][np.newaxis]}
    answer = Answer(own, timing, series, [["face"]], np.zeros(1, int))
    return Told(clip, ["face_leaves: soon"], [], answer)


@pytest.fixture
def told():
    nothing = Told(CLIPS[3], ["no_face: none"], [], None)
    return [tell("a", [0.2, 0.8]), tell("b", [0.7, 0.3]), tell("c", [0.9, 0.1]), nothing]


def test_metrics_are_those_of_evaluation_and_what_has_no_answer_is_not_covered(told):
    chosen = choose_clips(make_corpus(), EMOTIONS, MAPS["fer2013"])
    scored = judge_answers(told, chosen, EMOTIONS)
    assert scored.confusion.tolist() == [[1, 0], [1, 1]]
    assert scored.metrics["accuracy"].value == pytest.approx(2 / 3)
    assert scored.metrics["uar"].value == pytest.approx(3 / 4)
    assert (scored.metrics["uar"].covered, scored.metrics["uar"].annotated) == (3, 4)
    assert scored.metrics["uar"].interval_reason == "fewer than 8 subjects hold it"


def test_a_clip_has_its_label_its_class_and_what_is_said_of_it(told):
    chosen = choose_clips(make_corpus(), EMOTIONS, MAPS["fer2013"])
    first, *_, last = tabulate_answers(told, chosen, EMOTIONS).to_pylist()
    assert first["corpus"] == "c"
    assert (first["label"], first["emotion"], first["dominant_emotion"]) == (
        *("calm", "neutral", "neutral"),
    )
    assert (first["neutral"], first["confidence"]) == (0.8, 0.8)
    assert (last["dominant_emotion"], last["remarks"]) == (None, "no_face: none")


def test_a_confusion_matrix_is_a_table_and_a_picture(told, tmp_path):
    chosen = choose_clips(make_corpus(), EMOTIONS, MAPS["fer2013"])
    scored = replace(judge_answers(told, chosen, EMOTIONS), seen=["face: was", "voice: was"])
    write_scored(scored, tmp_path, "head.corpus")
    with (tmp_path / "head.corpus.confusion.csv").open() as file:
        assert [*csv.reader(file)] == [
            ["annotated", "happy", "neutral"],
            *(["happy", "1", "0"], ["neutral", "1", "1"]),
        ]
    assert (tmp_path / "head.corpus.confusion.png").stat().st_size > 5_000
    with (tmp_path / "head.corpus.metrics.csv").open() as file:
        rows = [*csv.DictReader(file)]
    assert {*rows[0]} > {"metric", "value", "low", "high"}
    assert {row["seen"] for row in rows} == {"face: was; voice: was"}


def test_a_table_that_is_here_is_known_by_the_corpora_that_it_names(tmp_path):
    (tmp_path / "a.wav").touch()
    (tmp_path / "clips.csv").write_text("path,corpus,emotion\na.wav,ravdess,sad\n")
    section = {"kind": "table", "root": str(tmp_path), "depends_on": str(tmp_path)}
    assert "ravdess" in list_names(section)
    assert "ravdess" not in list_names({**section, "table": "others.csv"})


def test_a_corpus_is_one_of_the_project_or_a_kind_with_a_root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_corpus("ravdess", tmp_path).modality == "audiovisual"
    assert find_corpus("ravdess-speech", tmp_path).modality == "audio"
    with pytest.raises(ParamsError, match="--corpus ravdess: expected a --root"):
        find_corpus("ravdess", None)
    with pytest.raises(ParamsError, match="--corpus: unknown corpus 'ravdes'; did you mean"):
        find_corpus("ravdes", tmp_path)
    (tmp_path / "params.yaml").write_text(
        "corpora: {mine: {kind: ravdess, root: raw, depends_on: raw, channel: song}}\n"
        "features: {}\nheads: {}\n"
    )
    assert find_corpus("mine", None).root == "raw"
    assert (find_corpus("mine", tmp_path).channel, find_corpus("mine", tmp_path).root) == (
        *("song", str(tmp_path)),
    )
