"""What `transcribe` in params.yaml says: where the words come from."""

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from pipeline.sections import Section


class TranscribeParams(Section):
    """Where the words come from: the corpus's own transcripts, and what Whisper hears.

    `model` is a checkpoint of Whisper, as encoders take weights: a local folder, or a Hub id with
    its commit as `revision`; None hears nothing. It is asked for clips that the corpus gives no
    words for, with `replace` for all. `language` is a code such as `en`; None has it heard from
    each clip. A row is a `segment` of speech or a `word`. `batch` clips are heard at once.

    With `context_turns`, so many turns of its dialogue before a clip are packed with its words.
    """

    model: str | None = None
    revision: str | None = Field(None, pattern="^[0-9a-f]{40}$")
    replace: bool = False
    language: str | None = None
    times: Literal["segment", "word"] = "segment"
    batch: PositiveInt = 16
    device: Literal["cpu", "cuda"] = "cpu"
    precision: Literal["fp32", "fp16", "bf16"] = "fp32"
    context_turns: NonNegativeInt = 0
