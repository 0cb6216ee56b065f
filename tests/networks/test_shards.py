import json
import os

import pytest
import transformers

from pipeline.errors import ParamsError
from pipeline.networks.pretrained import check_counts, digest_folder, load_pretrained


def write_shards(folder, name, others=b""):
    """A folder of weights in two files, of which the second has this name."""
    (folder / "config.json").write_text("{}")
    (folder / "model-1.safetensors").write_bytes(b"one")
    (folder / "second.safetensors").write_bytes(b"two" + others)
    shards = {"a": "model-1.safetensors", "b": name}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    return folder


def test_every_file_that_weights_lie_in_counts(tmp_path):
    before = digest_folder(write_shards(tmp_path, "second.safetensors"))
    assert digest_folder(write_shards(tmp_path, "second.safetensors", b"!")) != before


@pytest.mark.parametrize("name", ["../second.safetensors", "/etc/passwd", "..", "sub/x.bin", ""])
def test_weights_in_another_folder_are_refused(tmp_path, name):
    with pytest.raises(ParamsError, match="expected names of files in this folder, got"):
        digest_folder(write_shards(tmp_path, name))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weight_map": {"a": 3}}', "[" * 99_999])
def test_a_map_of_weights_that_is_none_is_refused(tmp_path, text):
    write_shards(tmp_path, "second.safetensors")
    (tmp_path / "model.safetensors.index.json").write_text(text)
    with pytest.raises(ParamsError, match="expected a map of weights to files"):
        digest_folder(tmp_path)


@pytest.mark.parametrize("other", ["model_fp16.safetensors", "model.safetensors.index.json"])
def test_weights_of_the_second_kind_count_beside_what_is_no_whole_network(tmp_path, other):
    (tmp_path / other).write_text('{"weight_map": {}}')
    (tmp_path / "pytorch_model.bin").write_bytes(b"one")
    before = digest_folder(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"two")
    assert digest_folder(tmp_path) != before
    (tmp_path / "model.safetensors").write_bytes(b"whole")
    before = digest_folder(tmp_path)
    (tmp_path / "pytorch_model.bin").unlink()  # it is not read any more
    assert digest_folder(tmp_path) == before


def test_what_prepares_films_counts_as_what_prepares_pictures_does(tmp_path):
    before = digest_folder(configure(tmp_path, "video_preprocessor_config.json", do_resize=True))
    assert digest_folder(configure(tmp_path, "video_preprocessor_config.json")) != before
    with pytest.raises(ParamsError, match=r"video_\w+\.json: num_classes: expected at most"):
        check_counts(configure(tmp_path, "video_preprocessor_config.json", num_classes=10**9))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "anything"])
def test_a_pipe_among_weights_is_refused(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(ParamsError, match=f"{name}: expected a file or a folder, got a pipe"):
        digest_folder(tmp_path)


def configure(folder, name="config.json", **options):
    (folder / name).write_text(json.dumps(options))
    return folder


def test_weights_that_a_configuration_names_are_refused(tmp_path):
    configure(tmp_path, model_type="bert", inner={"transformers_weights": "other.safetensors"})
    with pytest.raises(ParamsError, match="transformers_weights: expected weights in model"):
        load_pretrained(transformers.AutoConfig, tmp_path)


@pytest.mark.parametrize("value", ["acme/attention", {"": "acme/attention@v1"}])
def test_code_of_the_hub_that_a_configuration_names_is_refused(tmp_path, value):
    configure(tmp_path, model_type="bert", attn_implementation=value)
    with pytest.raises(
        ParamsError, match="attn_implementation: expected attention of transformers"
    ):
        load_pretrained(transformers.AutoConfig, tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        {"n_layer": 10**7},
        {"num_encoder_blocks": 1001},
        {"model_args": {"depths": [2, 10**9]}},
        {"n_routed_experts": 1e9},
        {"num_labels": 10**9},
    ],
)
def test_more_of_a_kind_than_any_network_has_is_refused(tmp_path, options):
    with pytest.raises(ParamsError, match=r"config\.json: \w+: expected at most 1,000"):
        check_counts(configure(tmp_path, **options))


def test_more_lines_of_a_spectrum_than_any_network_hears_are_refused(tmp_path):
    configure(tmp_path, "preprocessor_config.json", n_fft=2**15, feature_size=10_000)
    with pytest.raises(ParamsError, match=r"preprocessor_config\.json: n_fft: expected at most 8"):
        load_pretrained(transformers.AutoFeatureExtractor, tmp_path)


def test_counts_that_networks_have_are_let_through(tmp_path):
    check_counts(configure(tmp_path, n_layer=48, depths=[2, 2, 18, 2], num_labels=21_841))
    check_counts(configure(tmp_path, hidden_size=4096, layer_norm_eps=1e-5, layers="all"))


def test_an_adapter_that_leads_to_other_weights_is_refused(tmp_path):
    configure(tmp_path, model_type="bert")
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "/other"}')
    with pytest.raises(ParamsError, match="expected whole weights, got an adapter of others"):
        load_pretrained(transformers.AutoModel, tmp_path)


def test_no_refusal_advises_to_run_code(tmp_path):
    configure(tmp_path, auto_map={"AutoModel": "theirs.Model", "AutoConfig": "theirs.Config"})
    with pytest.raises(ParamsError, match="got 'code of its own, which nothing here runs'"):
        load_pretrained(transformers.AutoModel, tmp_path)
