from types import SimpleNamespace

import numpy as np

from pipeline.labels.clips import Clip
from pipeline.predictor.answering import Answer
from pipeline.predictor.predictor import Told
from pipeline.predictor.results import Asked, _remark, _write_series, describe_whole
from pipeline.predictor.timing import Spacing

CLIP = Clip(clip_id="media/a", corpus="media", path="a.wav", duration_seconds=1.0)
TIMING = Spacing().lay_times(CLIP, causal=False)
RISING = {"valence": np.zeros(1, np.float32)}
TOLD = Told(CLIP, [], [], Answer(None, TIMING, RISING, [["audio", "face"]], np.zeros(1, int)))
RECIPE = SimpleNamespace(head="head", emotions=[])


def test_what_a_call_before_told_of_a_medium_goes_with_it(tmp_path):
    _write_series([TOLD], RECIPE, tmp_path, Asked(pictures=False, annotations=["vtt"]))
    assert len(list((tmp_path / "a").iterdir())) == 3
    (tmp_path / "a" / "notes.txt").touch()
    _write_series([Told(CLIP, [], [], None)], RECIPE, tmp_path, Asked())
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["notes.txt"]


def test_sound_asked_for_a_film_has_a_remark_and_none(tmp_path):
    asked = Asked(pictures=False, annotations=["mp4"])
    _write_series([TOLD], RECIPE, tmp_path, asked)
    assert not list((tmp_path / "a").glob("*.mp4"))
    assert _remark(TOLD, asked).remarks == ["no_film: nothing to draw upon, so no mp4"]
    assert _remark(TOLD, Asked()).remarks == []


def test_modalities_are_named_in_one_order():
    assert describe_whole(TOLD, [])["modalities"] == "face+audio"
