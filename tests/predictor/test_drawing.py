import cv2
import numpy as np
import pytest

from pipeline.predictor.answering import Answer
from pipeline.predictor.drawing import draw_clip
from pipeline.predictor.timing import Timing

SECONDS = np.arange(5.0)


def draw(folder, series, title="a talk", people=("",), emotions=("happy", "sad")):
    values = {target: np.array(found, np.float32) for target, found in series.items()}
    timing = Timing(SECONDS, None, np.stack([SECONDS, SECONDS + 1], axis=1), 6.0)
    answer = Answer(None, timing, values, [[]] * 5, np.zeros(5, np.int64))
    who = dict.fromkeys(people, answer)
    draw_clip(who, emotions, title, folder, "head")
    return {path.name: cv2.imread(str(path)) for path in folder.iterdir()}


CHANCES = np.stack([np.linspace(0, 1, 5), np.linspace(1, 0, 5)], axis=1)


def test_classes_and_ratings_have_a_timeline_a_distribution_and_a_heatmap(tmp_path):
    drawn = draw(tmp_path, {"emotion": CHANCES, "valence": np.linspace(-1, 1, 5)})
    names = {f"head.{kind}.png" for kind in ("timeline", "distribution", "heatmap")}
    assert drawn.keys() == names
    assert {picture.shape[1] for picture in drawn.values()} == {1350}


def test_people_are_drawn_below_each_other(tmp_path):
    drawn = draw(tmp_path, {"valence": np.linspace(-1, 1, 5)}, people=["person 0", "person 3"])
    assert drawn["head.timeline.png"].shape[0] == 622  # 480 of one person


def test_ratings_alone_have_a_timeline(tmp_path):
    assert draw(tmp_path, {"valence": np.linspace(-1, 1, 5)}).keys() == {"head.timeline.png"}


def test_action_units_count_as_classes(tmp_path):
    drawn = draw(tmp_path, {"au1": np.linspace(0, 1, 5), "au2": np.linspace(1, 0, 5)})
    assert "head.heatmap.png" in drawn


def test_names_of_any_length_leave_room_for_what_is_drawn(tmp_path):
    assert len(draw(tmp_path, {"emotion": CHANCES}, emotions=["W" * 100, "sad"])) == 3


@pytest.mark.parametrize("known", [0, 1])
def test_gaps_alone_or_a_single_answer_are_drawn(tmp_path, known):
    chances = CHANCES.copy()
    chances[known:] = np.nan
    assert len(draw(tmp_path, {"emotion": chances})) == 3


def test_a_heatmap_is_the_darker_the_greater(tmp_path):
    picture = draw(tmp_path, {"emotion": CHANCES})["head.heatmap.png"]
    upper = picture[: len(picture) // 2]
    left, right = upper[:, 200:300].mean(), upper[:, 1000:1100].mean()
    assert right < left - 10


@pytest.mark.parametrize("title", ["$x^{_$", "会话"])
def test_dollars_are_no_formula_and_any_letters_are_drawn(tmp_path, title):
    assert draw(tmp_path, {"valence": np.linspace(-1, 1, 5)}, title)
