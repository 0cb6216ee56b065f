import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ParamsError
from pipeline.words.whisper.checkpoint import Checkpoint
from pipeline.words.whisper.transcriber import load_listener
from tests.tiny_models import save_speech_model
from tests.whispers import make_listener, make_params, save_listener


def alter(folder: Path, name: str, **changes: Any) -> Path:
    """Copy of a checkpoint at `folder`, the JSON file `name` changed; None takes a key out."""
    shutil.copytree(save_listener(), folder)
    path = folder / name
    settings = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: kept for key, kept in settings.items() if kept is not None}))
    return folder


def test_another_network_is_refused() -> None:
    with pytest.raises(ParamsError, match="expected a checkpoint of Whisper, got 'hubert'"):
        Checkpoint(make_params(save_speech_model()))


def test_a_checkpoint_without_generation_settings_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(save_listener(), tmp_path / "model")
    (folder / "generation_config.json").unlink()
    with pytest.raises(ParamsError, match=r"expected generation_config\.json beside the weights"):
        Checkpoint(make_params(folder))


def test_absent_marks_are_named(tmp_path: Path) -> None:
    folder = alter(tmp_path / "model", "generation_config.json", no_timestamps_token_id=None)
    with pytest.raises(ParamsError, match=r"expected all of Whisper's tokens.*no_timestamps"):
        make_listener(folder)


@pytest.mark.parametrize("marks", [{"task_to_id": {}}, {"no_timestamps_token_id": "x"}])
def test_marks_that_are_none_are_refused(tmp_path: Path, marks: dict[str, Any]) -> None:
    folder = alter(tmp_path / "model", "generation_config.json", **marks)
    with pytest.raises(ParamsError, match="expected all of Whisper's tokens"):
        make_listener(folder)


def test_alignment_heads_that_are_none_are_told_in_a_sentence(tmp_path: Path) -> None:
    folder = alter(tmp_path / "model", "generation_config.json", alignment_heads=[3])
    with pytest.raises(ParamsError, match="expected weights that it can use, got others"):
        load_listener(Checkpoint(make_params(folder, times="word")))


def test_times_of_words_need_alignment_heads(tmp_path: Path) -> None:
    folder = alter(tmp_path / "model", "generation_config.json", alignment_heads=None)
    make_listener(folder)
    with pytest.raises(ParamsError, match="expected alignment_heads"):
        make_listener(folder, times="word")


def test_a_preprocessor_of_another_network_is_refused(tmp_path: Path) -> None:
    folder = alter(tmp_path / "model", "preprocessor_config.json", feature_size=80)
    with pytest.raises(ParamsError, match="expected feature_size 16"):
        make_listener(folder)


def test_an_unknown_language_lists_the_known_ones() -> None:
    with pytest.raises(ParamsError, match=r"transcribe\.language: unknown 'fr'; .*en, ja, pt"):
        make_listener(save_listener(), language="fr")


def test_whisper_of_english_alone_takes_no_other_language() -> None:
    folder = save_listener(multilingual=False)
    assert make_listener(folder, language="en").language is None
    with pytest.raises(ParamsError, match=r"unknown 'pt'; known: en"):
        make_listener(folder, language="pt")


def test_generation_settings_are_part_of_the_fingerprint(tmp_path: Path) -> None:
    folder = alter(tmp_path / "model", "generation_config.json", suppress_tokens=[3])
    prints = [Checkpoint(make_params(f)).provenance.fingerprint for f in (save_listener(), folder)]
    assert prints[0] != prints[1]
