import json
from pathlib import Path

import pytest

from pipeline.cli.predictions import check_plot, tell_odd, write_record
from pipeline.errors import ParamsError
from pipeline.labels.clips import Clip
from pipeline.predictor.predictor import Told

ODD = "\x9b31m\u202etalk é"


def test_a_record_has_names_whole_and_nothing_that_a_terminal_obeys():
    clip = Clip(clip_id=f"media/{ODD}", corpus="media", path="a.wav")
    record = write_record(Told(clip, [], [], None), "head", [])
    assert record.isascii()
    assert json.loads(record)["media"] == ODD


def test_two_heads_tell_once_what_is_unlike_the_training_data_of_both():
    clip = Clip(clip_id="media/talk", corpus="media", path="a.wav")
    first, second = (Told(clip, [], [], None, unlike) for unlike in (["a", "b"], ["b", "c"]))
    known: set[str] = set()
    assert [*tell_odd(first, known)] == ["talk: a", "talk: b"]
    assert [*tell_odd(second, known)] == ["talk: c"]


def test_a_timeline_elsewhere_is_of_one_medium_by_one_head():
    clip = Clip(clip_id="media/a", corpus="media", path="a.wav")
    check_plot(Path("a.PNG"), [clip], ["face"])
    for path, clips, heads in (("a.pdf", 1, 1), ("a.png", 2, 1), ("a.png", 1, 2)):
        with pytest.raises(ParamsError, match=r"--save-plot: expected one medium, one head and"):
            check_plot(Path(path), [clip] * clips, ["face"] * heads)
