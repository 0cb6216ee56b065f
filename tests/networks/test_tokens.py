import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import transformers
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors

from pipeline import apart
from pipeline.errors import ParamsError
from pipeline.networks import rehearsing
from pipeline.networks.pretrained import Pretrained
from pipeline.networks.rehearsing import rehearse_cutting, rehearse_decoding
from pipeline.networks.tokens import check_length, load_tokenizer, split_texts
from pipeline.params import parse_feature

TINY = {
    "vocab_size": 17,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "max_position_embeddings": 14,
}
LIMITS = {"bert": 14, "roberta": 12, "xlm-roberta": 12, "camembert": 12, "mpnet": 12}


@pytest.mark.parametrize(("kind", "most"), LIMITS.items())
def test_the_limit_is_what_the_network_takes(kind: str, most: int) -> None:
    config = transformers.AutoConfig.for_model(kind, **TINY)
    model = transformers.AutoModel.from_config(config).eval()
    tokenizer = SimpleNamespace(model_max_length=10**30)
    check_length(most, tokenizer, config)
    model(torch.full((1, most), 5))
    with pytest.raises(ParamsError, match=f"expected at most {most}, which the weights allow"):
        check_length(most + 1, tokenizer, config)
    with pytest.raises((IndexError, RuntimeError)):
        model(torch.full((1, most + 1), 5))


def test_a_tokenizer_may_allow_fewer() -> None:
    config = transformers.AutoConfig.for_model("bert", **TINY)
    with pytest.raises(ParamsError, match="expected at most 9"):
        check_length(10, SimpleNamespace(model_max_length=9), config)


def test_a_tokenizer_in_another_folder_is_refused(tmp_path: Path) -> None:
    files = {"fast_tokenizer_files": ["tokenizer.json", "../other/tokenizer.1.0.0.json"]}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(files))
    section = {"modality": "text", "encoder": "huggingface_text", "weights": str(tmp_path)}
    with pytest.raises(ParamsError, match="fast_tokenizer_files: expected files in this folder"):
        load_tokenizer(Pretrained(parse_feature({"features": {"words": section}}, "words")))


def make_tokenizer(pattern: str) -> transformers.PreTrainedTokenizerFast:
    """A tokenizer that parts texts by an expression."""
    made = Tokenizer(models.WordLevel({"[UNK]": 0, "[PAD]": 1}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "isolated")
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, pad_token="[PAD]")


def test_an_expression_that_takes_a_power_of_a_text_ends_the_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rehearsing, "CUTTING_SECONDS", 0.1)
    monkeypatch.setattr(rehearsing, "CUTTING_LETTER_SECONDS", 0.0)
    assert len(split_texts(make_tokenizer(r"\s+"), ["so it is " * 33], 500)) == 1
    slow = make_tokenizer(r"[\s\S]*[\s\S]*[\s\S]*(?!)")
    with pytest.raises(ParamsError, match="a tokenizer that cuts 297 letters, got one that ends"):
        split_texts(slow, ["so it is " * 33], 500)


LAM = {"type": "Replace", "pattern": {"String": "\u0644"}, "content": "\ufdfa"}
"""A letter of Arabic → a sign of whole words, in which it stands five times."""


def add_steps(part: str, steps: list[Any]) -> transformers.PreTrainedTokenizerFast:
    """A tokenizer with these steps, one after the other."""
    made = json.loads(make_tokenizer(" ").backend_tokenizer.to_str())
    made[part] = {"type": "Sequence", f"{part}s": steps}
    made["model"]["vocab"]["so"] = 2
    whole = Tokenizer.from_str(json.dumps(made))
    return transformers.PreTrainedTokenizerFast(tokenizer_object=whole)


@pytest.mark.parametrize("steps", [[{"type": "ByteLevel"}] * 40, [LAM, {"type": "NFKD"}] * 20])
def test_steps_that_double_a_text_each_end_the_set(
    steps: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "APART_BYTES", 2**29)
    with pytest.raises(ParamsError, match=r"ends its process, or takes more than .* or 0\.5 GB"):
        rehearse_cutting(add_steps("normalizer", steps), ["so \u00e9 \u0644"])


def test_tokens_that_become_gigabytes_of_text_end_the_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "APART_BYTES", 2**29)
    step = {"type": "Replace", "pattern": {"String": "so"}, "content": "so" * 999}
    with pytest.raises(ParamsError, match="that writes 1 tokens, got one that ends its process"):
        rehearse_decoding(add_steps("decoder", [step] * 4), [[2]])


def test_a_tokenizer_that_adds_more_tokens_than_are_asked_for_is_refused() -> None:
    made = make_tokenizer(" ")
    made.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=" ".join(["$A", *["[PAD]"] * 7]), special_tokens=[("[PAD]", 1)]
    )
    assert len(split_texts(made, ["so it is"], 12)) == 1
    made.backend_tokenizer.post_processor = processors.TemplateProcessing(single="$A $A $A")
    with pytest.raises(ParamsError, match="cuts texts into 12 tokens, got one that makes 15"):
        split_texts(made, ["so it is"], 12)
