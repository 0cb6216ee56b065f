from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audits.inspection import inspect_path
from pipeline.errors import CorpusError, ParamsError, StoreError
from pipeline.labels.corpora import sheets, table
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.params import TableParams
from pipeline.labels.corpora.rows import Row
from pipeline.labels.corpora.sheets import read_sheet
from pipeline.labels.corpora.table import read
from pipeline.sections import parse_section


def write_table(folder: Path, text: str, *, media: tuple[str, ...] = ("a.mp4",)) -> Path:
    (folder / "clips.csv").write_text(text)
    for name in media:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def read_rows(root: Path, **options: Any) -> Corpus:
    return read(TableParams(kind="table", root=str(root), depends_on=str(root), **options))


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


@pytest.mark.parametrize("path", [".", "..", "a" * 5000])
def test_a_path_that_names_no_file_is_no_traceback(tmp_path: Path, path: str) -> None:
    write_table(tmp_path, f"path,emotion\na.mp4,sad\n{path},sad\n")
    assert len(read_rows(tmp_path).clips) == 2


def test_a_negative_vote_is_refused_by_row(tmp_path):
    write_table(tmp_path, "path,votes.sad\na.mp4,-1\n")
    with pytest.raises(
        CorpusError, match=r"line 2: votes.sad: .*greater than or equal to 0, got '?-1"
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


def test_clips_that_share_a_subject_a_file_or_a_dialogue_are_one_group(tmp_path):
    write_table(
        tmp_path,
        "path,start_seconds,end_seconds,subject,dialogue\n"
        "a.mp4,0,1,Ross,1\na.mp4,1,2,Joey,1\nb.mp4,,,Joey,2\nc.mp4,,,,2\nd.mp4,,,Ben,3\n",
    )
    assert [clip.group for clip in read_rows(tmp_path).clips] == ["Joey"] * 4 + ["Ben"]


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
        CorpusError, match=r"line 3: emotion: unknown emotion 'hapy'; did you mean 'happy'"
    ):
        read_rows(tmp_path, emotions=["sad", "happy"])


def test_words_must_lead_to_a_class(tmp_path):
    write_table(tmp_path, "path,emotion\na.mp4,sad\n")
    with pytest.raises(ParamsError, match=r"words: 'sadd': did you mean 'sad'"):
        read_rows(tmp_path, emotions=["sad"], words={"s": "sadd"})


def test_columns_are_mapped_by_params(tmp_path):
    write_table(tmp_path, "file,speaker\na.mp4,Ross\n")
    (clip,) = read_rows(tmp_path, columns={"path": "file", "subject": "speaker"}).clips
    assert clip.subject == "Ross"


def test_an_unknown_column_is_refused_with_the_nearest(tmp_path):
    write_table(tmp_path, "path,valance,shoe\na.mp4,0.5,31\n")
    with pytest.raises(CorpusError, match=r"\['valance', 'shoe'\].*did you mean 'valence'"):
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
        ("valence", "1.7", "line 3: valence: .*less than or equal to 1, got '1.7'"),
        ("arousal", "-3", "line 3: arousal: .*greater than or equal to -1"),
        ("dominance", "inf", "line 3: dominance: .*finite"),
        ("sentiment", "2.4", "line 3: sentiment: .*sentiment runs from -1 to 1"),
        ("intensity", "-0.1", r"line 3: intensity: .*intensity runs from 0 to 1"),
        ("turn", "first", "line 3: turn: .*got 'first'"),
        ("split", "dev", "line 3: split: .*'train', 'val' or 'test', got 'dev'"),
        ("end_seconds", "3", "line 3: start_seconds and end_seconds go together"),
    ],
)
def test_a_wrong_value_is_refused_by_row_and_column(tmp_path, column, value, message):
    write_table(tmp_path, f"path,{column}\nb.mp4,\na.mp4,{value}\n")
    with pytest.raises(CorpusError, match=message):
        read_rows(tmp_path)


