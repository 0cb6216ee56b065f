"""Preprocessors that would fill the memory."""

import resource

import numpy as np
import pytest
import transformers

from pipeline.encoders.shared.prompts import Prompt
from pipeline.limits import PREPARING_BYTES
from pipeline.networks import memory
from pipeline.networks.memory import limit_memory

SHOWN = {"images": [[np.zeros((64, 96, 3), np.uint8)]], "input_data_format": "channels_last"}


class Processor:
    """A processor of `prepare` alone, as a prompt takes it."""

    chat_template = None
    image_token = "<image>"
    bos_token = None

    def __init__(self, prepare):
        self.prepare = prepare

    def __call__(self, *, text, add_special_tokens, **media):
        return self.prepare(**media)


def test_beyond_the_limit_there_is_no_memory_and_behind_it_there_is(monkeypatch):
    monkeypatch.setattr(memory, "THREAD_BYTES", 0)
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(MemoryError), limit_memory():
        np.empty(2 * PREPARING_BYTES, np.uint8)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    with limit_memory():
        assert np.zeros(10**7).nbytes


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("ConvNextImageProcessor", {"size": {"shortest_edge": 224}, "crop_pct": 0.001}),
        ("LlavaNextImageProcessor", {"image_grid_pinpoints": [[90_000, 90_000]]}),
    ],
)
def test_a_few_letters_of_options_take_no_gigabytes_of_a_picture(kind, options):
    prompt = Prompt(Processor(getattr(transformers, kind)(**options)), "{clip}", "image")
    with pytest.raises(RuntimeError, match="you tried to allocate"):
        prompt._prepare(1, **SHOWN)
