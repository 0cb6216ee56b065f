import pytest
import torch

from pipeline.errors import ParamsError
from pipeline.heads import attention
from pipeline.heads.base import Output
from pipeline.heads.params import AttentionParams
from pipeline.modalities import RowShape
from pipeline.sections import parse_section
from tests.stores import make_stream

INPUTS = {"face": "hog", "scene": "none", "audio": "mfcc", "text": "words"}
DIMS = {"face": 3, "audio": 2, "text": 5}
VALENCE = [Output("valence", 1, "clip")]


def make_head(dims: dict[str, int], **options: object) -> attention.Head:
    torch.manual_seed(11)
    values = {"kind": "attention", "inputs": INPUTS, **options}
    params = parse_section(AttentionParams, values, "heads.asks")
    shapes = {name: RowShape.of((dim,)) for name, dim in dims.items()}
    return attention.Head(params, shapes, VALENCE).eval()


def test_three_modalities_ask_in_six_directions() -> None:
    assert set(make_head(DIMS).asking.messages) == {
        "face_audio",
        "face_text",
        "audio_face",
        "audio_text",
        "text_face",
        "text_audio",
    }


def test_a_lone_modality_asks_nobody() -> None:
    assert len(make_head({"audio": 2}).asking.messages) == 0


def test_an_absent_modality_says_nothing() -> None:
    message = make_head(DIMS).asking.messages["face_audio"]
    rows, ignored = torch.randn(3, 7, 64), torch.ones(3, 7, dtype=torch.bool)
    answer = message(torch.randn(3, 5, 64), rows, rows, ignored, need_weights=False)[0]
    assert not answer.any()


def test_an_answer_depends_on_when_nothing_is_said() -> None:
    head = make_head({"face": 3, "audio": 2})
    streams = {
        "face": make_stream(torch.randn(1, 5, 3)),
        "audio": make_stream(torch.randn(1, 7, 2)),
    }
    whole = head.fused(streams)["clip"]
    streams["audio"].mask[:, 4:] = False
    assert not torch.allclose(head.fused(streams)["clip"], whole)


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(ParamsError, match=r"heads\.asks: heads: must divide width 64, got 5"):
        make_head(DIMS, heads=5)
