import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ParamsError
from pipeline.labels.clips import Clip
from pipeline.store.ledger import read_ledger
from pipeline.store.reader import MediaStore, open_media
from pipeline.store.writer import Made, StoreWriter
from pipeline.words.texts import CONTEXT_SCHEMA, TEXT_SCHEMA, fill_store
from pipeline.words.transcripts import transcribe_corpus
from pipeline.words.whisper.listening import Hearing, Stretch
from pipeline.words.whisper.transcriber import Transcriber, pack_hearing
from tests.conftest import PROJECT
from tests.makers import list_parts
from tests.tones import pack_tones
from tests.whispers import make_noise, make_params, save_listener

SECONDS = {"a": 1.7, "b": 0.6, "d": 0.9}
OWN = "The corpus's own words."


def make_clips(**words: str | None) -> list[Clip]:
    """Clips `a` to `d` of a dialogue, `c` without sound."""
    return [
        Clip(
            clip_id=name,
            corpus="toy",
            path=name,
            subject=name.upper(),
            dialogue="talk",
            turn=turn,
            transcript=words.get(name),
            duration_seconds=SECONDS.get(name, 2.5),
        )
        for turn, name in enumerate("abcd")
    ]


def transcribe(folder: Path, clips: list[Clip] | None = None, **options: Any) -> MediaStore:
    audio = folder / "audio"
    if not audio.is_dir():
        pack_tones(audio, SECONDS)
    params = make_params(options.pop("model", save_listener()), **options)
    out = folder / "text"
    transcribe_corpus(clips or make_clips(b=OWN), audio, out, folder / "work", params)
    return open_media(out)


def list_new(folder: Path, before: dict[str, set[str]]) -> set[str]:
    """Clips that were packed since the parts of `before`."""
    parts = list_parts(folder / "work")
    return set().union(*(parts[name] for name in parts.keys() - before.keys()))


@pytest.mark.parametrize("times", ["segment", "word"])
def test_clips_without_words_are_heard(tmp_path: Path, times: str) -> None:
    store = transcribe(tmp_path, times=times)
    for name in "ad":
        table = store[name]
        assert table is not None
        assert table.schema == TEXT_SCHEMA
        assert set(table["clip_id"].to_pylist()) == {name}
        assert all(text.strip() for text in table["text"].to_pylist())
        starts, ends = (table[f"{edge}_seconds"].to_pylist() for edge in ("start", "end"))
        assert starts == sorted(starts)
        assert starts[0] >= 0
        assert max(ends) <= SECONDS[name]
    assert len(store["a"] or ()) > 1


def test_the_corpus_keeps_its_words_unless_they_are_replaced(tmp_path: Path) -> None:
    store = transcribe(tmp_path)
    assert store["b"] is not None
    assert store["b"].to_pylist() == [
        {"clip_id": "b", "start_seconds": 0.0, "end_seconds": 0.6, "text": OWN}
    ]
    replaced = transcribe(tmp_path, replace=True)["b"]
    assert replaced is not None
    assert OWN not in replaced["text"].to_pylist()


def test_a_clip_without_sound_and_words_is_absent(tmp_path: Path) -> None:
    assert not transcribe(tmp_path).has_rows("c")
    entries = read_ledger(tmp_path / "text" / "ledger.parquet")
    assert [(e.status, e.reason) for e in entries if e.clip_id == "c"] == [("absent", "no_audio")]


def test_a_clip_in_which_nothing_is_heard_is_absent() -> None:
    made = pack_hearing(Hearing("a", make_noise(0.5).samples, None), None)
    assert (made.content, made.status, made.reason) == (None, "absent", "no_text")


def test_doubtful_words_are_marked() -> None:
    hearing = Hearing("a", make_noise(0.5).samples, None, stretches=[Stretch(0.0, 0.5, "Oh.")])
    sure = replace(hearing, log_probability=-3.0, tokens=7)
    assert (pack_hearing(sure, "en").status, pack_hearing(sure, "en").facts) == (
        "ok",
        {"language": "en", "log_probability": -0.429},
    )
    assert pack_hearing(replace(hearing, log_probability=-8.0, tokens=7), "en").reason == "unsure"
    assert pack_hearing(replace(sure, compression=2.5), "en").reason == "repetitive"


