import json

from pipeline.cli.predictions import write_record
from pipeline.labels.clips import Clip
from pipeline.predictor.predictor import Told

ODD = "\x9b31m\u202etalk é"


def test_a_record_has_names_whole_and_nothing_that_a_terminal_obeys():
    clip = Clip(clip_id=f"media/{ODD}", corpus="media", path="a.wav")
    record = write_record(Told(clip, [], [], None), "head", [])
    assert record.isascii()
    assert json.loads(record)["media"] == ODD