def test_a_row_without_a_path_is_refused(tmp_path):
    write_table(tmp_path, "path,turn\na.mp4,1\n,2\n")
    with pytest.raises(CorpusError, match=r"line 3: path: .*got None"):
        read_rows(tmp_path)


def test_a_stretch_that_ends_where_it_starts_is_refused(tmp_path):
    write_table(tmp_path, "path,start_seconds,end_seconds\na.mp4,2,2\n")
    with pytest.raises(CorpusError, match="line 2: end_seconds must come after start_seconds"):
        read_rows(tmp_path)


def test_two_rows_of_one_id_are_refused(tmp_path):
    write_table(tmp_path, "path\na.mp4\nb.mp4\na.wav\n")
    with pytest.raises(CorpusError, match="line 4: the same clip, 'table/a', as line 2; remove"):
        read_rows(tmp_path)


def test_one_missing_file_is_left_to_clean_but_not_all(tmp_path):
    write_table(tmp_path, "path\na.mp4\nb.mp4\n")
    assert len(read_rows(tmp_path).clips) == 2
    (tmp_path / "a.mp4").unlink()
    with pytest.raises(CorpusError, match=r"none of its 2 files exists, .*a.mp4; .*`root`"):
        read_rows(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("clips.csv", "", "not a readable table"),
        ("clips.csv", "path\n", "no row"),
        ("clips.parquet", "PAR?", "not a readable table"),
        ("clips.xlsx", "?", r"expected .csv or .*.parquet, got '.xlsx'"),
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


def test_a_parquet_table_whose_description_is_damaged_is_read_or_refused(tmp_path):
    path = tmp_path / "clips.parquet"
    pq.write_table(pa.table({"path": ["a.mp4", None], "frames": [[1.0], []]}), path)
    data = path.read_bytes()
    begin = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    for place, bit in product(range(begin, begin + 80), (1, 2)):
        path.write_bytes(data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :])
        with suppress(CorpusError):
            read_sheet(path)


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
    with pytest.raises(CorpusError, match="line 3: emotions: expected a number for each class"):
        read_rows(tmp_path)


def test_several_wrong_rows_are_told_at_once_by_their_lines(tmp_path):
    rows = "a.mp4,2\nb.mp4,0.5\n\nc.mp4,x\n" + "".join(f"{n}.mp4,7\n" for n in range(5))
    write_table(tmp_path, "path,valence\n" + rows)
    told = r"line 2: valence: .*; line 5: valence: .*'x'.*; line 8: .*; and 2 more; mend the table$"
    with pytest.raises(CorpusError, match=told):
        read_rows(tmp_path)


def test_unknown_words_are_told_at_once_too(tmp_path):
    write_table(tmp_path, "path,emotion\na.mp4,sad\nb.mp4,hapy\nc.mp4,madd\n")
    with pytest.raises(CorpusError, match=r"line 3: .*'hapy'.*; line 4: .*'madd'.*`words`"):
        read_rows(tmp_path, emotions=["sad", "happy"])


def test_spellings_of_one_word_are_one_class_and_said(tmp_path):
    write_table(tmp_path, "path,emotion\na.mp4,HAPPY\nb.mp4,happy\nc.mp4,Happy\nd.mp4,Happy\n")
    corpus = read_rows(tmp_path)
    assert [target.labels["emotion"] for target in corpus.targets] == ["happy"] * 4
    assert corpus.names.emotion == ["happy"]
    assert [remark.partition("label ")[2].partition(";")[0] for remark in corpus.remarks] == [
        "'HAPPY' (1) is taken as 'happy'",
        "'Happy' (2) is taken as 'happy'",
    ]