def test_a_second_run_hears_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    transcribe(tmp_path)
    assert "transcribe" in capsys.readouterr().err
    before = list_parts(tmp_path / "work")
    transcribe(tmp_path)
    assert "transcribe" not in capsys.readouterr().err
    assert list_parts(tmp_path / "work") == before


def test_another_clip_is_heard_alone(tmp_path: Path) -> None:
    transcribe(tmp_path, make_clips(b=OWN, d=OWN))
    before = list_parts(tmp_path / "work")
    transcribe(tmp_path)
    assert list_new(tmp_path, before) == {"d"}


def test_what_was_heard_before_a_run_was_stopped_is_kept(tmp_path: Path) -> None:
    media = open_media(pack_tones(tmp_path / "audio", SECONDS))
    transcriber = Transcriber(make_clips(b=OWN), media, make_params(save_listener(), batch=1))

    def stop(clip_ids: Sequence[str]) -> Iterator[tuple[str, Made]]:
        for clip_id, made in transcriber.make(clip_ids):
            yield clip_id, made
            if clip_id == "a":
                raise KeyboardInterrupt

    work = tmp_path / "work"
    with (
        pytest.raises(KeyboardInterrupt),
        StoreWriter(work, transcriber.provenance, "parquet") as writer,
    ):
        fill_store(writer, transcriber.origins, stop, tmp_path / "text")
    before = list_parts(work)
    transcribe(tmp_path)
    assert list_new(tmp_path, before) - set().union(*before.values()) == {"d"}


@pytest.mark.parametrize("options", [{"times": "word"}, {"language": "pt"}, {"precision": "bf16"}])
def test_what_shapes_the_words_changes_the_keys(tmp_path: Path, options: dict[str, str]) -> None:
    plain, other = transcribe(tmp_path).index.keys, transcribe(tmp_path, **options).index.keys
    assert set(plain).isdisjoint(other)


def test_batches_and_replacing_change_no_key(tmp_path: Path) -> None:
    before = transcribe(tmp_path).provenance["fingerprint"]
    after = transcribe(tmp_path, batch=3, replace=True).provenance["fingerprint"]
    assert after == before


def test_the_store_says_what_made_it(tmp_path: Path) -> None:
    made = transcribe(tmp_path, language="pt").provenance
    assert made["source"]["stage"] == "clean"
    settings = made["settings"]
    assert str(save_listener()) not in json.dumps(settings)
    assert {name: settings[name] for name in ("source", "version", "language", "times")} == {
        "source": "whisper",
        "version": 1,
        "language": "pt",
        "times": "segment",
    }
    assert {len(settings[f"{name}_digest"]) for name in ("weights", "generation")} == {32}


def test_turns_before_a_clip_are_what_was_heard_in_them(tmp_path: Path) -> None:
    heard = transcribe(tmp_path)["a"]
    store = transcribe(tmp_path, context_turns=2)
    last = store["d"]
    assert heard is not None
    assert last is not None
    assert last.schema == CONTEXT_SCHEMA
    said = ["A: " + " ".join(heard["text"].to_pylist()), f"B: {OWN}"]
    assert last["context"].to_pylist() == [said] * len(last)
    assert store["a"] is not None
    assert store["a"].drop_columns("context").equals(heard)


def test_context_hears_nothing_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    transcribe(tmp_path)
    capsys.readouterr()
    transcribe(tmp_path, context_turns=1)
    transcribe(tmp_path, context_turns=2)
    assert "transcribe" not in capsys.readouterr().err


def test_weights_that_are_nowhere_are_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="weights 'no/where': expected a folder"):
        transcribe(tmp_path, model="no/where")


def test_a_corpus_with_words_needs_no_torch() -> None:
    code = (
        "import sys, pipeline.words.transcripts, stages.transcribe; print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
