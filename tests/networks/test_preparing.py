"""Preprocessors that would fill the memory, or never end."""

import resource
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import transformers
from tokenizers import Tokenizer, models

from pipeline.encoders.shared.prompts import Prompt
from pipeline.errors import ParamsError
from pipeline.limits import PREPARING_BYTES
from pipeline.networks import preparing
from pipeline.networks.preparing import limit_preparing

SHOWN = {"images": [[np.zeros((64, 96, 3), np.uint8)]], "input_data_format": "channels_last"}


class Processor:
    """A processor of `prepare` alone, as a prompt takes it."""

    chat_template = None
    image_token = "<image>"
    bos_token = None
    name_or_path = "folder"
    backend_tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))

    def __init__(self, prepare):
        self.prepare = prepare

    def __call__(self, *, text, add_special_tokens, **media):
        return self.prepare(**media)


def test_beyond_the_limit_there_is_no_memory_and_behind_it_there_is(monkeypatch):
    monkeypatch.setattr(preparing, "THREAD_BYTES", 0)
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(MemoryError), limit_preparing():
        np.empty(2 * PREPARING_BYTES, np.uint8)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    with limit_preparing():
        assert np.zeros(10**7).nbytes


def loop(**media):
    """As a processor does that cuts a picture into a million."""
    while True:
        np.add(1, 1)


def test_a_preprocessor_that_never_ends_is_ended_in_whatever_thread_it_is(monkeypatch):
    monkeypatch.setattr(preparing, "PREPARING_SECONDS", 0.1)
    prompt = Prompt(Processor(loop), "{clip}", "image")
    with ThreadPoolExecutor(1) as pool:
        for call in (prompt._prepare, lambda places: pool.submit(prompt._prepare, places).result()):
            with pytest.raises(
                ParamsError,
                match=r"^weights folder: .* prepares a clip within 0\.1 s, got one that",
            ):
                call(1)
    with limit_preparing():
        pass
    time.sleep(0.2)  # and nothing comes after its end


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