def test_words_that_are_stated_are_found_however_they_are_spelled(tmp_path):
    write_table(tmp_path, "path,emotion\na.mp4,Joy\nb.mp4,SAD\nc.mp4,Sad\n")
    options = {"emotions": ["sad", "happy", "Sad"], "words": {"joy": "happy", "SAD": "sad"}}
    labels = [target.labels["emotion"] for target in read_rows(tmp_path, **options).targets]
    assert labels == ["happy", "sad", "Sad"]


def test_codes_that_differ_in_capitals_are_two_classes(tmp_path):
    write_table(tmp_path, "path,emotion\na.mp4,a\nb.mp4,A\n")
    corpus = read_rows(tmp_path)
    assert (corpus.names.emotion, corpus.remarks) == (["A", "a"], [])


def test_a_word_can_mean_no_label(tmp_path):
    write_table(
        tmp_path, "path,emotion,votes.sad,votes.unclear\na.mp4,unclear,2,1\nb.mp4,sad,0,3\n"
    )
    corpus = read_rows(tmp_path, words={"unclear": None})
    assert corpus.names.emotion == ["sad"]
    assert [t.labels for t in corpus.targets] == [{"votes": (("sad", 2.0),)}, {"emotion": "sad"}]


@pytest.mark.parametrize("word", ["nan", "NA", "-", "N/A"])
def test_what_reads_like_no_value_is_no_label_and_said(tmp_path, word):
    write_table(tmp_path, f"path,emotion,valence,turn\na.mp4,{word},{word},{word}\nb.mp4,sad,1,3\n")
    corpus = read_rows(tmp_path)
    assert corpus.targets[0].labels == {}
    assert corpus.clips[0].turn is None
    assert len([remark for remark in corpus.remarks if f"'{word}' (1)" in remark]) == 3


def test_a_name_that_reads_like_no_value_is_said_and_can_be_none(tmp_path):
    write_table(tmp_path, "path,subject\na.mp4,NA\nb.mp4,NA\n")
    corpus = read_rows(tmp_path)
    assert corpus.clips[0].subject == "NA"
    assert "subject: 'NA' (2) taken as a word; list it in `blanks`" in corpus.remarks[0]
    assert read_rows(tmp_path, blanks=["NA"]).clips[0].subject is None


def test_a_word_that_reads_like_no_value_is_a_class_where_it_is_stated(tmp_path):
    write_table(tmp_path, "path,emotion\na.mp4,-\n")
    assert read_rows(tmp_path, words={"-": "neutral"}).targets[0].labels == {"emotion": "neutral"}


def test_a_table_of_a_european_spreadsheet_is_read(tmp_path):
    write_table(tmp_path, "")
    text = (
        "path;start_seconds;end_seconds;subject;valence\r\na.mp4;00:00:03,5;1:02;Müller;-0,25\r\n"
    )
    (tmp_path / "clips.csv").write_bytes(text.encode("cp1252"))
    corpus = read_rows(tmp_path)
    clip = corpus.clips[0]
    assert (clip.start_seconds, clip.end_seconds, clip.subject) == (3.5, 62.0, "Müller")
    assert corpus.targets[0].labels == {"valence": -0.25}
    assert "read as Windows-1252" in corpus.remarks[0]


