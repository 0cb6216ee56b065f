from collections import Counter

import pytest

from pipeline.cli.scoring import check_asked, split_weight, tell_left
from pipeline.errors import ParamsError
from pipeline.predictor.labelled import LabelledClips


def test_a_weight_follows_the_name_of_a_head_where_there_is_one():
    given = ("face:0.6", "models/face", "C:/face", "a:b:2")
    assert [split_weight(one) for one in given] == [
        *(("face", 0.6), ("models/face", 1.0), ("C:/face", 1.0), ("a:b", 2.0)),
    ]


def test_heads_are_asked_of_media_or_of_a_corpus_with_its_own_options():
    check_asked(["a.mp4"], None, {"--root": None}, {"--hop": 1.0})
    check_asked([], "ravdess", {"--root": "in"}, {"--hop": None})
    for media, corpus in ((["a.mp4"], "ravdess"), ([], None)):
        with pytest.raises(ParamsError, match="expected MEDIA or a --corpus, got both or neither"):
            check_asked(media, corpus, {}, {})
    with pytest.raises(ParamsError, match="--num-frames: is for a --corpus, got none; leave it"):
        check_asked(["a.mp4"], None, {"--root": None, "--num-frames": 5}, {})
    with pytest.raises(ParamsError, match="--hop: is for MEDIA, got none; leave it out"):
        check_asked([], "ravdess", {}, {"--hop": 1.0})


def test_clips_that_are_left_out_are_counted_in_one_line():
    (line,) = tell_left(LabelledClips([], {}, {}, Counter({"bored": 2, None: 1_000})), "face")
    assert line == "left out: 1,002 clips of no class of face (no label 1,000, bored 2)"
    assert not [*tell_left(LabelledClips([], {}, {}, Counter()), "face")]
