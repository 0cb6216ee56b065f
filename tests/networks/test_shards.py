import json

import pytest

from pipeline.errors import ParamsError
from pipeline.networks.pretrained import digest_folder


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
