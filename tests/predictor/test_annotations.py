from dataclasses import replace

import numpy as np
import pytest
from pympi.Elan import Eaf
from pympi.Praat import TextGrid

from pipeline.errors import ParamsError
from pipeline.labels.clips import Clip
from pipeline.predictor.annotations import check_endings, list_tiers, write_annotations
from pipeline.predictor.answering import Answer
from pipeline.predictor.curves import Span, list_spans
from pipeline.predictor.predictor import Told
from pipeline.predictor.timing import NOBODY, Spacing

CLIP = Clip(clip_id="media/a", corpus="media", path="a.mp4", fps=10.0, duration_seconds=4.0)
TIMING = Spacing().lay_times(CLIP, causal=False)
CHANCES = np.array([[0.9, 0.1], [0.8, 0.2], [np.nan, np.nan], [0.3, 0.7]], np.float32)
SERIES = {"emotion": CHANCES, "valence": CHANCES[:, 0]}
ANSWER = Answer(None, TIMING, SERIES, [["face"]] * 4, np.array([0, 0, NOBODY, 2]))
TOLD = Told(CLIP, [], [Span(0.0, 1.5, "Well & <so>"), Span(1.0, 2.0, "on")], ANSWER)

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
"""pympi opens files and leaves them to Python."""


@pytest.fixture
def written(tmp_path):
    write_annotations([TOLD], ["happy", "sad"], tmp_path / "head", ["eaf", "TextGrid", "vtt"])
    return tmp_path


def test_a_span_lasts_up_to_the_middle_to_what_comes_next():
    assert list_spans(TIMING, ["a", "a", None, "b"]) == [
        Span(0.0, 1.5, "a"),
        Span(2.5, 4.0, "b"),
    ]


def test_tiers_hold_classes_ratings_people_and_words_that_do_not_overlap():
    tiers = list_tiers([TOLD], ["happy", "sad"])
    assert tiers["emotion"] == [Span(0.0, 1.5, "happy"), Span(2.5, 4.0, "sad")]
    assert [span.text for span in tiers["valence"]] == ["0.90", "0.80", "0.30"]
    assert tiers["person"] == [Span(0.0, 1.5, "person 0"), Span(2.5, 4.0, "person 2")]
    assert tiers["words"] == [Span(0.0, 1.5, "Well & <so>"), Span(1.5, 2.0, "on")]


def test_each_person_has_tiers_and_captions_of_its_own(tmp_path):
    people = [replace(TOLD, person=number) for number in (0, 2)]
    tiers = list_tiers(people, ["happy", "sad"])
    assert tiers["person 2: emotion"] == [Span(0.0, 1.5, "happy"), Span(2.5, 4.0, "sad")]
    assert [name for name in tiers if name.endswith("words")] == ["words"]
    write_annotations(people, ["happy", "sad"], tmp_path / "head", ["vtt"])
    begun = [line for line in (tmp_path / "head.vtt").read_text().splitlines() if "-->" in line]
    assert begun == sorted(begun)
    assert len(begun) == 4


def test_elan_reads_them(written):
    document = Eaf(written / "head.eaf")
    assert [a[:3] for a in document.get_annotation_data_for_tier("emotion")] == [
        (0, 1500, "happy"),
        (2500, 4000, "sad"),
    ]
    assert document.get_annotation_data_for_tier("words")[0][2] == "Well & <so>"


def test_praat_reads_them(written):
    tier = TextGrid(written / "head.TextGrid").get_tier("emotion")
    assert next(iter(tier.get_intervals(sort=True))) == (0.0, 1.5, "happy")


def test_captions_say_the_greatest_class(written):
    assert (
        (written / "head.vtt")
        .read_text()
        .startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nemotion: happy\n\n00:00:02.500 --> ")
    )


def test_annotations_are_written_anew_and_nothing_is_left_beside_them(written):
    write_annotations([TOLD], ["happy", "sad"], written / "head", ["eaf"])
    assert sorted(path.name for path in written.iterdir()) == [
        "head.TextGrid",
        "head.eaf",
        "head.vtt",
    ]


def test_an_unknown_ending_is_refused():
    with pytest.raises(ParamsError, match=r"--annotations: unknown ending; .*TextGrid"):
        check_endings(["textgrid"])
