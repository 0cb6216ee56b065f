"""Texts as tokens: cut into chunks of bounded length, led by what was said before, padded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import transformers
from jaxtyping import Bool, Int64
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from pipeline.errors import ParamsError
from pipeline.networks.pretrained import Pretrained, check_options, load_pretrained
from pipeline.networks.rehearsing import rehearse_cutting

BEHIND_PADDING = frozenset(
    {
        "camembert",
        "data2vec-text",
        "esm",
        "ibert",
        "lilt",
        "longformer",
        "luke",
        "markuplm",
        "mpnet",
        "roberta",
        "roberta-prelayernorm",
        "xlm-roberta",
        "xlm-roberta-xl",
        "xmod",
    }
)
"""Model types that count positions from the padding token's number on: RoBERTa's first is 2."""


@dataclass(frozen=True)
class Chunk:
    """Tokens of text number `text`; `own` ones are the text's, not what came before it."""

    text: int
    ids: Int64[np.ndarray, " tokens"]
    own: Bool[np.ndarray, " tokens"]
    special: Bool[np.ndarray, " tokens"]


def load_tokenizer(pretrained: Pretrained) -> Any:
    """Fast tokenizer that lies with the weights; raises ParamsError where there is none."""
    _check_names(pretrained.folder)
    tokenizer = load_pretrained(transformers.AutoTokenizer, pretrained.folder)
    check_fast(tokenizer, pretrained)
    if not isinstance(tokenizer.model_max_length, int | float):
        raise ParamsError(
            f"weights {pretrained.folder}: expected a number of tokens as model_max_length, got "
            f"{tokenizer.model_max_length!r}; mend tokenizer_config.json"
        )
    return tokenizer


def check_fast(tokenizer: Any, pretrained: Pretrained) -> None:
    """Raise ParamsError for a slow tokenizer: it is none of those that are tried apart."""
    if not tokenizer.is_fast:
        raise ParamsError(
            f"weights {pretrained.folder}: expected a fast tokenizer, got a slow one; "
            f"choose another checkpoint"
        )


def _check_names(folder: Path) -> None:
    """Raise ParamsError for an option whose name no terminal should see, or for a file elsewhere.

    The tokenizers library prints, as they are, the names of those that it does not know, and
    transformers reads, of several files for its versions, the one that fits, wherever it lies.
    """

    def check(name: str, value: Any) -> None:
        if not name.isprintable():
            raise ParamsError(
                f"weights {folder}: expected names of options in tokenizer_config.json, got "
                f"{name!r}; choose others"
            )
        files = value if name == "fast_tokenizer_files" and isinstance(value, list) else []
        if any("/" in str(file) for file in files):
            raise ParamsError(
                f"weights {folder}: tokenizer_config.json: {name}: expected files in this folder, "
                f"got {value!r}; choose others"
            )

    check_options(folder / "tokenizer_config.json", check)


def check_length(max_tokens: int, tokenizer: Any, config: Any) -> None:
    """Raise ParamsError for more tokens than the network of `config` has positions."""
    positions = getattr(config, "max_position_embeddings", 0)
    if config.model_type in BEHIND_PADDING:
        positions -= (config.pad_token_id or 0) + 1
    limits = (tokenizer.model_max_length, positions)
    most = min((limit for limit in limits if limit > 0), default=max_tokens)
    if max_tokens > most:
        raise ParamsError(
            f"max_tokens: expected at most {most}, which the weights allow, got {max_tokens}"
        )


def split_texts(tokenizer: Any, texts: Sequence[str], max_tokens: int) -> list[Chunk]:
    """Chunks of `max_tokens` tokens at most, special ones included; none of a blank text.

    Raises ParamsError for a tokenizer that makes more, or takes too long.
    """
    if not texts:
        return []
    rehearse_cutting(tokenizer, texts)
    encoded = tokenizer(
        list(texts),
        truncation=True,
        max_length=max_tokens,
        return_overflowing_tokens=True,
        return_special_tokens_mask=True,
    )
    names = ("overflow_to_sample_mapping", "input_ids", "special_tokens_mask")
    chunks = [
        Chunk(text, np.array(ids), np.ones(len(ids), bool), np.array(special, bool))
        for text, ids, special in zip(*(encoded[name] for name in names), strict=True)
    ]
    if (longest := max(map(len, encoded["input_ids"]))) > max_tokens:
        raise ParamsError(
            f"weights {tokenizer.name_or_path}: expected a tokenizer that cuts texts into "
            f"{max_tokens:,} tokens, got one that makes {longest:,} of them; choose others"
        )
    return [chunk for chunk in chunks if not chunk.special.all()]


def find_separator(tokenizer: Any) -> int:
    """Token between what was said before and a text; raises ParamsError where there is none."""
    for token in (tokenizer.sep_token_id, tokenizer.eos_token_id):
        if token is not None:
            return int(token)
    raise ParamsError(
        "context: expected weights with a separator or an end token, got neither; choose others "
        "or leave context out"
    )


def lead_chunk(chunk: Chunk, before: Sequence[int], max_tokens: int) -> Chunk:
    """`chunk` after the last of the tokens `before`, as many as `max_tokens` leaves room for.

    What begins every text stays in front. Special tokens are not the text's own any more.
    """
    own, room = ~chunk.special, max_tokens - len(chunk.ids)
    added = list(before[-room:]) if room > 1 else []
    start, strange = int(own.argmax()), np.zeros(len(added), bool)
    return Chunk(
        chunk.text,
        np.insert(chunk.ids, start, added),
        np.insert(own, start, strange),
        np.insert(chunk.special, start, strange),
    )


def pad(sequences: Sequence[Int64[Tensor, "_ ..."]], value: int = 0) -> Int64[Tensor, "_ _ ..."]:
    """Sequences in one tensor, filled with `value` after their end."""
    return pad_sequence(list(sequences), batch_first=True, padding_value=value)