def test_a_path_is_made_of_columns(tmp_path):
    table = pa.table({"Dialogue_ID": [1.0, 2.0], "Utterance_ID": [0, 7], "Sr No.": ["x", "y"]})
    pq.write_table(table, tmp_path / "clips.parquet")
    (tmp_path / "dia1_utt00_x.mp4").touch()
    options = {"dialogue": "Dialogue_ID", "turn": "Utterance_ID"}
    corpus = read_rows(
        tmp_path,
        table="clips.parquet",
        path="dia{Dialogue_ID}_utt{Utterance_ID:02d}_{Sr No.}.mp4",
        columns=options,
    )
    assert [clip.clip_id for clip in corpus.clips] == ["table/dia1_utt00_x", "table/dia2_utt07_y"]
    assert [(clip.dialogue, clip.turn) for clip in corpus.clips] == [("1", 0), ("2", 7)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "a.mp4"}, r"path: expected columns in braces"),
        ({"path": "{turn}", "columns": {"path": "turn"}}, r"path: .*keep one"),
        ({"path": "{trun}.mp4"}, r"no column 'trun'; did you mean 'turn'"),
        ({"path": "{turn}.mp4"}, r"line 3: path: expected a value of turn, got none"),
        ({"path": "{subject:02d}.mp4"}, r"line 2: path: subject: expected .*got 'x'; line 3"),
    ],
)
def test_a_path_that_cannot_be_made_is_refused(tmp_path, options, message):
    write_table(tmp_path, "turn,subject\n1,x\n,y\n")
    with pytest.raises((CorpusError, ParamsError), match=message):
        read_rows(tmp_path, **options)


def test_a_made_path_beside_a_column_of_paths_is_refused(tmp_path):
    write_table(tmp_path, "path,turn\na.mp4,1\n", media=("x/a.mp4",))
    with pytest.raises(CorpusError, match=r"of other columns than 'path', .*`ignore`, or use"):
        read_rows(tmp_path, path="{turn}.mp4")
    assert read_rows(tmp_path, path="x/{path}").clips[0].clip_id == "table/x/a"


def test_ratings_on_another_scale_are_brought_to_moodlines(tmp_path):
    rows = "a.mp4,1,9\nb.mp4,4,5\nc.mp4,5,1\nd.mp4,-5,\n"
    write_table(tmp_path, "path,valence,intensity\n" + rows)
    corpus = read_rows(tmp_path, scale={"valence": [1, 5], "intensity": [9, 1]})
    assert [target.labels.get("valence") for target in corpus.targets] == [-1.0, 0.5, 1.0, None]
    assert [target.labels.get("intensity") for target in corpus.targets] == [0.0, 0.5, 1.0, None]


def test_minus_five_is_a_rating_where_the_scale_has_it(tmp_path):
    write_table(tmp_path, "path,valence\na.mp4,-5\n")
    assert read_rows(tmp_path, scale={"valence": [-5, 5]}).targets[0].labels == {"valence": -1.0}


def test_a_rating_off_its_stated_scale_is_refused(tmp_path):
    write_table(tmp_path, "path,valence\na.mp4,0\nb.mp4,x\n")
    told = r"line 2: valence: expected 1 to 5, as `scale` has it, got '0'; line 3: .*got 'x'"
    with pytest.raises(CorpusError, match=told):
        read_rows(tmp_path, scale={"valence": [1, 5]})


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        ({"valance": [1, 5]}, "unknown rating 'valance'; did you mean 'valence'"),
        ({"valence": [1, 1]}, "valence: expected two ends that differ"),
        ({"valence": [1]}, "at least 2 items"),
    ],
)
def test_a_scale_that_is_none_is_refused(scale, message):
    with pytest.raises(ParamsError, match=rf"corpus\.scale.*{message}"):
        parse_section(
            TableParams, {"kind": "", "root": "", "depends_on": "", "scale": scale}, "corpus"
        )


def test_text_alone_needs_no_media(tmp_path):
    write_table(tmp_path, "text,emotion\nWell,sad\nOh,happy\n", media=())
    corpus = read_rows(tmp_path, columns={"transcript": "text"})
    assert [(clip.clip_id, clip.path) for clip in corpus.clips] == [
        ("table/line_000002", ""),
        ("table/line_000003", ""),
    ]
    assert [clip.group for clip in corpus.clips] == ["table/line_000002", "table/line_000003"]


def test_clips_are_of_the_corpus_that_the_table_states(tmp_path):
    write_table(tmp_path, "path,corpus,clip_id\na.mp4,meld,\nb.mp4,,one\nc.mp4,,iemocap/two\n")
    clips = read_rows(tmp_path, called="iemocap").clips
    assert [(clip.clip_id, clip.corpus) for clip in clips] == [
        ("iemocap/one", "iemocap"),
        ("iemocap/two", "iemocap"),
        ("meld/a", "meld"),
    ]


