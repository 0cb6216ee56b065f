import shutil

import numpy as np
import pytest

from pipeline.encoders.huggingface_vision import Encoder
from pipeline.encoders.params import HuggingfaceVisionParams
from pipeline.rows import Frames
from pipeline.sections import parse_section
from tests.tiny_models import save_vision_model


def encode(clip, **options):
    given = {"modality": "face", "encoder": "huggingface_vision", **options}
    # Half a minute of a C++ compiler: as much again for a layer more, or a batch of another size
    # than the two pictures of the encoder's trial.
    section = given | {"weights": str(save_vision_model(num_hidden_layers=1))}
    return Encoder(parse_section(HuggingfaceVisionParams, section, "features.vit")).encode([clip])[
        0
    ]


@pytest.mark.skipif(not shutil.which("g++"), reason="no C++ compiler")
@pytest.mark.filterwarnings("ignore")  # of torch's compiler
def test_a_compiled_network_gives_the_same_rows():
    images = np.random.default_rng(0).integers(0, 256, (2, 20, 20, 3)).astype(np.uint8)
    clip = Frames(images, np.arange(2.0), np.arange(1.0, 3.0))
    plain, compiled = (encode(clip, compile=compile) for compile in (False, True))
    np.testing.assert_allclose(compiled.embedding, plain.embedding, atol=1e-4)
