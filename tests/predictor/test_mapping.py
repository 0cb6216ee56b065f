import numpy as np
import pytest

from pipeline.errors import ParamsError
from pipeline.predictor.mapping import MAPS, list_mapped, map_values, read_map

EIGHT = ["neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"]


def test_ravdess_and_fer2013_have_the_same_classes_by_a_map():
    seven = ["angry", "disgust", "fearful", "happy", "sad", "surprised", "neutral"]
    assert {*list_mapped(EIGHT, MAPS["fer2013"])} == {*seven}
    assert list_mapped(seven, MAPS["fer2013"]) == seven


def test_chances_of_classes_that_become_one_are_added_and_what_is_left_out_is_shared():
    values = {
        "emotion": np.array([0.1, 0.3, 0.4, 0.2], np.float32),
        "emotions": np.array([0.1, 0.3, 0.4, 0.2], np.float32),
        "valence": np.array(0.7, np.float32),
    }
    classes = {"calm": "neutral", "other": None}
    names = ["neutral", "calm", "happy", "other"]
    found = map_values(values, names, classes, ["happy", "neutral"])
    assert found["emotion"].tolist() == pytest.approx([0.5, 0.5])
    assert found["emotions"].tolist() == pytest.approx([0.4, 0.3])
    assert found["valence"] == np.float32(0.7)


def test_a_gap_stays_a_gap_whatever_its_classes_are_called():
    series = {"emotion": np.array([[np.nan] * 2, [0.25, 0.75]], np.float32)}
    found = map_values(series, ["calm", "happy"], {"calm": "neutral"}, ["neutral", "happy"])
    assert np.isnan(found["emotion"][0]).all()
    assert found["emotion"][1].tolist() == [0.25, 0.75]


def test_a_map_of_ones_own_is_a_file_of_pairs(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("calm: neutral\nother: null\n")
    assert read_map(str(own)) == {"calm": "neutral", "other": None}
    own.write_text("[calm, neutral]")
    with pytest.raises(ParamsError, match=r"expected lines such as `calm: neutral` or `calm"):
        read_map(str(own))
    own.write_text("calm: [")
    with pytest.raises(ParamsError, match=r"own.yaml: not readable YAML"):
        read_map(str(own))
    own.write_text("calm: neutral\n" + "#" * 1_000_000)
    with pytest.raises(ParamsError, match=r"own.yaml: .*expected at most 1,000,000 letters, got m"):
        read_map(str(own))
    with pytest.raises(ParamsError, match=r"--map: fer: no such map, and no such .*'fer2013'"):
        read_map("fer")


@pytest.mark.timeout(20)
def test_a_map_of_aliases_is_refused_before_it_is_written_out(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 8)]
    (tmp_path / "own.yaml").write_text("\n".join(lines))
    with pytest.raises(ParamsError, match=r"expected lines such as"):
        read_map(str(tmp_path / "own.yaml"))
