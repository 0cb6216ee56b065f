import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import transformers
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from pipeline.errors import ParamsError
from pipeline.networks import tokens
from pipeline.networks.pretrained import Pretrained
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
    monkeypatch.setattr(tokens, "CUTTING_SECONDS", 0.1)
    monkeypatch.setattr(tokens, "CUTTING_LETTER_SECONDS", 0.0)
    assert len(split_texts(make_tokenizer(r"\s+"), ["so it is " * 16], 500)) == 1
    slow = make_tokenizer(r"[\s\S]*[\s\S]*[\s\S]*(?!)")
    with pytest.raises(ParamsError, match="a tokenizer that cuts 144 letters within 0 s, got one"):
        split_texts(slow, ["so it is " * 16], 500)
