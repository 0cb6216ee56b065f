import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pipeline.predictor.answering import Answer
from pipeline.predictor.tables import pack_csv, smooth_series, tabulate_series, tabulate_wholes
from pipeline.predictor.timing import NOBODY, Timing

NAN = np.nan
SECONDS = np.array([0.0, 0.4, 0.8])


def tabulate(series, present=(["face"], [], ["face", "audio"]), emotions=("happy", "sad")):
    stretches = np.stack([SECONDS, SECONDS + 0.4], axis=1)
    timing = Timing(SECONDS, np.array([0, 10, 20]), stretches, 1.2)
    values = {target: np.array(found, np.float32) for target, found in series.items()}
    answer = Answer(None, timing, values, present, np.array([0, NOBODY, 2]))
    return tabulate_series(answer, emotions).to_pylist()


def test_a_row_says_when_who_what_and_by_what():
    rows = tabulate({"emotion": [[0.9, 0.1], [NAN, NAN], [0.2, 0.8]], "valence": [0.5, NAN, -1]})
    assert rows[0] == {
        "seconds": 0.0,
        "frame": 0,
        "person": 0,
        "happy": pytest.approx(0.9),
        "sad": pytest.approx(0.1),
        "dominant_emotion": "happy",
        "confidence": pytest.approx(0.9),
        "valence": 0.5,
        "modalities": "face",
    }
    assert rows[2]["dominant_emotion"] == "sad"
    assert rows[2]["modalities"] == "face+audio"


def test_a_gap_is_blank_and_no_guess():
    gap = tabulate({"emotion": [[0.9, 0.1], [NAN, NAN], [0.2, 0.8]], "valence": [0.5, NAN, -1]})[1]
    known = {name for name, cell in gap.items() if cell is not None}
    assert known == {"seconds", "frame", "modalities"}
    assert gap["modalities"] == ""


def test_a_second_target_of_classes_is_told_apart():
    pair = [[0.9, 0.1]] * 3
    assert {"happy", "votes.happy"} < tabulate({"emotion": pair, "votes": pair})[0].keys()


def test_a_class_that_is_called_as_a_column_takes_no_place():
    row = tabulate({"emotion": [[0.9, 0.1]] * 3}, emotions=("seconds", "sad"))[1]
    assert (row["seconds"], row["emotion.seconds"]) == (0.4, pytest.approx(0.9))


def test_a_clip_of_which_nothing_is_said_has_a_row():
    said = {"valence": np.array(0.5, np.float32)}
    rows = tabulate_wholes([{"media": "a"}, {"media": "b"}], [None, said], []).to_pylist()
    assert rows == [{"media": "a", "valence": None}, {"media": "b", "valence": 0.5}]
    assert tabulate_wholes([{"media": "a"}], [None], []).to_pylist() == [{"media": "a"}]


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("causal", [False, True])
def test_smoothing_is_a_moving_mean_that_leaves_gaps(rows, causal):
    values = np.random.default_rng(0).random((20, 2)).astype(np.float32)
    values[[3, 4, 11]] = NAN
    frame = pd.DataFrame(values.astype(np.float64))
    # pandas puts the odd row of an even window before its middle, as SciPy does.
    expected = frame.rolling(rows, center=not causal, min_periods=1).mean().where(frame.notna())
    found = smooth_series({"emotion": values}, rows, causal=causal)["emotion"]
    np.testing.assert_allclose(found, expected.to_numpy(), rtol=1e-5)


def test_smoothing_over_more_rows_than_there_are_is_over_all():
    found = smooth_series({"valence": np.array([0, NAN, 1], np.float32)}, 10**12, causal=False)
    np.testing.assert_equal(found["valence"], np.array([0.5, NAN, 0.5], np.float32))


def test_a_spreadsheet_computes_no_text_of_a_table():
    table = pa.table({"media": ["=1+1", "talk", None, "@a"], "-x": [-0.5, None, 1.5, 2.0]})
    assert pack_csv(table).to_pybytes().decode().splitlines() == [
        '"media","\'-x"',
        '"\'=1+1",-0.5',
        '"talk",',
        ",1.5",
        '"\'@a",2',
    ]
