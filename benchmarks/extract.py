"""Rate of the real stage over the bare network, and over the usual loop.

    python -m benchmarks.extract

Full-size Swin-T, HuBERT-base and RoBERTa-base with random weights, on generated face crops, sounds
and sentences. A round times, for each network in turns:

- `bare`: the network alone on ready tensors, the very batches that the stage gives it;
- `stage`: `extract_features`, from the store of media to a published feature set; the network is
  loaded before;
- `loop`: the usual script: one clip at a time, prepared as the network's own library does it,
  one file per clip.

`stage_over_bare` (goal: 0.9) and `stage_over_loop` (goal: 2 on a CPU, 10 on a GPU) compare the
medians of the three networks together; each network's own ratios stand beside.
"""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal
from unittest.mock import patch

import cv2
import numpy as np
import pyarrow as pa
import timm
import torch
import transformers
import typer
from PIL import Image
from timm.data import create_transform, resolve_model_data_config
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from benchmarks.rounds import Side, print_table, time_rounds
from pipeline.cleaning.sound import AUDIO_SCHEMA
from pipeline.encoders.params import ENCODERS, FeatureParams
from pipeline.extraction.feature_sets import extract_features
from pipeline.extraction.source import encode_clips, open_source
from pipeline.media.audio import decode_audio, encode_flac
from pipeline.sections import parse_section
from pipeline.store.provenance import Provenance
from pipeline.store.reader import MediaStore, open_media
from pipeline.store.writer import Made, StoreWriter

HZ = 16_000
WORDS = 1000
SPECIAL = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}

Device = Literal["cpu", "cuda"]
Loop = Callable[[pa.Table], np.ndarray]
"""What the usual script makes of one clip."""


@dataclass(frozen=True)
class Workload:
    """A network, its media, and how the usual script would go about it."""

    params: FeatureParams
    media: Path
    load_loop: Callable[[], Loop]


def save_swin(folder: Path) -> None:
    timm.models.save_for_hf(timm.create_model("swin_tiny_patch4_window7_224"), folder)


def save_hubert(folder: Path) -> None:
    transformers.HubertModel(transformers.HubertConfig()).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)


def save_roberta(folder: Path) -> None:
    config = transformers.RobertaConfig(vocab_size=50265, max_position_embeddings=514)
    transformers.RobertaModel(config).save_pretrained(folder)
    save_tokenizer(folder)


def save_tokenizer(folder: Path) -> None:
    """Numbers as words, in RoBERTa's special tokens."""
    words = {
        word: number for number, word in enumerate([*SPECIAL.values(), *map(str, range(WORDS))])
    }
    tokenizer = Tokenizer(WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=512, **SPECIAL
    )
    fast.save_pretrained(folder)


def draw_face(rng: np.random.Generator, clip_id: str) -> pa.Table:
    """5 to 15 crops of 224 pixels."""
    frames = int(rng.integers(5, 16))
    coarse = rng.integers(0, 255, (frames, 14, 14, 3), np.uint8)
    images = [cv2.resize(image, (224, 224), interpolation=cv2.INTER_CUBIC) for image in coarse]
    jpegs = [cv2.imencode(".jpg", image)[1].tobytes() for image in images]
    return pa.table(
        {"clip_id": [clip_id] * frames, "seconds": np.arange(frames) / 5, "jpeg": jpegs}
    )


def draw_sound(rng: np.random.Generator, clip_id: str) -> pa.Table:
    """2 to 6 seconds of noise."""
    samples = rng.uniform(-0.5, 0.5, int(rng.integers(2 * HZ, 6 * HZ)))
    flac = encode_flac(samples, HZ)
    row = {"clip_id": clip_id, "hz": HZ, "samples": len(samples), "flac": flac}
    return pa.Table.from_pylist([row], schema=AUDIO_SCHEMA)


def draw_words(rng: np.random.Generator, clip_id: str) -> pa.Table:
    """A sentence of 4 to 30 words."""
    text = " ".join(map(str, rng.integers(WORDS, size=int(rng.integers(4, 31)))))
    row = {"clip_id": clip_id, "start_seconds": 0.0, "end_seconds": 3.0, "text": text}
    return pa.Table.from_pylist([row])


def pack(folder: Path, count: int, draw: Callable[[np.random.Generator, str], pa.Table]) -> Path:
    """Store of `count` generated clips."""
    rng = np.random.default_rng(0)
    keys = {f"clip_{number:05}": "generated" for number in range(count)}
    with StoreWriter(folder / "work", Provenance("generated", {}), "parquet") as writer:
        for clip_id, key in keys.items():
            writer.add(clip_id, key, Made(draw(rng, clip_id)))
        writer.close_part()
        writer.publish(folder / "media", writer.locate(keys), [])
    return folder / "media"


def loop_swin(folder: Path, device: Device) -> Loop:
    """timm's own transform, frame by frame."""
    model = timm.create_model(f"local-dir:{folder}", pretrained=True, num_classes=0)
    model.eval().to(device)
    transform = create_transform(**resolve_model_data_config(model))

    def encode(table: pa.Table) -> np.ndarray:
        images = [Image.open(io.BytesIO(jpeg)) for jpeg in table["jpeg"].to_pylist()]
        with torch.inference_mode():
            rows = [model(transform(image)[None].to(device)).cpu() for image in images]
        return torch.cat(rows).numpy()

    return encode


