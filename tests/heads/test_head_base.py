from typing import get_args

import pytest
import torch

from pipeline.errors import ParamsError
from pipeline.heads import base, mlp
from pipeline.heads.params import (
    BeitParams,
    LstmParams,
    MlpParams,
    ResnetVitParams,
    TemporalTransformerParams,
)
from pipeline.modalities import RowShape
from pipeline.sections import parse_section
from tests.stores import make_stream

INPUTS = {"face": "hog", "scene": "none", "audio": "mfcc", "text": "none"}
EMOTION = base.Output("emotion", 5, "clip")


def make_params(**options: object) -> MlpParams:
    return parse_section(MlpParams, {"kind": "mlp", "inputs": INPUTS, **options}, "heads.words")


def test_dims_are_kept_in_one_order() -> None:
    head = mlp.Head(
        make_params(), {"face": RowShape.of((3,)), "audio": RowShape.of((2,))}, [EMOTION]
    )
    assert list(head.dims.items()) == [("audio", 2), ("face", 3)]


def test_clip_and_frame_outputs_live_in_one_head() -> None:
    head = mlp.Head(
        make_params(), {"audio": RowShape.of((2,))}, [EMOTION, base.Output("valence", 1, "frame")]
    )
    outputs = head({"audio": make_stream(torch.ones(3, 7, 2))})
    assert outputs["emotion"].shape == (3, 5)
    assert outputs["valence"].shape == (3, 7, 1)


def test_a_head_without_inputs_is_refused() -> None:
    with pytest.raises(ParamsError, match=r"at least one modality .* got 0 and 1; name a feature"):
        mlp.Head(make_params(), {}, [EMOTION])


def test_a_head_of_very_many_sets_is_refused() -> None:
    shapes = {f"audio/a{number}": RowShape.of((1,)) for number in range(1000)}  # a pair each: hours
    with pytest.raises(ParamsError, match=r"at most 50 feature sets, .* got 1,000"):
        mlp.Head(make_params(), shapes, [EMOTION])


def test_a_head_of_very_many_layers_is_refused() -> None:
    for kind in (BeitParams, LstmParams, ResnetVitParams, TemporalTransformerParams):
        named = next(iter(get_args(kind.model_fields["kind"].annotation)))
        with pytest.raises(ParamsError, match=r"layers: .*less than or equal to 100"):
            parse_section(kind, {"kind": named, "inputs": INPUTS, "layers": 101}, "heads.words")


def test_a_head_without_outputs_is_refused() -> None:
    with pytest.raises(ParamsError, match="at least one target, got 1 and 0"):
        mlp.Head(make_params(), {"audio": RowShape.of((2,))}, [])


def test_dropout_of_one_is_refused() -> None:
    with pytest.raises(ParamsError, match=r"heads\.words\.dropout: Input should be less than 1"):
        make_params(dropout=1.0)


def test_a_misspelt_target_is_refused_with_the_nearest() -> None:
    with pytest.raises(ParamsError, match=r"targets\.0: unknown target; did you mean 'valence'\?"):
        make_params(targets=["valense"])


def test_a_loss_that_does_not_fit_its_target_is_refused() -> None:
    losses = {"valence": "cross_entropy"}
    with pytest.raises(ParamsError, match=r"losses\.valence: known: ccc, ccc_epoch, huber, mae"):
        make_params(training={"losses": losses})


@pytest.mark.parametrize(
    ("coordinates", "loss"), [("cartesian", {"votes": "kl"}), ("polar", {"valence": "mse"})]
)
def test_losses_of_what_has_no_choice_are_refused(coordinates: str, loss: dict[str, str]) -> None:
    with pytest.raises(ParamsError, match=r"training\.losses: expected targets that have a choice"):
        make_params(coordinates=coordinates, training={"losses": loss})


def test_the_metrics_of_a_head_are_those_of_its_targets() -> None:
    found = make_params(targets=["valence", "votes"]).metrics
    assert {"score", "val_loss", "ccc_valence", "uar_votes"} <= set(found)
    assert "uar" not in found
