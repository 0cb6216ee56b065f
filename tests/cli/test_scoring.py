from collections import Counter

from pipeline.cli.scoring import split_weight, tell_left
from pipeline.predictor.labelled import LabelledClips


def test_a_weight_follows_the_name_of_a_head_where_there_is_one():
    given = ("face:0.6", "models/face", "C:/face", "a:b:2")
    assert [split_weight(one) for one in given] == [
        *(("face", 0.6), ("models/face", 1.0), ("C:/face", 1.0), ("a:b", 2.0)),
    ]


def test_clips_that_are_left_out_are_counted_in_one_line():
    (line,) = tell_left(LabelledClips([], {}, {}, Counter({"bored": 2, None: 1_000})), "face")
    assert line == "left out: 1,002 clips of no class of face (no label 1,000, bored 2)"
    assert not [*tell_left(LabelledClips([], {}, {}, Counter()), "face")]
