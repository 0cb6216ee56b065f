import numpy as np
import pytest

from pipeline.errors import ParamsError
from pipeline.labels.clips import Clip
from pipeline.predictor.answering import Answer
from pipeline.predictor.fusion import agree_classes, check_weights, fuse_answers
from pipeline.predictor.timing import NOBODY, Spacing

CLIP = Clip(clip_id="media/a", corpus="media", path="a.wav", duration_seconds=3.0)
TIMING = Spacing().lay_times(CLIP, causal=False)


def answer(values, present, people=NOBODY, target="valence"):
    series = np.array(values, np.float32)
    return Answer(
        whole={target: np.asarray(np.nanmean(series))},
        timing=TIMING,
        series={target: series},
        present=[[present] if not gap else [] for gap in np.isnan(series)],
        people=np.full(3, people),
    )


def test_answers_at_a_time_are_averaged_by_weight_over_those_that_are_there():
    face, sound = answer([1.0, np.nan, np.nan], "face", 4), answer([0.0, 0.5, np.nan], "audio")
    fused = fuse_answers([face, sound], [0.6, 0.4])
    assert fused.series["valence"].tolist() == pytest.approx([0.6, 0.5, np.nan], nan_ok=True)
    assert fused.whole["valence"] == pytest.approx(0.6 * 1.0 + 0.4 * 0.25)
    assert fused.present == [["face", "audio"], ["audio"], []]
    assert fused.people.tolist() == [4, 4, 4]


def test_weights_count_in_proportion_and_a_target_of_one_head_is_its_own():
    first, second = answer([1.0, 1.0, 1.0], "face"), answer([0.0, 0.0, 0.0], "audio")
    fused = fuse_answers([first, second], [3.0, 1.0])
    assert fused.series["valence"].tolist() == [0.75, 0.75, 0.75]
    other = answer([0.5, 0.5, 0.5], "audio", target="arousal")
    assert fuse_answers([first, other], [3.0, 1.0]).series["arousal"].tolist() == [0.5, 0.5, 0.5]


def test_a_head_that_says_nothing_of_the_whole_leaves_it_to_the_others():
    gaps = {"valence": np.full(3, np.nan, np.float32)}
    silent = Answer(None, TIMING, gaps, [[]] * 3, np.full(3, NOBODY))
    fused = fuse_answers([silent, answer([1.0, 1.0, 1.0], "audio")], [0.9, 0.1])
    assert fused.whole["valence"] == 1.0


def test_a_person_whose_classes_are_renamed_keeps_its_times():
    shown = np.array([True, False, True])
    kept = answer([1.0, 1.0, 1.0], "face", 4).keep_times(shown)
    assert fuse_answers([kept], [1.0]).shown.tolist() == shown.tolist()


def test_heads_of_other_classes_or_without_weight_are_refused():
    own = {"face": ["happy", "neutral"], "voice": ["neutral", "happy"]}
    assert agree_classes(own) == ["happy", "neutral"]
    expected = "expected the same classes of face and voice, got calm, neutral of one alone; name a"
    with pytest.raises(ParamsError, match=expected):
        agree_classes({**own, "voice": ["calm", "happy"]})
    for weights in ([0.0, 0.0], [1.0, -1.0], [float("nan"), 1.0]):
        with pytest.raises(ParamsError, match="expected weights from 0 on, one of them above, got"):
            check_weights(weights)
