import pytest
import torch

from pipeline.errors import ParamsError
from pipeline.heads.base import Head, Output
from pipeline.heads.params import HEADS
from pipeline.modalities import RowShape
from pipeline.networks.pretrained import digest_folder
from tests.stores import make_params, make_stream
from tests.tiny_models import save_timm_model

SMALL = {"width": 16, "layers": 1, "heads": 2}
PICTURE = (3, 40, 40)


def build(**options: object) -> Head:
    torch.manual_seed(3)
    params = make_params("resnet_vit", {"face": "pixels", "audio": "mfcc"}, **SMALL, **options)
    shapes = {"face": RowShape.of(PICTURE), "audio": RowShape.of((5,))}
    head: Head = HEADS.load("resnet_vit").Head(params, shapes, [Output("emotion", 3, "clip")])
    return head


def answer(head: Head, faces: int = 2) -> torch.Tensor:
    torch.manual_seed(4)
    face, audio = make_stream(torch.randn(2, 3, *PICTURE)), make_stream(torch.randn(2, 1, 5))
    face.mask.flatten()[faces:] = False
    found: torch.Tensor = head({"face": face, "audio": audio})["emotion"]
    return found


def test_a_trunk_is_trained_with_the_head_on_the_cells_of_its_last_map() -> None:
    head = build(trunk="test_resnet")
    assert head.count_weights({"face": 1, "audio": 0}) == (2 * 2 + 1) ** 2 * 2  # 40 pixels by 32
    answer(head, faces=5).square().sum().backward()
    assert all(weight.grad is not None for weight in head.encoders["face"].trunk.parameters())


@pytest.mark.parametrize("faces", [0, 1])
def test_a_trunk_that_trains_takes_a_lone_picture_and_none(faces: int) -> None:
    assert answer(build(trunk="test_resnet").train(), faces).isfinite().all()


def test_training_begins_with_the_weights_that_are_named() -> None:
    folder = save_timm_model("test_resnet")
    started, other = (build(trunk="test_resnet", pretrained=str(folder)) for _ in range(2))
    started.start()
    assert started.started == {str(folder): digest_folder(folder)}
    assert not torch.allclose(answer(started.eval()), answer(other.eval()))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"trunk": "resnet500"}, "expected a network of timm, got 'resnet500'; did you mean 'res"),
        ({"trunk": "test_vit"}, "makes a map of pictures of 40 x 40, got test_vit: Input height"),
        ({"pretrained": "weights/resnet50"}, "weights of a trunk, and `trunk` is none"),
        ({"trunk": "hf-hub:some/one"}, "trunk: .*pattern"),
    ],
)
def test_what_is_no_trunk_is_refused(options: dict[str, object], told: str) -> None:
    with pytest.raises(ParamsError, match=told):
        build(**options)


def test_weights_of_another_network_are_refused() -> None:
    head = build(trunk="test_resnet", pretrained=str(save_timm_model("test_efficientnet")))
    with pytest.raises(ParamsError, match="expected weights of test_resnet for pictures of 3 chan"):
        head.start()
