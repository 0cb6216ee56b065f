"""What `moodline preset table` makes of tables as people have them."""

import time
from pathlib import Path

import pytest

from pipeline.errors import CorpusError, ParamsError
from pipeline.labels.corpora.params import TableParams
from pipeline.params import Params, load_params
from pipeline.presets import find_preset
from pipeline.presets.tables import Draft, draft_params

MELD = """Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,StartTime,EndTime
1,also I was,Chandler,neutral,neutral,0,0,"00:16:16,059","00:16:21,731"
2,You must,The Interviewer,joy,positive,0,1,"00:16:21,940","00:16:23,442"
3,That's me,Ross,neutral,neutral,1,0,"00:16:23,442","00:16:26,389"
4,"My duties?",Joey,surprise,negative,2,0,"00:16:26,820","00:16:29,572"
"""


@pytest.fixture
def draft(tmp_path: Path):
    """Draft of a table with these files beside it, and its params."""

    def draft_table(text: str, *media: str, name: str = "labels.csv") -> tuple[Draft, Params]:
        root = tmp_path / "corpus"
        for path in (root / name, *(root / one for one in media)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        (root / name).write_text(text)
        made = draft_params(find_preset("table").path, root)
        (tmp_path / "params.yaml").write_text(made.text)
        return made, load_params(tmp_path / "params.yaml")

    return draft_table


def options(params: Params) -> dict[str, object]:
    corpus = params.corpora["table"]
    assert isinstance(corpus, TableParams)
    return corpus.model_dump(exclude_defaults=True, exclude={"kind", "root", "depends_on"})


def test_a_table_of_a_spreadsheet_is_mapped(draft):
    rows = "".join(f"{n}.wav;s{n};{('joy', 'sad')[n % 2]};{n + 1};31\n" for n in range(5))
    made, params = draft(
        "Datei;Speaker ID;Label;Valence;Alter\n" + rows, *(f"{n}.wav" for n in range(5))
    )
    assert options(params) == {
        "table": "labels.csv",
        "columns": {
            "path": "Datei",
            "subject": "Speaker ID",
            "emotion": "Label",
            "valence": "Valence",
        },
        "ignore": ["Alter"],
        "scale": {"valence": [1, 5]},
        "emotions": ["joy", "sad"],
    }
    assert "  # Alter: 31\n" in made.text
    assert "path ← Datei: 5 of 5 files are there" in made.found
    assert "emotion ← Label: joy 3, sad 2" in made.found
    assert "ignored: Alter" in made.found
    assert params.heads["mlp"].inputs.sets() == {"audio": "mfcc"}
    assert list(params.features) == ["mfcc"]
    assert params.heads["mlp"].targets == ["emotion", "valence"]
    assert params.splits.folds == 5


def test_the_table_of_meld_is_mapped(draft):
    media = [f"train/dia{d}_utt{u}.mp4" for d, u in ((0, 0), (0, 1), (1, 0), (2, 0))]
    made, params = draft(MELD, *media)
    assert options(params)["path"] == "train/dia{Dialogue_ID}_utt{Utterance_ID}.mp4"
    assert options(params)["columns"] == {
        "subject": "Speaker",
        "dialogue": "Dialogue_ID",
        "turn": "Utterance_ID",
        "transcript": "Utterance",
        "emotion": "Emotion",
    }
    assert options(params)["ignore"] == ["Sr No.", "Sentiment", "StartTime", "EndTime"]
    assert params.heads["linear"].inputs.sets() == {
        "face": "hog",
        "audio": "mfcc",
        "text": "minilm",
    }
    assert "4 clips in 3 groups that share a subject, file or dialogue" in made.found


def test_stretches_of_one_file_have_their_times(draft):
    _, params = draft("file,start,end\na,00:00:01,2.5\na,3,4\nb,0,1\n", "x/a.mp4", "x/b.mp4")
    assert options(params) == {
        "table": "labels.csv",
        "path": "x/{file}.mp4",
        "columns": {"start_seconds": "start", "end_seconds": "end"},
    }


def test_text_alone_is_read_by_its_set(draft):
    _, params = draft("text,label\nWell,1\nNo,2\nOh,no\n")
    assert options(params)["columns"] == {"transcript": "text", "emotion": "label"}
    assert options(params)["emotions"] == ["1", "2", "no"]
    assert params.heads["linear"].inputs.sets() == {"text": "minilm"}


def test_a_shipped_split_is_taken_and_an_unclear_scale_asked_for(draft):
    made, params = draft("path,set,val\na.wav,train,2\nb.wav,test,4.5\n", "a.wav", "b.wav")
    assert params.splits.protocol == "corpus"
    assert (
        "# valence runs from 2 to 4.5: give its scale, as in scale: {valence: [1, 5]}" in made.text
    )
    assert any(told.startswith("to mend: ") and "line 2: valence" in told for told in made.found)


def test_where_the_table_is_is_asked_for(draft, tmp_path):
    preset = find_preset("table").path
    draft("path\na.wav\n", "a.wav", "other.csv", name="clips.csv")
    assert (
        draft_params(preset, tmp_path / "corpus", "clips.csv").found[0].startswith("clips.csv: 1")
    )
    (tmp_path / "corpus" / "clips.csv").rename(tmp_path / "corpus" / "more.csv")
    with pytest.raises(CorpusError, match=r"one table, got 2 \(more.csv, other.csv\); add --table"):
        draft_params(preset, tmp_path / "corpus")
    with pytest.raises(CorpusError, match=r"none\.csv: no such table"):
        draft_params(preset, tmp_path / "corpus", "none.csv")
    with pytest.raises(ParamsError, match="preset demo: it has no table; leave --table out"):
        draft_params(find_preset("demo").path, None, "clips.csv")


def test_without_a_table_the_preset_stays_as_it_is(tmp_path):
    preset = find_preset("table").path
    made = draft_params(preset, tmp_path)
    assert made.text == preset.read_text()
    assert made.found == [f"no table in {tmp_path} yet: params.yaml has `clips.csv`"]


def test_what_has_moodlines_name_is_taken_even_where_it_is_to_be_mended(draft):
    made, params = draft("path,valence\na.wav,high\nb.wav,0\nc.wav,1\n", "a.wav")
    assert options(params) == {"table": "labels.csv"}
    assert "path ← path: 1 of 3 files are there" in made.found
    assert any("line 2: valence: " in told for told in made.found)


def test_a_name_of_a_column_is_a_comment_and_nothing_else(draft):
    text = 'path,"note\n  follow: true\n  # ",emotion\na.mp4,x,sad\nb.mp4,y,happy\n'
    _, params = draft(text, "a.mp4", "b.mp4")
    assert params.corpora["table"].follow is False
    assert options(params)["ignore"] == ["note\n  follow: true\n  #"]


def test_what_looks_like_heads_in_a_table_is_left_as_it_is(draft):
    text = 'path,emotion,targets: [x],"inputs: {y} ""z"\na.mp4,sad,1,2\nb.mp4,happy,1,2\n'
    _, params = draft(text, "a.mp4", "b.mp4")
    assert options(params)["ignore"] == ["targets: [x]", 'inputs: {y} "z']


@pytest.mark.parametrize("folder", ["{evil}", "{path:>900000000}", "{path"])
def test_a_name_of_a_folder_is_no_template(draft, folder):
    made, _ = draft("id,emotion\na,sad\nb,happy\n", f"{folder}/a.mp4", f"{folder}/b.mp4")
    assert "a.mp4" not in made.text


def test_a_table_of_hundreds_of_columns_is_mapped_in_seconds(draft):
    media = [f"{n % 5}/{n}.{ending}" for n, ending in enumerate(("wav", "mp4", "mkv", "avi") * 50)]
    columns = [f"column {n}" for n in range(600)]
    rows = "".join(f"{n}{',x' * 600},{path}\n" for n, path in enumerate(media))
    began = time.process_time()
    made, _ = draft(f"id,{','.join(columns)},named\n{rows}", *media)
    assert time.process_time() - began < 10
    assert "path ← named: 200 of 200 files are there" in made.found


def test_a_table_that_is_a_link_from_the_corpus_is_not_read(draft, tmp_path):
    (tmp_path / "secret.csv").write_text("api_key,path\nSECRET,a.mp4\n")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "clips.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(CorpusError, match=r"expected a file below .*, got a link"):
        draft_params(find_preset("table").path, tmp_path / "corpus")


def test_a_name_of_a_column_is_no_template(draft):
    draft("Dialogue_ID:>9,Utterance_ID\n1,2\n")
    text = "Dialogue_ID,Dialogue_ID:>900000000,Utterance_ID\n1,1,2\n"
    _, params = draft(text, "dia1_utt2.wav")
    assert options(params)["path"] == "dia{Dialogue_ID}_utt{Utterance_ID}.wav"


def test_links_out_of_a_corpus_are_told_and_not_followed(draft, tmp_path):
    outside, corpus = tmp_path / "outside", tmp_path / "corpus"
    for place in (outside, corpus):
        place.mkdir()
        (place / "a.wav").touch()
    (corpus / "private").symlink_to(outside)
    made, _ = draft("id,emotion\na,sad\n")
    assert "private" not in made.text
    assert any(told.startswith("to mend: ") and "private: " in told for told in made.found)
