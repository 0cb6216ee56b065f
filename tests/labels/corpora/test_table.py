from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import CorpusError, ParamsError
from pipeline.labels.corpora import Corpus
from pipeline.labels.corpora.params import TableParams
from pipeline.labels.corpora.table import Row, read


def write_table(folder: Path, text: str, *, media: tuple[str, ...] = ("a.mp4",)) -> Path:
    (folder / "clips.csv").write_text(text)
    for name in media:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def read_rows(root: Path, **options: Any) -> Corpus:
    return read(TableParams(name="table", root=str(root), depends_on=str(root), **options))


def test_a_full_row_becomes_a_clip_and_a_target(tmp_path):
    write_table(
        tmp_path,
        "path,clip_id,subject,group,dialogue,turn,transcript,emotion,intensity,arousal,sentiment\n"
        'a.mp4,one,01,g7,d3,5,"Well, no",sad,0.75,-0.5,0.125\n',
    )
    corpus = read_rows(tmp_path)
    (clip,), (target,) = corpus.clips, corpus.targets
    assert (clip.clip_id, clip.path) == ("one", (tmp_path / "a.mp4").as_posix())
    assert (clip.subject, clip.group, clip.dialogue, clip.turn) == ("01", "g7", "d3", 5)
    assert clip.transcript == "Well, no"
    labels = {"emotion": "sad", "intensity": 0.75, "arousal": -0.5, "sentiment": 0.125}
    assert target.labels == labels


def test_votes_and_scores_have_a_column_for_each_class(tmp_path):
    write_table(
        tmp_path,
        "path,votes.freude,votes.sad,emotions.happy\na.mp4,3,1,\nb.mp4,,,0.5\nc.mp4,,,\n",
    )
    corpus = read_rows(tmp_path, words={"freude": "happy"})
    assert corpus.names.emotion == ["happy", "sad"]
    assert [target.labels for target in corpus.targets] == [
        {"votes": (("happy", 3.0), ("sad", 1.0))},
        {"emotions": (("happy", 0.5),)},
        {},
    ]


def test_a_negative_vote_is_refused_by_row(tmp_path):
    write_table(tmp_path, "path,votes.sad\na.mp4,-1\n")
    with pytest.raises(
        CorpusError, match=r"row 1: votes.sad: .*greater than or equal to 0, got '?-1"
    ):
        read_rows(tmp_path)


def test_an_id_is_the_path_with_its_stretch(tmp_path):
    write_table(
        tmp_path,
        "path,start_seconds,end_seconds\nd/a.mp4,1.5,3\nd/b.wav,,\n",
        media=("d/a.mp4",),
    )
    ids = [clip.clip_id for clip in read_rows(tmp_path).clips]
    assert ids == ["table/d/a@1.500-3.000", "table/d/b"]


def test_a_group_is_else_the_subject_else_the_file(tmp_path):
    write_table(tmp_path, "path,subject,group\na.mp4,s,g\nb.mp4,s,\nc.mp4,,\n")
    assert [clip.group for clip in read_rows(tmp_path).clips] == ["g", "s", "c.mp4"]


def test_minus_five_marks_an_invalid_rating(tmp_path):
    write_table(tmp_path, "path,valence,arousal\na.mp4,-5,-5.0\n")
    (target,) = read_rows(tmp_path).targets
    assert (target.labels.get("valence"), target.labels.get("arousal")) == (None, None)


def test_words_that_look_like_no_value_are_words(tmp_path):
    write_table(tmp_path, "path,subject,transcript\na.mp4,NA,null\n")
    (clip,) = read_rows(tmp_path).clips
    assert (clip.subject, clip.transcript) == ("NA", "null")


def test_emotions_are_sorted_or_in_the_order_given(tmp_path):
    write_table(tmp_path, "path,emotion\na.mp4,sad\nb.mp4,happy\n")
    assert read_rows(tmp_path).names.emotion == ["happy", "sad"]
    ordered = read_rows(tmp_path, emotions=["sad", "happy", "bored"])
    assert ordered.names.emotion == ["sad", "happy", "bored"]