def loop_hubert(folder: Path, device: Device) -> Loop:
    """transformers' own feature extractor, clip by clip."""
    model = transformers.AutoModel.from_pretrained(folder).eval().to(device)
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)

    def encode(table: pa.Table) -> np.ndarray:
        samples = decode_audio(io.BytesIO(table["flac"][0].as_py()), hz=HZ)
        inputs = extractor(samples, sampling_rate=HZ, return_tensors="pt").to(device)
        with torch.inference_mode():
            return model(**inputs).last_hidden_state[0].cpu().numpy()

    return encode


def loop_roberta(folder: Path, device: Device) -> Loop:
    """transformers' own tokenizer, sentence by sentence."""
    model = transformers.AutoModel.from_pretrained(folder).eval().to(device)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    def encode(table: pa.Table) -> np.ndarray:
        inputs = tokenizer(table["text"][0].as_py(), return_tensors="pt").to(device)
        with torch.inference_mode():
            return model(**inputs).last_hidden_state.mean(1).cpu().numpy()

    return encode


WORKLOADS: Mapping[str, tuple[Any, ...]] = {
    "swin": ("face", "timm", save_swin, draw_face, loop_swin, 0.2),
    "hubert": ("audio", "huggingface_speech", save_hubert, draw_sound, loop_hubert, 0.3),
    "roberta": ("text", "huggingface_text", save_roberta, draw_words, loop_roberta, 1.0),
}
"""Name → modality, encoder, and functions; the last is its share of `--clips`."""


def make_workload(name: str, folder: Path, clips: int, device: Device, precision: str) -> Workload:
    """Weights and media of one network, written into `folder`."""
    modality, encoder, save, draw, load_loop, share = WORKLOADS[name]
    weights = folder / "weights"
    weights.mkdir(parents=True)
    torch.manual_seed(0)
    save(weights)
    options = {"modality": modality, "encoder": encoder, "weights": str(weights), "device": device}
    given = {**options, "precision": precision, "batch": 64}
    params = parse_section(ENCODERS.find(encoder).params, given, f"features.{name}")
    media = pack(folder, max(1, round(clips * share)), draw)
    return Workload(params, media, lambda: load_loop(weights, device))


def record(params: FeatureParams, store: MediaStore) -> Callable[[], None]:
    """The network alone, on the inputs that it was given while the whole store was encoded."""
    encoder = ENCODERS.load(params.encoder).Encoder(params, params.device)
    calls: list[Callable[[], Any]] = []
    inside: list[torch.nn.Module] = []
    original = torch.nn.Module.__call__

    def call(network: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
        if not inside:
            calls.append(partial(original, network, *args, **kwargs))
        inside.append(network)
        try:
            return original(network, *args, **kwargs)
        finally:
            inside.pop()

    with patch.object(torch.nn.Module, "__call__", call):
        list(encode_clips(encoder, params, store, store.index.clip_ids))

    def run() -> None:
        with torch.inference_mode():
            for call in calls:
                call()
        wait(params.device)

    return run


def wait(device: Device) -> None:
    """Wait for what the device was given to do."""
    if device == "cuda":
        torch.cuda.synchronize()


def make_sides(name: str, workload: Workload, folder: Path) -> list[Side]:
    """Bare network, stage and loop over all clips."""
    store = open_media(workload.media)
    bare, encode = record(workload.params, store), workload.load_loop()
    clip_ids, places = store.index.clip_ids, iter(range(1_000_000))

    def loop() -> None:
        out = folder / f"loop-{next(places)}"
        out.mkdir()
        for clip_id in clip_ids:
            np.save(out / f"{clip_id}.npy", encode(store[clip_id]))

    def stage() -> Callable[[], None]:
        root = folder / f"stage-{next(places)}"
        source = open_source(workload.params, workload.media)

        def run() -> None:
            with patch("pipeline.extraction.feature_sets.open_source", return_value=source):
                extract_features(workload.params, workload.media, root / "out", root / "work")

        return run

    sides = {"bare": lambda: bare, "stage": stage, "loop": lambda: loop}
    return [Side(f"{name} {kind}", prepare, 1) for kind, prepare in sides.items()]


def main(
    clips: Annotated[int, typer.Option(help="Sentences; sounds and faces in proportion.")] = 200,
    rounds: Annotated[int, typer.Option(help="Rounds, each of all sides.", min=1)] = 3,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    precision: Annotated[str, typer.Option(help="fp32, fp16 or bf16.")] = "fp32",
) -> None:
    """Print the rate of the stage over the bare network and over the usual loop."""
    transformers.utils.logging.disable_progress_bar()
    seconds: dict[str, float] = {}
    with TemporaryDirectory(prefix="moodline-") as scratch:
        for name in WORKLOADS:
            folder = Path(scratch, name)
            workload = make_workload(name, folder, clips, device, precision)
            timings = time_rounds(
                make_sides(name, workload, folder), rounds, np.random.default_rng(0)
            )
            print_table(timings, "run")
            seconds |= timings.medians
    total = {
        kind: sum(value for side, value in seconds.items() if side.endswith(kind))
        for kind in ("bare", "stage", "loop")
    }
    figures = {
        "stage_over_bare": total["bare"] / total["stage"],
        "stage_over_loop": total["loop"] / total["stage"],
    }
    for name in WORKLOADS:
        stage = seconds[f"{name} stage"]
        figures[f"{name}_over_bare"] = seconds[f"{name} bare"] / stage
        figures[f"{name}_over_loop"] = seconds[f"{name} loop"] / stage
    print(json.dumps({key: float(f"{value:.3g}") for key, value in figures.items()}))


if __name__ == "__main__":
    typer.run(main)
