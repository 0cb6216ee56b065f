from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import CorpusError
from pipeline.labels.corpora.contract import Corpus
from pipeline.labels.corpora.cremad import QUARANTINE, parse_name, read
from pipeline.labels.corpora.params import CremadParams
from pipeline.store.ledger import Entry
from tests.miniatures import make_cremad, touch


def read_files(root: Path, **options: Any) -> Corpus:
    return read(CremadParams(kind="cremad", root=str(root), depends_on=str(root), **options))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_cremad(tmp_path)
    return tmp_path


def label(corpus: Corpus, name: str) -> dict[str, Any]:
    return dict(next(t.labels for t in corpus.targets if t.clip_id == f"cremad/{name}"))


def test_intention_is_the_emotion_and_votes_are_kept(root):
    found = label(read_files(root), "1001_IEO_HAP_LO")
    assert found["emotion"] == "happy"
    assert found["intensity"] == 1 / 3
    assert dict(found["votes"])["happy"] == dict(found["votes"])["neutral"] == 5


@pytest.mark.parametrize(
    ("voters", "emotion"), [("voice", "neutral"), ("face", "happy"), ("both", None)]
)
def test_what_most_saw_is_the_emotion_unless_they_tie(root, voters, emotion):
    found = label(read_files(root, emotion="voted", voters=voters), "1001_IEO_HAP_LO")
    assert found.get("emotion") == emotion


def test_a_level_that_lost_a_letter_is_none(root):
    corpus = read_files(root)
    assert "intensity" not in label(corpus, "1002_ITH_SAD_XX")
    assert corpus.clips[2].path.endswith("1002_ITH_SAD_X.flv")


def test_actors_are_described_where_the_table_has_them(root):
    actors = {clip.subject: (clip.sex, clip.age) for clip in read_files(root).clips}
    assert actors == {"1001": ("male", 51.0), "1002": (None, None), "1076": (None, None)}


@pytest.mark.parametrize(("age", "years"), [("NA", None), ("", None), ("51", 51.0)])
def test_an_age_that_reads_like_no_value_is_none(root, age, years):
    table = root / "VideoDemographics.csv"
    table.write_text(table.read_text().replace("51", age).replace('"Male"', "NA"))
    clip = read_files(root).clips[0]
    assert (clip.sex, clip.age) == (None, years)


@pytest.mark.parametrize(
    ("name", "cell", "other", "told"),
    [
        ("VideoDemographics.csv", "51", "x1", "actor 1001: expected an age in years, got 'x1'"),
        (
            "processedResults/tabulatedVotes.csv",
            "9,1",
            ",1",
            "A: expected a count of votes, got ''",
        ),
        ("processedResults/tabulatedVotes.csv", "9,1", "nan,1", "A: expected a count .* got 'nan'"),
    ],
)
def test_a_cell_that_is_no_number_is_refused(root, name, cell, other, told):
    (root / name).write_text((root / name).read_text().replace(cell, other))
    with pytest.raises(CorpusError, match=told):
        read_files(root)


def test_clips_known_to_be_bad_and_clips_without_a_file_are_told(root):
    corpus = read_files(root)
    assert list(corpus.quarantine) == ["cremad/1076_MTI_SAD_XX"]
    told = "the corpus's table names it"
    assert corpus.entries == [
        Entry("cremad/1003_TIE_ANG_XX", "labels", "left_out", "no_file", told)
    ]


def test_wave_files_count_before_compressed_ones(root):
    touch(root / "AudioMP3" / "1001_IEO_HAP_LO.mp3")
    paths = [Path(clip.path).suffix for clip in read_files(root, modality="audio").clips]
    assert paths == [".wav"] * 4


def test_votes_are_needed_where_they_are_the_emotion(root):
    (root / "processedResults" / "tabulatedVotes.csv").unlink()
    assert "votes" not in label(read_files(root), "1001_IEO_HAP_LO")
    with pytest.raises(CorpusError, match=r"tabulatedVotes.csv: no such table; `emotion`"):
        read_files(root, emotion="voted")


@pytest.mark.parametrize(
    "stem", ["1001_IEO_HAP", "1001_ABC_HAP_LO", "1001_IEO_JOY_LO", "1001_IEO_HAP_XY", "x"]
)
def test_a_name_of_other_form_is_refused(stem):
    with pytest.raises(CorpusError, match=f"got '{stem}'"):
        parse_name(Path("AudioWAV", f"{stem}.wav"))


def test_the_authors_tables_count_as_they_say(real_data, tmp_path):
    tables = real_data("cremad")
    for name in ("processedResults", "VideoDemographics.csv"):
        (tmp_path / name).symlink_to(tables / name)
    lines = (tables / "SentenceFilenames.csv").read_text().splitlines()[1:]
    for line in lines:
        _, name, _ = line.split('"')
        touch(tmp_path / "AudioWAV" / f"{name}.wav")
    intended = read_files(tmp_path, modality="audio")
    counts = Counter(target.labels["emotion"] for target in intended.targets)
    assert counts.pop("neutral") == 1087
    assert set(counts.values()) == {1271}
    assert len(intended.clips) == len({clip.clip_id for clip in intended.clips}) == 7442
    assert all("votes" in target.labels for target in intended.targets)
    assert Counter(clip.sex for clip in {c.subject: c for c in intended.clips}.values()) == {
        "male": 48,
        "female": 43,
    }
    assert set(intended.quarantine) == set(QUARANTINE)
    ties = {"voice": 644, "face": 470, "both": 420}
    for voters, tied in ties.items():
        voted = read_files(tmp_path, modality="audio", emotion="voted", voters=voters)
        assert sum("emotion" not in target.labels for target in voted.targets) == tied