def test_words_are_mapped_to_classes(tmp_path):
    write_table(tmp_path, "path,emotion\na.mp4,4\nb.mp4,joy\n")
    corpus = read_rows(tmp_path, words={"4": "joy"})
    assert [target.labels.get("emotion") for target in corpus.targets] == ["joy", "joy"]
    assert corpus.names.words == {"joy": "joy", "4": "joy"}


def test_a_word_outside_the_classes_is_refused_by_row(tmp_path):
    write_table(tmp_path, "path,emotion\na.mp4,sad\nb.mp4,hapy\n")
    with pytest.raises(
        CorpusError, match=r"row 2: emotion: unknown emotion 'hapy'; did you mean 'happy'"
    ):
        read_rows(tmp_path, emotions=["sad", "happy"])


def test_words_must_lead_to_a_class(tmp_path):
    write_table(tmp_path, "path,emotion\na.mp4,sad\n")
    with pytest.raises(ParamsError, match=r"corpus\.words: 'sadd': did you mean 'sad'"):
        read_rows(tmp_path, emotions=["sad"], words={"s": "sadd"})


def test_columns_are_mapped_by_params(tmp_path):
    write_table(tmp_path, "file,speaker\na.mp4,Ross\n")
    (clip,) = read_rows(tmp_path, columns={"path": "file", "subject": "speaker"}).clips
    assert clip.subject == "Ross"


def test_an_unknown_column_is_refused_with_the_nearest(tmp_path):
    write_table(tmp_path, "path,valance,age\na.mp4,0.5,31\n")
    with pytest.raises(CorpusError, match=r"\['valance', 'age'\].*did you mean 'valence'"):
        read_rows(tmp_path)


def test_columns_can_be_ignored_even_known_ones(tmp_path):
    write_table(tmp_path, "path,age,fold\na.mp4,31,2\n")
    (target,) = read_rows(tmp_path, ignore=["age", "fold"]).targets
    assert target.fold is None


@pytest.mark.parametrize(
    ("header", "options", "message"),
    [
        ("emotion,subject", {}, r"no column 'path'; known: emotion, subject"),
        ("path,spaeker", {"columns": {"subject": "speaker"}}, r"no column 'speaker'; did you mean"),
        ("path,turn,turn", {}, r"column 'turn' occurs twice"),
    ],
)
def test_missing_and_doubled_columns_are_refused(tmp_path, header, options, message):
    write_table(tmp_path, header + "\n" + "a.mp4," * header.count(",") + "x\n")
    with pytest.raises(CorpusError, match=message):
        read_rows(tmp_path, **options)


def test_a_mapping_of_an_unknown_column_is_refused(tmp_path):
    with pytest.raises(ParamsError, match="unknown column 'subjekt'; did you mean 'subject'"):
        read_rows(tmp_path, columns={"subjekt": "speaker"})


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("valence", "1.7", "row 2: valence: .*less than or equal to 1, got '1.7'"),
        ("arousal", "-3", "row 2: arousal: .*greater than or equal to -1"),
        ("dominance", "nan", "row 2: dominance: .*finite"),
        ("sentiment", "2.4", "row 2: sentiment: .*sentiment runs from -1 to 1"),
        ("intensity", "-0.1", r"row 2: intensity: .*intensity runs from 0 to 1"),
        ("turn", "first", "row 2: turn: .*got 'first'"),
        ("split", "dev", "row 2: split: .*'train', 'val' or 'test', got 'dev'"),
        ("subject", "  ", "row 2: subject: "),
        ("end_seconds", "3", "row 2: start_seconds and end_seconds go together"),
    ],
)
def test_a_wrong_value_is_refused_by_row_and_column(tmp_path, column, value, message):
    write_table(tmp_path, f"path,{column}\nb.mp4,\na.mp4,{value}\n")
    with pytest.raises(CorpusError, match=message):
        read_rows(tmp_path)


def test_a_row_without_a_path_is_refused(tmp_path):
    write_table(tmp_path, "path,turn\na.mp4,1\n,2\n")
    with pytest.raises(CorpusError, match=r"row 2: path: .*got None"):
        read_rows(tmp_path)


