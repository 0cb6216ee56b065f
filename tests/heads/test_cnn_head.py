"""A small network over the cells of rows: sizes, precision, and places that are alone."""

import pytest
import torch

from pipeline.errors import ParamsError
from pipeline.heads.base import Head
from pipeline.heads.building import build_head
from pipeline.heads.cnn import CellCnn, MapNorm
from pipeline.heads.params import CnnParams
from pipeline.heads.reading import StreamRows
from pipeline.modalities import RowShape
from pipeline.sections import parse_section

INPUTS = {"face": "pixels", "scene": "none", "audio": "none", "text": "none"}


def make_params(**options: object) -> CnnParams:
    return parse_section(CnnParams, {"kind": "cnn", "inputs": INPUTS, **options}, "heads.cnn")


def test_channels_double_from_stage_to_stage_up_to_the_width() -> None:
    network = CellCnn(13, 11, 3, make_params(width=24, layers=3))
    assert network.stem.conv.out_channels == 3
    assert [stage.residual.conv.out_channels for stage in network.stages] == [6, 12, 24]


@pytest.mark.parametrize(("stride", "sides"), [(1, (4, 3)), (2, (2, 2))])
def test_the_first_layer_strides_over_cells_and_stages_halve_rounded_up(
    stride: int, sides: tuple[int, int]
) -> None:
    network = CellCnn(13, 11, 3, make_params(width=8, layers=2, stride=stride))
    maps = network.stages(network.stem(torch.randn(2, 3, 13, 11)))
    assert maps.shape == (2, 8, *sides)


def test_a_width_that_cannot_be_halved_so_often_is_refused() -> None:
    with pytest.raises(ParamsError, match="expected a multiple of 8 for 3 layers, got 20"):
        make_params(width=20, layers=3)


def test_a_lone_place_is_normalised_by_what_was_seen_before() -> None:
    norm = MapNorm(2).train()
    norm(torch.randn(5, 2, 3, 3))
    mean, spread = norm.running_mean.clone(), norm.running_var.clone()
    lone = torch.tensor([7.0, -3.0]).reshape(1, 2, 1, 1)
    expected = (lone.flatten() - mean) / (spread + norm.eps).sqrt()
    torch.testing.assert_close(norm(lone).flatten(), expected)


def test_rows_are_finite_in_half_precision_and_absent_ones_zero() -> None:
    mask = torch.tensor([[True, False, True]])
    stream = StreamRows(torch.randn(1, 3, 5 * 7 * 2), mask, torch.zeros(1, 3))
    network = CellCnn(5, 7, 2, make_params(width=16, layers=2))
    with torch.autocast("cpu", torch.bfloat16):
        rows = network(stream).rows
    assert rows.isfinite().all()
    assert not rows[0, 1].any()


def make_mirrored() -> tuple[CellCnn, CellCnn]:
    """One network, without its mirror and with it."""
    params = make_params(width=8, layers=1)
    plain, mirrored = (CellCnn(5, 7, 2, params, mirror=mirror) for mirror in (False, True))
    mirrored.load_state_dict(plain.state_dict())
    return plain.eval(), mirrored.eval()


def test_with_a_mirror_it_answers_by_the_mean_of_a_picture_and_its_mirror_image() -> None:
    plain, mirrored = make_mirrored()
    picture = torch.randn(1, 1, 5, 7, 2)
    mask, seconds = torch.ones(1, 1, dtype=torch.bool), torch.zeros(1, 1)
    given = [
        StreamRows(maps.flatten(start_dim=2), mask, seconds) for maps in (picture, picture.flip(3))
    ]
    own, others = (plain(stream).rows for stream in given)
    assert (own - others).abs().max() > 1e-3
    for stream in given:
        torch.testing.assert_close(mirrored(stream).rows, (own + others) / 2)


def test_training_sees_no_mirror() -> None:
    found = []
    for network in make_mirrored():
        torch.manual_seed(0)
        rows = torch.randn(3, 1, 5 * 7 * 2)
        stream = StreamRows(rows, torch.ones(3, 1, dtype=torch.bool), torch.zeros(3, 1))
        found.append(network.train()(stream).rows)
    assert torch.equal(*found)


def build_mirrored(**shapes: RowShape) -> Head:
    params = make_params(width=8, layers=1, mirror=True, targets=["emotion"])
    return build_head(params, shapes, {"emotion": "clip"}, 3)


def test_a_mirror_is_for_what_is_seen_alone() -> None:
    pixels, tokens = RowShape.of((1, 6, 6)), RowShape.of((6, 6))
    head = build_mirrored(face=pixels, audio=pixels, text=tokens)
    assert [name for name, encoder in head.encoders.items() if encoder.mirror] == ["face"]
    with pytest.raises(ParamsError, match=r"expected maps of faces .* got audio: channels"):
        build_mirrored(audio=pixels)
