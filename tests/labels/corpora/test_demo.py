from pathlib import Path

import pytest

from pipeline.errors import CorpusError
from pipeline.labels.corpora.demo import read
from pipeline.labels.corpora.params import CorpusParams

HEADER = "path,speaker,transcript,emotion,valence,arousal\n"
ROWS = (
    'speaker_02/clip_01.mp4,speaker_02,"Well, no.",sad,-0.5,-0.7\n'
    "speaker_01/clip_03.mp4,speaker_01,,happy,0.61,0.4\n"
)
DEMO = Path(__file__).parents[3] / "data" / "demo"


def params_of(root: Path) -> CorpusParams:
    return CorpusParams(kind="demo", root=str(root), depends_on=str(root))


def write_rows(root: Path, text: str) -> CorpusParams:
    (root / "clips.csv").write_text(text)
    return params_of(root)


def test_clips_are_sorted_and_grouped_by_speaker(tmp_path: Path) -> None:
    corpus = read(write_rows(tmp_path, HEADER + ROWS))
    assert [clip.clip_id for clip in corpus.clips] == [
        "demo/speaker_01/clip_03",
        "demo/speaker_02/clip_01",
    ]
    assert [clip.group for clip in corpus.clips] == ["speaker_01", "speaker_02"]
    assert corpus.clips[0].subject == "speaker_01"
    assert corpus.clips[0].path == f"{tmp_path.as_posix()}/speaker_01/clip_03.mp4"


def test_empty_transcript_is_none(tmp_path: Path) -> None:
    corpus = read(write_rows(tmp_path, HEADER + ROWS))
    assert [clip.transcript for clip in corpus.clips] == [None, "Well, no."]


def test_targets_follow_the_clips_without_split_or_fold(tmp_path: Path) -> None:
    first, second = read(write_rows(tmp_path, HEADER + ROWS)).targets
    assert (first.clip_id, first.labels.get("emotion")) == ("demo/speaker_01/clip_03", "happy")
    assert (first.labels.get("valence"), first.labels.get("arousal")) == (0.61, 0.4)
    assert (second.split, second.fold) == (None, None)


def test_missing_table_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"no such table.*python -m synthesis"):
        read(params_of(tmp_path))


def test_other_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"expected a column 'path', got clip, label"):
        read(write_rows(tmp_path, "clip,label\na,b\n"))


def test_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"expected a column 'path', got none"):
        read(write_rows(tmp_path, ""))


def test_table_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="expected a row for each clip, got none"):
        read(write_rows(tmp_path, HEADER))


def test_unknown_emotion_names_the_clip(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"a\.mp4: unknown emotion 'hapy'.*'happy'"):
        read(write_rows(tmp_path, HEADER + "a.mp4,s,,hapy,0,0\n"))


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("a.mp4,s\n", "row 1: expected 6 cells, got 2"),
        (",s,,calm,0,0\n", "row 1: expected a file, got ''"),
        ("a.mp4,s,,calm,high,0\n", "expected a number for valence, got 'high'"),
        ("a.mp4,s,,calm,0.5,\n", "expected a number for arousal, got ''"),
        ('a.mp4,s,"Here,calm,0.5,0\n', "not a readable table"),
        ("a.mp4,s,,calm,0.5,-3\n", r"expected arousal in \[-1, 1\], got -3"),
        ("a.mp4,s,,calm,nan,0\n", r"expected valence in \[-1, 1\], got nan"),
    ],
)
def test_a_wrong_row_is_refused(tmp_path: Path, row: str, text: str) -> None:
    with pytest.raises(CorpusError, match=text):
        read(write_rows(tmp_path, HEADER + row))


def test_committed_corpus_is_whole() -> None:
    corpus = read(params_of(DEMO))
    assert len(corpus.clips) == 125
    assert len({clip.group for clip in corpus.clips}) == 12
    assert all(Path(clip.path).is_file() for clip in corpus.clips)
    for emotion in corpus.names.emotion:
        assert sum(target.labels.get("emotion") == emotion for target in corpus.targets) == 25


def test_committed_corpus_is_at_most_3_mb() -> None:
    assert sum(file.stat().st_size for file in DEMO.rglob("*") if file.is_file()) < 3_000_000
