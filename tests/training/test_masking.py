from dataclasses import replace

import pytest
import torch

from pipeline.errors import ParamsError, TrainingError
from pipeline.heads.reading import Reader, TokenPooler
from pipeline.heads.training_params import SpecAugmentParams
from pipeline.labels.clip_labels import ClipLabels
from pipeline.modalities import RowShape
from pipeline.training.augmenting import augment, check_augmentation
from pipeline.training.masking import draw_stretches, mask_stretches
from pipeline.windows.dataset import Batch, WindowDataset
from tests.stores import make_labels, make_params, make_rows, make_stream, write_features

MEAN = 5.0


def mask_zeros(shape, mask=None, **options):
    """Where what was zero is the mean after it was masked; rows `shape (windows, time, *row)`."""
    reader = (TokenPooler if len(shape) == 4 else Reader)(RowShape.of(shape[2:]))
    reader.set_moments(torch.full(reader.columns, MEAN), torch.ones(reader.columns))
    stream = make_stream(torch.zeros(shape))
    stream = stream if mask is None else replace(stream, mask=mask)
    found = mask_stretches(stream, reader, SpecAugmentParams(**options))
    assert torch.equal(found.mask, stream.mask)
    assert set(found.rows.unique().tolist()) <= {0.0, MEAN}
    return found.rows == MEAN


def test_time_masks_are_whole_rows_that_follow_one_another():
    torch.manual_seed(0)
    hidden = mask_zeros((300, 20, 3), time_masks=1, time_share=0.35)
    assert torch.equal(hidden.all(dim=2), hidden.any(dim=2))
    rows = hidden.any(dim=2).int()
    lengths, edges = rows.sum(dim=1), rows.diff(dim=1).abs().sum(dim=1)
    assert set(lengths.tolist()) == set(range(8))
    assert edges.max() <= 2
    assert rows.sum(dim=0).min() > 0


def test_frequency_masks_are_the_same_numbers_of_all_rows_of_a_window():
    torch.manual_seed(0)
    hidden = mask_zeros((200, 7, 2, 10), frequency_masks=1, frequency_share=0.5)
    bands = hidden[:, 0, 0]
    assert torch.equal(hidden, bands[:, None, None].expand_as(hidden))
    assert set(bands.sum(dim=1).tolist()) == set(range(6))
    assert bands.int().diff(dim=1).abs().sum(dim=1).max() <= 2


def test_shares_are_of_the_rows_that_are_there():
    torch.manual_seed(0)
    mask = torch.zeros(200, 50, dtype=torch.bool)
    mask[:, 3:44:4] = True  # 11 rows, with gaps between
    hidden = mask_zeros((200, 50, 1), mask, time_masks=1, time_share=0.3)[..., 0]
    assert not (hidden & ~mask).any()
    assert set(hidden.sum(dim=1).tolist()) == {0, 1, 2, 3}


def test_stretches_hide_as_much_as_their_share_of_the_count_allows():
    places = torch.arange(9).expand(4, 9)
    hidden = draw_stretches(places, torch.full((4,), 9), share=1.0, stretches=40)
    assert hidden.all()
    assert not draw_stretches(places, torch.full((4,), 9), share=0.1, stretches=40).any()


def test_sound_alone_is_masked():
    streams = {name: make_stream(torch.ones(3, 8, 4)) for name in ("face", "audio/mfcc")}
    readers = {name: Reader(RowShape.of((4,))) for name in streams}
    params = make_params(
        "mlp",
        {"audio": "audio", "face": "face"},
        training={"spec_augment": {"time_masks": 9, "time_share": 1.0}, "modality_dropout": 0.0},
    )
    found = augment(Batch(streams, {}, {}), readers, params.training).streams
    assert torch.equal(found["face"].rows, streams["face"].rows)
    assert not torch.equal(found["audio/mfcc"].rows, streams["audio/mfcc"].rows)


def test_a_head_that_hears_nothing_has_no_sound_to_mask():
    options = {"spec_augment": {"time_masks": 1}}
    with pytest.raises(ParamsError, match=r"masks sound, and `inputs\.audio` is none; leave"):
        make_params("mlp", {"face": "face"}, training=options)


def test_maps_have_no_frequencies_to_mask(tmp_path):
    store = write_features(tmp_path / "audio", {"a": make_rows(torch.ones(2, 3, 4, 5))})
    options = {"spec_augment": {"frequency_masks": 1}}
    params = make_params("mlp", {"audio": "audio"}, training=options)
    labels = make_labels([ClipLabels(clip_id="a", labels={"valence": 0.0})])
    with pytest.raises(TrainingError, match="rows of audio that end in frequencies, got channels"):
        check_augmentation(WindowDataset({"audio": store}, labels, params))
