import json
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from pipeline.heads.recipes import Recipe, Sections
from pipeline.labels.clips import Clip
from pipeline.predictor.answering import Answer
from pipeline.predictor.curves import Span
from pipeline.predictor.page import MOST_POINTS, write_medium_page
from pipeline.predictor.predictor import Told
from pipeline.predictor.timing import Spacing

HOSTILE = "<script>alert(1)</script>"
RECIPE = Recipe(
    head="both",
    params={"kind": "linear"},
    sections=Sections(corpora={}, splits={}, clean={}, faces={}, transcribe={}, joint={}),
    emotions=["happy & glad", HOSTILE],
    per={"emotion": "clip", "valence": "clip", "arousal": "clip"},
    inputs={},
    priors={"all": {}},
    layer_shares={},
    unseen={},
    empty_windows={},
    weights_digest="",
    predictions_digest="",
    versions={},
    git_revision=None,
)


def write(
    folder,
    *,
    seconds=4.0,
    fps=10.0,
    path="a b.mp4",
    words=(),
    gap=None,
    people=(None,),
    **options,
):
    """Page of a clip whose values rise from 0 to 1, but for the answer at `gap`."""
    clip = Clip(
        clip_id=f"media/{HOSTILE}",
        corpus="media",
        path=str(folder / path) if path else "",
        fps=fps,
        duration_seconds=seconds,
    )
    timing = Spacing(**options).lay_times(clip, causal=False)
    rising = np.linspace(0, 1, len(timing.seconds), dtype=np.float32)
    if gap is not None:
        rising[gap] = np.nan
    series = {"emotion": np.stack([rising, 1 - rising], 1), "valence": rising, "arousal": -rising}
    there = [["face"] if known else [] for known in ~np.isnan(rising)]
    answer = Answer(None, timing, series, there, np.zeros(len(rising), np.int64))
    told = Told(clip, [HOSTILE], [Span(0.0, 1.0, word) for word in words], answer)
    faces = pa.table({"seconds": [0.0], "box": [[10.0, 20.0, 30.0, 40.0]], "track": [0]})
    seen = [replace(told, person=person, faces=faces) for person in people]
    wholes = [{"emotion": HOSTILE}] * len(seen)
    write_medium_page(folder / "out" / "page.html", seen, RECIPE, wholes)
    return (folder / "out" / "page.html").read_text()


def read_answers(page):
    return json.loads(re.search(r'id="answers">(.*?)</script>', page, re.DOTALL)[1])


def test_a_page_holds_its_answers_and_plays_the_file_where_it_lies(tmp_path):
    page = write(tmp_path, words=["Hello."])
    answers = read_answers(page)
    assert answers["seconds"] == [0.0, 1.0, 2.0, 3.0]
    assert answers["people"][0]["ratings"] == [
        [0.0, 0.3333, 0.6667, 1.0],
        [0.0, -0.3333, -0.6667, -1.0],
    ]
    assert answers["plane"] == [0, 1]
    assert answers["words"] == [{"start": 0.0, "end": 1.0, "text": "Hello."}]
    assert 'src="../a%20b.mp4"' in page
    assert "https://" not in page


def test_no_name_of_a_file_a_class_or_a_word_is_markup(tmp_path):
    page = write(tmp_path, path=f"{HOSTILE.replace('/', '')}.mp4", words=[HOSTILE, "</script>"])
    assert "alert(1)" in page
    assert "happy &amp; glad" in page
    assert not re.search(r"<script>alert|alert\(1\)</script>", page)
    assert page.count("</script>") == 2


def test_a_gap_parts_a_curve_and_has_no_number(tmp_path):
    page = write(tmp_path, gap=1, every=5)
    assert read_answers(page)["people"][0]["ratings"][0][1] is None
    assert page.count('<path class="curve"') == 4  # the answer before it stands alone


def test_each_person_has_curves_a_lane_and_boxes_and_can_be_chosen(tmp_path):
    page = write(tmp_path, people=[3, 8])
    assert [own["boxes"] for own in read_answers(page)["people"]] == [
        [[10.0, 20.0, 30.0, 40.0], None, None, None]
    ] * 2
    assert page.count("data-choose aria") == 2
    assert page.count('<div class="lane" data-person="1"') == 3  # classes, ratings, face
    assert '<span class="what">person 8</span>' in page
    assert "data-choose aria" not in write(tmp_path)


@pytest.mark.parametrize(
    ("path", "fps", "shown"),
    [
        ("a.mp4", 10.0, "<video"),
        ("a.wav", None, "<audio"),
        ("a.PNG", 1.0, "<img"),
        ("", None, "<bl"),
    ],
)
def test_a_medium_is_shown_as_what_it_is(tmp_path, path, fps, shown):
    assert shown in write(tmp_path, path=path, fps=fps, words=["So it is."])


def test_the_page_of_a_long_film_has_no_more_points_than_a_screen(tmp_path):
    page = write(tmp_path, seconds=7200.0, every=1)
    assert len(read_answers(page)["seconds"]) == MOST_POINTS
    assert len(page) < 2_000_000
