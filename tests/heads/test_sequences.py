from collections.abc import Iterable
from typing import Any

import pytest
import torch
from torch import nn

from pipeline.heads.base import Head, Output
from pipeline.heads.params import HEADS
from pipeline.heads.shared.sequences import ConvBlock, Lstm, RowNorm, Transformer
from pipeline.modalities import RowShape
from tests.stores import make_params, make_stream

SEEN = torch.tensor([True, False, True, True, False])
"""Which of five rows are present."""


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(3)


def choose(kind: str, inputs: Iterable[str], **options: object) -> Any:
    return make_params(kind, dict.fromkeys(inputs, "set"), **options)


def build(kind: str, shapes: dict[str, int], per: str = "frame", **options: object) -> Head:
    params = choose(kind, shapes, **options)
    rows = {name: RowShape.of((dim,)) for name, dim in shapes.items()}
    head: Head = HEADS.load(kind).Head(params, rows, [Output("valence", 1, per)])
    return head.eval()


def copy_weights(norm: nn.Module) -> RowNorm:
    own = RowNorm(3)
    own.load_state_dict(norm.state_dict())
    return own


class TestRowNorm:
    def test_present_rows_are_normalised_as_if_there_were_no_others(self) -> None:
        rows, plain = torch.randn(1, 5, 3), nn.BatchNorm1d(3)
        own = copy_weights(plain)
        found, expected = own(rows, SEEN[None]), plain(rows[0, SEEN])
        torch.testing.assert_close(found[0, SEEN], expected)
        torch.testing.assert_close(own.running_var, plain.running_var)
        assert not found[0, ~SEEN].any()

    def test_a_lone_row_has_no_variance_and_teaches_none(self) -> None:
        norm = RowNorm(3)
        found = norm(torch.ones(1, 1, 3), torch.tensor([[True]]))
        assert found.isfinite().all()
        assert norm.running_mean is not None
        assert not norm.running_mean.any()


class TestConvBlock:
    @pytest.mark.parametrize("time", [0, 1, 2, 7])
    def test_there_are_as_many_rows_as_before(self, time: int) -> None:
        block = ConvBlock(2, 3, dilation=4, pooled=True).eval()
        assert block(make_stream(torch.randn(2, time, 2))).rows.shape == (2, time, 3)

    def test_each_row_is_the_mean_of_what_is_near(self) -> None:
        block = ConvBlock(1, 1).eval()
        nn.init.constant_(block.conv.weight, 1.0)
        nn.init.zeros_(block.conv.bias)
        stream = make_stream(torch.tensor([[[1.0], [2.0], [4.0], [8.0]]]))
        expected = torch.tensor([3.0, 7.0, 14.0, 12.0])
        torch.testing.assert_close(block(stream).rows[0, :, 0], expected, rtol=1e-4, atol=0)
        block.pooled = True
        pooled = torch.tensor([7.0, 14.0, 14.0, 12.0])
        torch.testing.assert_close(block(stream).rows[0, :, 0], pooled, rtol=1e-4, atol=0)


class TestLstm:
    @pytest.mark.parametrize("causal", [False, True])
    def test_it_runs_over_the_rows_that_are_there(self, causal: bool) -> None:
        windows = {"causal": causal}
        lstm = Lstm(2, 6, choose("lstm", {"audio": 2}, dropout=0.0, windows=windows))
        stream = make_stream(torch.randn(3, 5, 2))
        stream.mask[0], stream.mask[1] = SEEN, False
        found = lstm(stream).rows
        for clip in (0, 2):
            here = stream.mask[clip]
            expected, _ = lstm.lstm(stream.rows[clip, here][None])
            torch.testing.assert_close(found[clip, here], expected[0])
        assert not found[1].any()


class TestTransformer:
    def test_absent_rows_are_zero_and_told_to_nobody(self) -> None:
        layers = Transformer(choose("temporal_transformer", {"audio": 8}, width=8)).eval()
        stream = make_stream(torch.randn(2, 5, 8))
        stream.mask[0], stream.mask[1] = SEEN, False
        before = layers(stream).rows
        stream.rows[0, ~SEEN] = 99.0
        torch.testing.assert_close(layers(stream).rows, before)
        assert not before[1].any()


@pytest.mark.parametrize("kind", ["mlp", "lstm", "tcn", "landmark_lstm", "audio_cnn", "graph"])
def test_a_causal_head_knows_nothing_of_what_comes(kind: str) -> None:
    head = build(kind, {"audio": 2}, windows={"causal": True})
    stream = make_stream(torch.randn(1, 9, 2))
    before = head({"audio": stream})["valence"]
    stream.rows[0, 5:] += 1.0
    after = head({"audio": stream})["valence"]
    torch.testing.assert_close(after[:, :5], before[:, :5])
    assert not torch.allclose(after[:, 5:], before[:, 5:])


@pytest.mark.parametrize(
    "kind", ["attention", "late_transformer", "temporal_transformer", "cnn_lstm"]
)
def test_what_sees_all_of_a_window_is_not_causal(kind: str) -> None:
    with pytest.raises(Exception, match=r"windows\.causal: this kind sees all of a window"):
        build(kind, {"audio": 2}, windows={"causal": True})


def test_notice_is_one_on_average_however_many_ask() -> None:
    head = build("intermediate_attention", {"face": 4, "audio": 4}, heads=2, width=16)
    notice = head.get_submodule("pairs.face_audio")
    asks, answers = torch.randn(1, 3, 8), make_stream(torch.randn(1, 7, 16))
    found = notice(make_stream(asks), answers)
    torch.testing.assert_close(found.mean(), torch.tensor(1.0))
    twice = notice(make_stream(torch.cat([asks, asks], dim=1)), answers)
    torch.testing.assert_close(twice, found)


def test_a_partner_that_is_absent_leaves_a_stream_what_it_knows() -> None:
    head = build("late_transformer", {"face": 4, "audio": 4}, per="clip")
    streams = {name: make_stream(torch.randn(2, 5, 4)) for name in ("face", "audio")}
    alone = {**streams, "face": streams["face"].keep(False)}
    found = head(alone)["valence"]
    assert not torch.allclose(found[0], found[1])


def test_a_map_is_seen_by_as_many_parameters_as_published() -> None:
    params = choose("resnet_vit", ["face"], targets=["emotion"])
    head = HEADS.load("resnet_vit").Head
    with torch.device("meta"):
        vit = head(params, {"face": RowShape.of((2048, 7, 7))}, [Output("emotion", 7, "clip")])
    trunk = 23_508_032  # of ResNet-50 without its last layer
    absent, places = 256, 512  # a stand-in for no face, and the class token's own place
    count = sum(parameter.numel() for parameter in vit.parameters())
    assert count - absent - places + trunk == pytest.approx(37.33e6, abs=5e3)


def test_places_of_a_map_are_told_apart() -> None:
    params = choose("resnet_vit", ["face"], width=8, heads=2)
    shape = {"face": RowShape.of((3, 2, 2))}
    head = HEADS.load("resnet_vit").Head(params, shape, [Output("valence", 1, "clip")]).eval()
    rows = torch.randn(1, 1, 3, 2, 2)
    found, turned = (head({"face": make_stream(x)})["valence"] for x in (rows, rows.flip(-1)))
    assert not torch.allclose(found, turned, atol=1e-4)


def test_an_odd_width_has_no_two_halves() -> None:
    with pytest.raises(Exception, match="width: expected an even number for two directions, got 7"):
        build("lstm", {"audio": 2}, width=7)
