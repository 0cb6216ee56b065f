from dataclasses import replace

import pytest
import torch

from pipeline.errors import ParamsError
from pipeline.heads.reading import MapPooler, Reader
from pipeline.heads.training_params import TrainingParams
from pipeline.modalities import RowShape
from pipeline.training.augmenting import augment
from pipeline.training.withholding import copy_windows, drop_modalities
from pipeline.windows.dataset import Batch
from tests.stores import make_params, make_stream

CLIPS = 5
SHAPES = {"face": (2, 3, 3), "audio/mfcc": (7,), "audio/hubert": (11,)}
TIMES = {"face": 2, "audio/mfcc": 3, "audio/hubert": 4}


def make_batch():
    """Faces, and sound in two streams; the last clip is only heard, by one of them."""
    torch.manual_seed(0)
    streams = {
        name: make_stream(torch.randn(CLIPS, TIMES[name], *shape)) for name, shape in SHAPES.items()
    }
    for name in ("face", "audio/hubert"):
        streams[name] = streams[name].keep(torch.arange(CLIPS) < CLIPS - 1)
    labels = torch.arange(CLIPS) % 3
    return Batch(streams, {"emotion": labels}, {"emotion": labels >= 0})


def make_readers():
    readers = {
        name: (MapPooler if len(shape) == 3 else Reader)(RowShape.of(shape))
        for name, shape in SHAPES.items()
    }
    for reader in readers.values():
        reader.set_moments(torch.full(reader.columns, 4.0), torch.full(reader.columns, 0.5))
    return readers


def present(streams):
    """Streams of each window."""
    held = {name: stream.mask.any(dim=1).tolist() for name, stream in streams.items()}
    return [{name for name in streams if held[name][clip]} for clip in range(len(held["face"]))]


def test_no_window_loses_all_and_streams_of_a_modality_go_together():
    batch, seen = make_batch(), set()
    for _ in range(50):
        kept = present(drop_modalities(batch.streams, 0.5))
        assert kept[-1] == {"audio/mfcc"}
        seen |= {frozenset(names) for names in kept[:-1]}
    assert seen == {frozenset(n) for n in ({"face"}, SHAPES.keys() - {"face"}, SHAPES.keys())}


def test_one_modality_alone_is_never_withheld_though_it_is_drawn_for():
    streams = {name: stream for name, stream in make_batch().streams.items() if name != "face"}
    torch.manual_seed(1)
    kept, drawn = drop_modalities(streams, 0.9), torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(drawn, torch.rand(CLIPS + 1)[-1:])
    assert present(kept | {"face": make_batch().streams["face"]}) == present(make_batch().streams)


def test_soft_hard_adds_a_faded_copy_and_one_that_lacks_each_modality():
    streams = make_batch().streams
    own, faded, unseen, unheard = copy_windows(streams, make_readers(), "soft_hard")
    assert own == streams
    assert present(faded) == present(streams)
    assert present(unseen) == 4 * [SHAPES.keys() - {"face"}] + [{"audio/mfcc"}]
    assert present(unheard) == 4 * [{"face"}] + [{"audio/mfcc"}]


def test_what_fades_comes_nearer_to_the_mean_by_shares_that_sum_to_one():
    streams = make_batch().streams
    faded = copy_windows(streams, make_readers(), "soft_hard")[1]
    left = {}
    for name, stream in streams.items():
        shares = ((faded[name].rows - 4) / (stream.rows - 4)).flatten(start_dim=1)
        torch.testing.assert_close(shares, shares[:, :1].expand_as(shares), rtol=1e-2, atol=1e-3)
        left[name] = shares.mean(dim=1)
    torch.testing.assert_close(left["audio/mfcc"], left["audio/hubert"], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(
        left["face"] + left["audio/mfcc"], torch.ones(CLIPS), rtol=1e-3, atol=1e-3
    )


def test_noise_stands_for_each_modality_in_turn_at_the_size_of_its_rows():
    streams = make_batch().streams
    streams["face"] = make_stream(torch.zeros(CLIPS, 100, 2, 3, 3))
    own, unseen, unheard = copy_windows(streams, make_readers(), "noise")
    assert own == streams
    assert present(unseen) == present(unheard) == present(streams)
    noise = unseen["face"].rows
    assert (noise.mean().item(), noise.std().item()) == pytest.approx((4.0, 0.5), abs=0.03)
    assert torch.equal(unseen["audio/mfcc"].rows, streams["audio/mfcc"].rows)
    assert torch.equal(unheard["face"].rows, streams["face"].rows)
    assert (unheard["audio/mfcc"].rows != streams["audio/mfcc"].rows).all()


def test_a_window_keeps_the_modality_that_is_all_it_has():
    streams = make_batch().streams
    unheard = copy_windows(streams, make_readers(), "noise")[2]["audio/mfcc"]
    assert torch.equal(unheard.rows[-1], streams["audio/mfcc"].rows[-1])


@pytest.mark.parametrize(("how", "copies"), [("soft_hard", 4), ("noise", 3)])
def test_copies_have_the_labels_of_their_windows(how, copies):
    batch = make_batch()
    batch = replace(batch, target_masks={"emotion": batch.targets["emotion"] > 0})
    params = TrainingParams(modality_dropout=how, mixup={"alpha": 0.3})
    seen = augment(batch, make_readers(), params)
    assert {len(stream.mask) for stream in seen.streams.values()} == {copies * CLIPS}
    assert seen.labels[0].targets["emotion"].tolist() == copies * batch.targets["emotion"].tolist()
    for labels in seen.labels:
        expected = (labels.targets["emotion"] > 0).tolist()
        assert labels.masks["emotion"].tolist() == expected
    assert sum(labels.share for labels in seen.labels) == 1


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (1.0, "less than 1, or 'soft_hard' or 'noise', got 1.0"),
        ("soft", "a valid number, or 'soft_hard' or 'noise', got 'soft'"),
        (True, "a valid number, or 'soft_hard' or 'noise', got True"),
    ],
)
def test_a_dropout_that_is_neither_a_share_nor_known_is_refused(value, told):
    with pytest.raises(ParamsError, match=rf"modality_dropout: Input should be {told}$"):
        make_params("mlp", {"audio": "audio"}, training={"modality_dropout": value})


@pytest.mark.parametrize("how", ["soft_hard", "noise"])
@pytest.mark.parametrize("kind", ["mlp", "ensemble"])
def test_one_modality_alone_has_no_copies_without_it(kind, how):
    with pytest.raises(ParamsError, match=f"{how} takes two modalities or more, got audio"):
        make_params(kind, {"audio": "audio"}, training={"modality_dropout": how})