def test_a_stretch_that_ends_where_it_starts_is_refused(tmp_path):
    write_table(tmp_path, "path,start_seconds,end_seconds\na.mp4,2,2\n")
    with pytest.raises(CorpusError, match="row 1: end_seconds must come after start_seconds"):
        read_rows(tmp_path)


def test_two_rows_of_one_id_are_refused(tmp_path):
    write_table(tmp_path, "path\na.mp4\nb.mp4\na.wav\n")
    with pytest.raises(CorpusError, match="rows 1 and 3: both are clip 'table/a'"):
        read_rows(tmp_path)


def test_one_missing_file_is_left_to_clean_but_not_all(tmp_path):
    write_table(tmp_path, "path\na.mp4\nb.mp4\n")
    assert len(read_rows(tmp_path).clips) == 2
    (tmp_path / "a.mp4").unlink()
    with pytest.raises(CorpusError, match=r"none of its 2 files exists, .*a.mp4; .*corpus.root"):
        read_rows(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("clips.csv", "", "not a readable table"),
        ("clips.csv", "path\n", "no row"),
        ("clips.parquet", "PAR?", "not a readable table"),
        ("clips.xlsx", "?", r"expected .csv or .parquet, got '.xlsx'"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(CorpusError, match=message):
        read_rows(tmp_path, table=name)


def test_a_parquet_table_of_numbers_is_read_as_the_same(tmp_path):
    table = pa.table({"path": ["a.mp4"], "subject": [11], "valence": [-5.0], "fold": [2.0]})
    pq.write_table(table, tmp_path / "clips.parquet")
    (tmp_path / "a.mp4").touch()
    corpus = read_rows(tmp_path, table="clips.parquet")
    assert corpus.clips[0].subject == "11"
    assert (corpus.targets[0].labels.get("valence"), corpus.targets[0].fold) == (None, 2)


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_ratings_survive_their_way_through_text(valence, arousal):
    row = Row.model_validate({"path": "a", "valence": str(valence), "arousal": repr(arousal)})
    assert (row.valence, row.arousal) == (valence, arousal)


def test_marks_and_line_ends_of_spreadsheets_are_passed_over(tmp_path):
    write_table(tmp_path, '\ufeffpath,transcript\r\na.mp4,"Well,\r\nno"\r\nb.mp4,\r\n')
    clips = read_rows(tmp_path).clips
    assert [clip.transcript for clip in clips] == ["Well,\r\nno", None]


def test_columns_that_mean_one_class_are_joined(tmp_path):
    columns = "votes.joy,votes.happy,votes.sad,emotions.joy,emotions.happy"
    write_table(tmp_path, f"path,{columns}\na.mp4,3,2,4,0.5,0.25\n")
    (target,) = read_rows(tmp_path, words={"joy": "happy"}).targets
    assert target.labels["votes"] == (("happy", 5.0), ("sad", 4.0))
    assert target.labels["emotions"] == (("happy", 0.5),)


def test_words_mean_the_same_in_every_column(tmp_path):
    write_table(tmp_path, "path,emotion,votes.1,votes.2\na.mp4,1,5,0\n")
    (target,) = read_rows(tmp_path, words={"1": "2", "2": "1"}).targets
    assert target.labels == {"emotion": "2", "votes": (("2", 5.0), ("1", 0.0))}


def test_a_class_is_ignored_or_mapped_like_any_column(tmp_path):
    write_table(tmp_path, "path,votes.other,votes.sad,froh\na.mp4,9,1,3\n")
    corpus = read_rows(tmp_path, ignore=["votes.other"], columns={"votes.happy": "froh"})
    assert corpus.names.emotion == ["happy", "sad"]
    assert dict(corpus.targets[0].labels["votes"]) == {"sad": 1.0, "happy": 3.0}


def test_a_label_that_is_partly_blank_is_refused_by_row(tmp_path):
    write_table(tmp_path, "path,emotions.happy,emotions.sad\na.mp4,1,0\nb.mp4,,1\n")
    with pytest.raises(CorpusError, match="row 2: emotions: expected a number for each class"):
        read_rows(tmp_path)
