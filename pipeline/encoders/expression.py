"""Facial expression by a ready classifier: a Hugging Face image classifier → what it says of faces.

A checkpoint of a regression, such as one of valence and arousal, gives its scores.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import transformers
from jaxtyping import Float
from torch import Tensor

from pipeline.encoders.params import ExpressionParams
from pipeline.encoders.shared.pictures import PictureEncoder, choose_layout
from pipeline.encoders.shared.preprocessors import load_preparation
from pipeline.errors import ParamsError
from pipeline.modalities import Modality
from pipeline.networks.pretrained import Pretrained, load_frozen

PROBABILITIES: dict[str, Callable[[Tensor], Tensor]] = {
    "single_label_classification": lambda logits: logits.softmax(1),
    "multi_label_classification": lambda logits: logits.sigmoid(),
}
"""Probabilities of logits, for each kind of classifier."""


class Encoder(PictureEncoder):
    """One row per frame, a number for each of the checkpoint's `classes`, in their order.

    Pictures are prepared as the checkpoint's preprocessor_config.json says.
    """

    version = 1
    modalities: ClassVar[frozenset[Modality]] = frozenset({"face"})

    def __init__(self, params: ExpressionParams, device: str = "cpu") -> None:
        pretrained = Pretrained(params)
        preparation = load_preparation(pretrained.folder)
        model = load_frozen(transformers.AutoModelForImageClassification, pretrained)
        finish = choose_output(model.config, params)
        layout = choose_layout(model)
        model.to(device=device, memory_format=layout)

        def run(pixels: Float[Tensor, "frames 3 _ _"]) -> Float[Tensor, "frames classes"]:
            laid = pixels.to(model.dtype).contiguous(memory_format=layout)
            return finish(model(pixel_values=laid).logits.float())

        said = {"classes": list_classes(model.config), "problem": find_problem(model.config)}
        super().__init__(run, preparation, pretrained.provenance | said, device, params.frames)


def list_classes(config: Any) -> list[str]:
    """Names of a checkpoint's classes, in the order of its logits."""
    return [str(config.id2label[number]) for number in range(config.num_labels)]


def find_problem(config: Any) -> str:
    """What a checkpoint was trained for; one that does not say tells one class from the others."""
    usual = "single_label_classification" if config.num_labels > 1 else "regression"
    return str(config.problem_type or usual)


def choose_output(config: Any, params: ExpressionParams) -> Callable[[Tensor], Tensor]:
    """What is made of logits; raises ParamsError for probabilities of a regression."""
    if params.output == "logits":
        return lambda logits: logits
    problem = find_problem(config)
    if problem not in PROBABILITIES:
        raise ParamsError(
            f"output: expected a classifier for probabilities, got a {problem}; choose `logits`"
        )
    return PROBABILITIES[problem]
