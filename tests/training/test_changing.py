"""Pictures changed in training: which places move where, in which windows, and what stays."""

import math

import pytest
import torch
from torch import Tensor

from pipeline.errors import TrainingError
from pipeline.heads.reading import MapPooler, Reader
from pipeline.heads.training_params import PictureAugmentParams
from pipeline.labels.clip_labels import ClipLabels
from pipeline.modalities import RowShape
from pipeline.training.augmenting import augment, check_augmentation
from pipeline.training.changing import change_pictures, draw_turns
from pipeline.windows.dataset import Batch, WindowDataset
from tests.stores import make_labels, make_params, make_rows, make_stream, write_features

MEAN, SCALE = 5.0, 2.0


def change(rows: Tensor, **options: object) -> Tensor:
    """Rows `(windows, time, channels, height, width)` as training sees them."""
    reader = MapPooler(RowShape.of(rows.shape[2:]))
    reader.set_moments(torch.full(reader.columns, MEAN), torch.full(reader.columns, SCALE))
    torch.manual_seed(0)
    stream = make_stream(rows)
    found = change_pictures(stream, reader, PictureAugmentParams(**options))
    assert torch.equal(found.mask, stream.mask)
    return found.rows


def test_half_of_the_windows_are_mirrored_with_all_of_their_rows() -> None:
    rows = torch.randn(200, 3, 2, 5, 7)
    found = change(rows, mirror=True)
    mirrored = torch.isclose(found, rows.flip(-1), atol=1e-5).flatten(start_dim=1).all(dim=1)
    same = torch.isclose(found, rows, atol=1e-5).flatten(start_dim=1).all(dim=1)
    assert bool((mirrored ^ same).all())
    assert 70 < int(mirrored.sum()) < 130


def test_a_turn_keeps_lengths_in_pictures_that_are_no_squares() -> None:
    aspect = 11 / 5
    turns = draw_turns(50, aspect, PictureAugmentParams(degrees=90.0))[:, :, :2]
    sides = torch.tensor([aspect, 1.0])
    lengths = (turns * sides[:, None] / sides).norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones(50, 2))
    angles = (turns[:, 0, 0]).acos().rad2deg()
    assert 45 < angles.max() <= 90


def test_a_crop_stays_in_the_picture_and_reaches_its_edges() -> None:
    turns = draw_turns(500, 1.0, PictureAugmentParams(crop=0.5))
    reached = turns[:, :, 2].abs() + turns[:, [0, 1], [0, 1]]
    assert reached.max() <= 1 + 1e-6
    assert reached.max() > 0.99
    assert 0.5 <= turns[:, 0, 0].min() < 0.52


def test_light_is_told_by_the_moments_of_training() -> None:
    rows = torch.full((400, 2, 1, 3, 3), MEAN)
    rows[:, :, :, 0] += SCALE
    found = change(rows, light=0.25)
    assert torch.equal(found[:, 0], found[:, 1])
    shift = (found[..., 1, 0] - MEAN).flatten() / SCALE
    contrast = ((found[..., 0, 0] - found[..., 1, 0]) / SCALE).flatten()
    for drawn, middle in ((shift, 0.0), (contrast, 1.0)):
        assert middle - 0.25 <= drawn.min() < middle - 0.24
        assert middle + 0.24 < drawn.max() <= middle + 0.25


def test_a_rectangle_is_the_mean_in_all_rows_of_the_windows_that_it_is_drawn_for() -> None:
    hidden = change(torch.zeros(300, 2, 3, 20, 40), erase=0.5) == MEAN
    assert torch.equal(hidden, hidden[:, :1, :1].expand_as(hidden))
    rows, columns = hidden[:, 0, 0].any(dim=2), hidden[:, 0, 0].any(dim=1)
    assert torch.equal(hidden[:, 0, 0], rows[:, :, None] & columns[:, None])
    assert 110 < int(rows.any(dim=1).sum()) < 190
    assert (rows.sum(dim=1).max(), columns.sum(dim=1).max()) == (9, 18)


def test_pictures_alone_are_changed_and_windows_without_rows_stay_empty() -> None:
    pixels = make_stream(torch.randn(3, 2, 1, 4, 4))
    empty = make_stream(torch.randn(3, 0, 1, 4, 4))
    streams = {
        "face": pixels,
        "scene": empty,
        "audio": pixels,
        "text": make_stream(torch.ones(3, 2, 4)),
    }
    readers = {name: MapPooler(RowShape.of((1, 4, 4))) for name in streams}
    readers["text"] = Reader(RowShape.of((4,)))
    training = {"picture_augment": {"degrees": 20.0}, "modality_dropout": 0.0}
    params = make_params("mlp", {name: name for name in streams}, training=training)
    found = augment(Batch(streams, {}, {}), readers, params.training).streams
    same = [name for name in streams if torch.equal(found[name].rows, streams[name].rows)]
    assert same == ["scene", "audio", "text"]


def test_what_is_not_there_reaches_no_row_that_is() -> None:
    rows = torch.ones(5, 3, 1, 6, 6)
    rows[:, 1] = math.nan
    found = change(rows, mirror=True, degrees=10.0, crop=0.8, light=0.1, erase=0.5)
    assert found[:, [0, 2]].isfinite().all()


def test_heads_that_see_no_pictures_have_none_to_change(tmp_path) -> None:
    store = write_features(tmp_path / "face", {"a": make_rows(torch.ones(2, 5))})
    training = {"picture_augment": {"mirror": True}}
    params = make_params("mlp", {"face": "face"}, training=training)
    labels = make_labels([ClipLabels(clip_id="a", labels={"valence": 0.0})])
    with pytest.raises(TrainingError, match=r"picture_augment: .* got face: dim \(5\); read"):
        check_augmentation(WindowDataset({"face": store}, labels, params))