@pytest.mark.parametrize(
    "row", ["0,9{},", "0,9{}:00:00,", ",,9{}"], ids=["number", "clock", "turn"]
)
def test_numbers_without_end_are_told(tmp_path, row):
    write_table(tmp_path, f"path,start_seconds,end_seconds,turn\na.mp4,{row.format('9' * 400)}\n")
    with pytest.raises(CorpusError, match="line 2: "):
        read_rows(tmp_path)


@pytest.mark.parametrize(
    "column",
    [
        pa.Array.from_buffers(pa.date32(), 1, [None, pa.py_buffer(b"\xff\xff\xff\x7f")]),
        pa.array([2**62], pa.timestamp("us")),
        pa.array([0], pa.timestamp("us", "Mars/Olympus")),
    ],
    ids=["date", "time", "zone"],
)
def test_days_that_no_calendar_has_are_told(tmp_path, column):
    pq.write_table(pa.table({"path": ["a.mp4"], "day": column}), tmp_path / "clips.parquet")
    with pytest.raises(CorpusError, match=r"clips.parquet: not a readable table"):
        read_rows(tmp_path, table="clips.parquet", ignore=["day"])
    with pytest.raises(StoreError, match=r"clips.parquet: not a readable Parquet file"):
        inspect_path(tmp_path / "clips.parquet")


@pytest.mark.parametrize("path", ["{id:>900000000}.mp4", "{id:0101d}.mp4"])
def test_a_format_of_many_letters_is_refused(tmp_path, path):
    write_table(tmp_path, "id\n1\n")
    with pytest.raises(ParamsError, match="expected formats of at most 100 letters"):
        read_rows(tmp_path, path=path)


def test_a_file_that_no_row_names_is_told_where_it_is_called_as_media_are(tmp_path):
    media = ("a.mp4", "extra/b.mp4", "notes.txt", "._a.mp4", "crops/a/0001.mp4")
    write_table(tmp_path, "path,emotion,crops\na.mp4,sad,crops/a\n", media=media)
    told = [(e.clip_id, e.status, e.reason) for e in read_rows(tmp_path).entries]
    assert told == [("extra/b.mp4", "absent", "no_label")]


@pytest.mark.parametrize("name", ["clips.csv", "clips.parquet"])
def test_more_rows_than_a_corpus_has_are_refused(tmp_path, monkeypatch, name):
    monkeypatch.setattr(table, "MOST_CLIPS", 3)
    for count in (3, 4):
        (tmp_path / "clips.csv").write_text("transcript\n" + "a\n" * count)
        pq.write_table(pa.table({"transcript": ["a"] * count}), tmp_path / "clips.parquet")
        if count == 3:
            assert len(read_rows(tmp_path, table=name).clips) == count
    with pytest.raises(CorpusError, match="expected at most 3 rows, got 4"):
        read_rows(tmp_path, table=name)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_more_lines_than_any_table_has_are_refused(tmp_path, monkeypatch, end):
    monkeypatch.setattr(sheets, "MOST_IDS", 3)
    (tmp_path / "clips.csv").write_text(f"a{end}" * 3, newline="")
    assert len(read_sheet(tmp_path / "clips.csv").places) == 2
    (tmp_path / "clips.csv").write_text(f"a{end}" * 4, newline="")
    with pytest.raises(CorpusError, match="expected at most 3 lines, got more"):
        read_sheet(tmp_path / "clips.csv")
    monkeypatch.setattr(sheets, "MOST_CLIPS", 3)
    with pytest.raises(CorpusError, match="expected at most 3 rows, got more"):
        sheets.read_rows(tmp_path / "clips.csv", ["a"])
