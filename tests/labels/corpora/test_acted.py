from pathlib import Path

import pytest

from pipeline.errors import CorpusError
from pipeline.labels.corpora.acted import SCHEMES, Told, parse_name, read
from pipeline.labels.corpora.params import CorpusParams
from tests.miniatures import touch


@pytest.mark.parametrize(
    ("corpus", "path", "told"),
    [
        ("emodb", "wav/03a01Fa.wav", Told("03", "happy", "a01")),
        ("emodb", "wav/16b10Wb.wav", Told("16", "angry", "b10")),
        ("emovo", "f1/dis-f1-b1.wav", Told("f1", "disgust", "b1")),
        ("savee", "DC/a01.wav", Told("DC", "angry", None)),
        ("savee", "KL/sa15.wav", Told("KL", "sad", None)),
        ("savee", "ALL/JE_su03.wav", Told("JE", "surprised", None)),
        ("tess", "OAF_angry/OAF_back_angry.wav", Told("OAF", "angry", "back")),
        ("tess", "YAF/YAF_back_ps.wav", Told("YAF", "surprised", "back")),
        ("tess", "OAF_neutral/OA_bite_neutral.wav", Told("OA", "neutral", "bite")),
    ],
)
def test_a_name_tells_speaker_emotion_and_sentence(corpus, path, told):
    assert parse_name(Path(path), SCHEMES[corpus]) == told


@pytest.mark.parametrize(
    ("corpus", "path", "told"),
    [
        ("emodb", "wav/03a01Xa.wav", "unknown emotion 'X'"),
        ("emodb", "wav/04a01Fa.wav", "expected speaker 03, 08"),
        ("emodb", "wav/03a09Fa.wav", "expected sentence a01"),
        ("emovo", "f1/dis_f1_b1.wav", "expected a name of EMOVO such as dis-f1-b1"),
        ("savee", "XX/a01.wav", "expected a name of SAVEE such as DC/a01"),
        ("tess", "OAF/OAF_back_glad.wav", "unknown emotion 'glad'"),
    ],
)
def test_another_name_is_refused(corpus, path, told):
    with pytest.raises(CorpusError, match=told):
        parse_name(Path(path), SCHEMES[corpus])


def test_a_copy_within_the_corpus_is_refused(tmp_path: Path) -> None:
    for folder in ("OAF_back", "TESS/OAF_back"):
        touch(tmp_path / folder / "OAF_back_angry.wav")
    params = CorpusParams(kind="tess", root=str(tmp_path), depends_on=str(tmp_path))
    with pytest.raises(CorpusError, match="the same performance as"):
        read(params)


def test_of_sound_and_films_of_a_performance_the_sound_is_the_clip(tmp_path: Path) -> None:
    for name in ("AudioData/DC/a01.wav", "AudioVisualClip/DC/a1.avi", "Other/DC/a01.avi"):
        touch(tmp_path / name)
    params = CorpusParams(kind="savee", root=str(tmp_path), depends_on=str(tmp_path))
    corpus = read(params)
    assert [clip.path for clip in corpus.clips] == [f"{tmp_path}/AudioData/DC/a01.wav"]
    (told,) = corpus.remarks
    assert f": 2 files, first {tmp_path}/AudioVisualClip/DC/a1.avi; to have them" in told


@pytest.mark.parametrize("path", ["DC/a01.wav", "DC_a01.wav", "DC/DC_a01.wav", "Clips/DC/a1.avi"])
def test_a_clip_is_named_by_its_speaker_once(tmp_path: Path, path: str) -> None:
    touch(tmp_path / path)
    params = CorpusParams(kind="savee", root=str(tmp_path), depends_on=str(tmp_path))
    assert [clip.clip_id for clip in read(params).clips] == ["savee/DC_a01"]


def test_a_clip_knows_who_speaks_and_what(tmp_path: Path) -> None:
    touch(tmp_path / "OA_bite_neutral.wav")
    params = CorpusParams(kind="tess", root=str(tmp_path), depends_on=str(tmp_path))
    (clip,) = read(params).clips
    assert (clip.clip_id, clip.subject, clip.sex, clip.age) == (
        "tess/OA_bite_neutral",
        "OAF",
        "female",
        64,
    )
    assert clip.transcript == "Say the word bite"
