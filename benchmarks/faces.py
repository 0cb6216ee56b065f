"""Rate of the real stage over its slower part and over a plain loop; memory of a two-hour video.

    python -m benchmarks.faces

The clips are the real ones in `../shared/data/clips`, or in `clips` of the folder MOODLINE_DATA.
A round times, in turns:

- `decode`: the frames that the stage samples, decoded and dropped;
- `detect`: the detector alone on those frames, ready in memory at the size that it searches, in
  the batches that the stage gives it;
- `stage`: `pack_faces`, from the clips to the published stores, its work store empty;
- `loop`: the usual script: one frame at a time decoded, shrunk to the same size, searched and its
  best face written to a file. RetinaFace is searched by `detect_faces` of the package itself, on
  its PyTorch backend, others by their own detector; with all cores for one frame.

The first three work in as many processes, which start, import and load what they need within the
time measured, as in a run: give so many `--copies` of the clips that this is little. The loop has
loaded its network before, and sees one copy. On a processor decoding and detecting share the
cores, so `stage_over_slower_part` (goal: 0.8) is near 1 where one of them is slow, and as low as a
half where both take the same. `stage_over_loop` stands beside it.

RetinaFace has random weights unless `--weights` says otherwise, and `min_score` is such that they
see a face in half of the frames, several in some. A network on a processor sees the first second
of each clip, others see four times the whole, unless `--seconds` and `--copies` say otherwise.
YuNet, whose weights are looked for in `weights` beside `clips`, is measured as well, its name
before its keys.

`peak_gb_over_model` (goal: 2) is the most that all processes of the stage take together for a
generated video of two hours, five frames a second of 1280 x 720 with a moving face, beyond what
they take for two seconds of it; memory that several share is counted once, pages of mapped files
as well. YuNet finds the face, or `cascade` without its weights.
"""

import json
import multiprocessing
import os
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import av
import cv2
import numpy as np
import typer
from jaxtyping import UInt8
from skimage.data import astronaut

from benchmarks.rounds import Job, Side, print_table, time_rounds
from pipeline.engines import LOCAL, run_clips
from pipeline.errors import MediaError
from pipeline.faces import DETECTORS
from pipeline.faces.cutting import Reel
from pipeline.faces.params import FacesParams
from pipeline.faces.searching import load_detector, resolve_detector, shrink_image
from pipeline.faces.serving import list_devices
from pipeline.faces.stores import pack_faces
from pipeline.files import digest_file
from pipeline.labels.clips import Clip
from pipeline.media.probe import probe_media

PROJECT = Path(__file__).parents[1]
DATA = Path(os.environ.get("MOODLINE_DATA", PROJECT.parent / "shared" / "data"))
YUNET = DATA / "weights" / "yunet_n_dynamic.onnx"

FEW_SECONDS = 1.0
MANY_COPIES = 4
"""A slow detector sees so much of each clip, a fast one each clip so many times."""

TRAINED_SIZE = (320, 180)
"""Width and height of the frames that random weights are fitted to."""

TWO_HOURS = 7200
FPS = 25
SHOWN = 5
"""Frames of the generated video that show the same picture: those between are cheap to decode."""

LOOP_SECONDS = 2
"""It shows the same again and again."""

PAUSE_SECONDS = 0.25
"""Between two looks at the memory of the stage."""

Image = UInt8[np.ndarray, "height width 3"]
Find = Callable[[Image], Sequence[Sequence[float]]]
"""Boxes in a frame, the best first."""


@dataclass(frozen=True)
class Workload:
    """Clips, how the stage goes about them, and the file of each clip's frames, ready.

    They are so many `frames` for each of the `copies` of the clips.
    """

    clips: Sequence[Clip]
    copies: int
    params: FacesParams
    ready: Sequence[Path]
    frames: int


def list_clips(seconds: float | None) -> list[Clip]:
    """The real clips, their first `seconds` or all of them."""
    folder = DATA / "clips"
    if not folder.is_dir():
        raise SystemExit(f"no real clips in {folder}; set MOODLINE_DATA to the folder of `clips`")
    return [describe_clip(path, seconds) for path in sorted(folder.iterdir())]


def describe_clip(path: Path, seconds: float | None) -> Clip:
    """As `clean` would."""
    probe = probe_media(path, 0.0, seconds)
    return Clip(
        clip_id=path.stem,
        corpus="benchmark",
        path=str(path),
        start_seconds=0.0,
        end_seconds=seconds,
        fps=probe.fps,
        duration_seconds=probe.duration_seconds,
        audio_hz=probe.audio_hz,
        media_digest=digest_file(path),
    )


def make_workload(
    params: FacesParams, seconds: float | None, copies: int, folder: Path
) -> Workload:
    """Frames of each file ready in `folder`, and random weights for RetinaFace without any."""
    folder.mkdir()
    detector = DETECTORS.load(params.detector).Detector
    params = params.model_copy(update={"search_pixels": detector.search_pixels})
    clips = list_clips(seconds)
    ready = [save_frames(clip, params, folder) for clip in clips]
    if params.detector == "retinaface" and params.weights is None:
        weights = folder / "retinaface.pth"
        min_score = save_random_weights(weights, [np.load(path)[0] for path in ready])
        params = params.model_copy(update={"weights": str(weights), "min_score": min_score})
    frames = sum(len(np.load(path, mmap_mode="r")) for path in ready)
    copied = [copy_clip(clip, number) for number in range(copies) for clip in clips]
    return Workload(copied, copies, resolve_detector(params), ready * copies, frames)


def copy_clip(clip: Clip, number: int) -> Clip:
    """A clip that the stage does not know for the same."""
    digest = f"{clip.media_digest}-{number}"
    return replace(clip, clip_id=f"{clip.clip_id}-{number}", media_digest=digest)


def save_frames(clip: Clip, params: FacesParams, folder: Path) -> Path:
    """Frames of a clip at the size of the search, in the order of the stage."""
    path = folder / f"{clip.clip_id}.npy"
    shrunk = [shrink_image(frame.image, params.search_pixels) for frame in Reel(clip, params)]
    np.save(path, np.stack(shrunk))
    return path


def save_random_weights(path: Path, frames: Sequence[Image]) -> float:
    """Write a network whose maps keep their size; returns a score that half of `frames` have."""
    import torch

    from pipeline.faces.retinaface import make_network

    torch.manual_seed(0)
    network = make_network()
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0  # it takes over what it sees
    alike = np.stack([cv2.resize(frame, TRAINED_SIZE) for frame in frames])
    inputs = [torch.from_numpy(frame)[None].float() for frame in frames]
    with torch.no_grad():
        network.train()(torch.from_numpy(alike).float())
        network.eval()
        best = [max(float(level[..., 2:].max()) for level in network(p)[0::3]) for p in inputs]
    torch.save(network.state_dict(), path)
    return float(np.median(best))


def count_frames(clip: Clip, params: FacesParams) -> int:
    """Number of frames decoded."""
    return sum(1 for _ in Reel(clip, params))


def detect_frames(path: Path, params: FacesParams) -> int:
    """Number of faces found in the frames at `path`."""
    detector, frames = load_detector(params), np.load(path)
    starts = range(0, len(frames), params.batch)
    found = [detector.detect(list(frames[start : start + params.batch])) for start in starts]
    return sum(map(len, chain.from_iterable(found)))


def decode_all(workload: Workload) -> None:
    """Decode every clip, as the stage does, and drop the frames."""
    params = workload.params
    decode = partial(count_frames, params=params)
    check(run_clips(LOCAL, decode, workload.clips, workers=params.workers, limit_seconds=None))


def detect_all(workload: Workload) -> None:
    """Search the frames that are ready, where the stage does: in its workers, or one per GPU."""
    params = workload.params
    detect, devices = partial(detect_frames, params=params), list_devices(params, LOCAL)
    workers, gpus = len(devices) or params.workers, params.device == "cuda"
    done = run_clips(LOCAL, detect, workload.ready, workers=workers, limit_seconds=None, gpus=gpus)
    check(done)


def check(done: Iterable[tuple[object, int | MediaError]]) -> None:
    """Wait for all that is to be done; raises the first failure."""
    for _, outcome in done:
        if isinstance(outcome, MediaError):
            raise outcome


def load_find(params: FacesParams) -> Find:
    """The detector for one frame at a time, as its own library has it."""
    if params.detector == "retinaface":
        return load_package(params)
    detector = load_detector(params)
    return lambda image: detector.detect([image])[0].boxes.tolist()


def load_package(params: FacesParams) -> Find:
    """`RetinaFace.detect_faces` on the same network; it enlarges frames unless told not to."""
    import torch

    from pipeline.faces.retinaface import MIN_SCORE, make_network, place_weights

    os.environ["DEEPFACE_BACKEND_ENGINE"] = "pytorch"
    from retinaface import RetinaFace

    (path,) = place_weights(params.weights)
    network = make_network().eval()
    network.load_state_dict(torch.load(path, weights_only=True))
    network.to(params.device)

    def predict(pixels: torch.Tensor) -> list[torch.Tensor]:
        return [output.cpu() for output in network(pixels.to(params.device))]

    options = {
        "threshold": MIN_SCORE if params.min_score is None else params.min_score,
        "model": predict,
        "allow_upscaling": False,
    }

    def find(image: Image) -> list[Sequence[float]]:
        faces = RetinaFace.detect_faces(image[..., ::-1], **options)
        return [face["facial_area"] for face in faces.values()]

    return find


def loop(clips: Sequence[Clip], params: FacesParams, find: Find, out: Path) -> None:
    """The usual script."""
    for clip in clips:
        for frame in Reel(clip, params):
            small = shrink_image(frame.image, params.search_pixels)
            scale = frame.image.shape[0] / small.shape[0]
            for box in find(small)[:1]:
                left, top, right, bottom = (max(0, round(edge * scale)) for edge in box)
                face = frame.image[top:bottom, left:right]
                if face.size:
                    crop = cv2.resize(face, (params.pixels, params.pixels))
                    cv2.imwrite(str(out / f"{clip.clip_id}_{frame.index}.jpg"), crop[..., ::-1])


def make_sides(workload: Workload, folder: Path) -> list[Side]:
    """Decoding, detection, stage and loop; the loop, which starts nothing, over one copy."""
    clips, params, places = workload.clips, workload.params, count()
    find = load_find(params)

    def prepare_stage() -> Job:
        root = folder / f"stage-{next(places)}"
        return partial(pack_faces, clips, params, root / "data", root / "work")

    def prepare_loop() -> Job:
        out = folder / f"loop-{next(places)}"
        out.mkdir()
        return partial(loop, clips[: len(clips) // workload.copies], params, find, out)

    frames = workload.frames * workload.copies
    return [
        Side("decode", lambda: partial(decode_all, workload), frames),
        Side("detect", lambda: partial(detect_all, workload), frames),
        Side("stage", prepare_stage, frames),
        Side("loop", prepare_loop, workload.frames),
    ]


def measure_rates(workload: Workload, folder: Path, rounds: int) -> dict[str, float]:
    """Frames a second of each side, and the stage over others: medians of the rounds."""
    timings = time_rounds(make_sides(workload, folder), rounds, np.random.default_rng(0))
    print_table(timings, "frame")
    decode, detect, stage, usual = timings.seconds.T
    rates = {f"{name}_fps": 1 / seconds for name, seconds in timings.medians.items()}
    over_slower = float(np.median(np.maximum(decode, detect) / stage))
    over_loop = float(np.median(usual / stage))
    return {**rates, "stage_over_slower_part": over_slower, "stage_over_loop": over_loop}


def write_video(path: Path, seconds: int) -> Clip:
    """A face that goes round in front of a coarse pattern, the same every LOOP_SECONDS."""
    once = path.with_stem("once")
    encode_round(once)
    with av.open(once) as source, av.open(path, "w") as target:
        pictures = source.streams.video[0]
        copied = target.add_stream_from_template(pictures)
        for number in range(seconds // LOOP_SECONDS):
            source.seek(0)
            later = round(number * LOOP_SECONDS / pictures.time_base)
            for packet in source.demux(pictures):
                if packet.size:
                    packet.pts, packet.dts = packet.pts + later, packet.dts + later
                    packet.stream = copied
                    target.mux(packet)
    return describe_clip(path, None)


def encode_round(path: Path) -> None:
    """LOOP_SECONDS of 1280 x 720."""
    coarse = np.random.default_rng(0).integers(60, 120, (9, 16, 3), np.uint8)
    behind = cv2.resize(coarse, (1280, 720), interpolation=cv2.INTER_CUBIC)
    with av.open(path, "w") as target:
        stream = target.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for number in range(FPS * LOOP_SECONDS):
            angle = 2 * np.pi * (number // SHOWN * SHOWN) / (FPS * LOOP_SECONDS)
            left, top = round(384 + 300 * np.cos(angle)), round(104 + 90 * np.sin(angle))
            image = behind.copy()
            image[top : top + 512, left : left + 512] = astronaut()
            target.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        target.mux(stream.encode(None))


def measure_peak(clip: Clip, params: FacesParams, root: Path) -> dict[str, float]:
    """Gigabytes of the stage and of its workers when they take most together."""
    context = multiprocessing.get_context("spawn")
    out, work = root / clip.clip_id / "data", root / clip.clip_id / "work"
    process = context.Process(target=pack_faces, args=([clip], params, out, work))
    process.start()
    peak = {"stage": 0.0, "workers": 0.0}
    while process.is_alive():
        assert process.pid is not None
        own, *others = [read_share(pid) for pid in list_tree(process.pid)]
        if own + sum(others) > sum(peak.values()):
            peak = {"stage": own, "workers": sum(others)}
        process.join(PAUSE_SECONDS)
    if process.exitcode:
        raise SystemExit(f"the stage ended with exit code {process.exitcode}")
    return peak


def list_tree(pid: int) -> list[int]:
    """A process, then all that it started and that these did."""
    told = (read_text(path) for path in Path(f"/proc/{pid}/task").glob("*/children"))
    children = [int(child) for child in " ".join(told).split()]
    return [pid, *chain.from_iterable(map(list_tree, children))]


def read_share(pid: int) -> float:
    """Gigabytes of a process, those that it shares divided by how many do."""
    told = re.findall(r"^Pss:\s+(\d+) kB", read_text(Path(f"/proc/{pid}/smaps_rollup")), re.M)
    return sum(map(int, told)) * 1024 / 1e9


def read_text(path: Path) -> str:
    """What the system tells of a process, nothing of one that has gone."""
    with suppress(OSError):
        return path.read_text()
    return ""


def measure_memory(folder: Path) -> dict[str, float]:
    """Gigabytes that the stage takes at most for two hours beyond two seconds."""
    params = FacesParams(detector="cascade")
    if YUNET.exists():
        params = FacesParams(detector="yunet", weights=str(YUNET))
    peaks = {}
    for name, seconds in (("two_seconds", LOOP_SECONDS), ("two_hours", TWO_HOURS)):
        clip = write_video(folder / f"{name}.mp4", seconds)
        peaks[name] = measure_peak(clip, params, folder)
        print(name, {process: f"{peak:.3g} GB" for process, peak in peaks[name].items()})
    totals = {name: sum(peak.values()) for name, peak in peaks.items()}
    return {
        "peak_gb_over_model": totals["two_hours"] - totals["two_seconds"],
        "two_seconds_gb": totals["two_seconds"],
    }


def list_params(detector: str, weights: str | None, **options: Any) -> list[FacesParams]:
    """Of the detector asked for, and of YuNet beside it where its weights are here."""
    if detector == "yunet" and weights is None:
        weights = str(YUNET)
    asked = FacesParams(detector=detector, weights=weights, allowed_share=1.0, **options)
    if detector == "yunet" or not YUNET.exists():
        return [asked]
    beside = {"detector": "yunet", "weights": str(YUNET), "device": "cpu", "precision": "fp32"}
    return [asked, asked.model_copy(update=beside)]


def is_slow(params: FacesParams) -> bool:
    """Whether a large network runs on a processor."""
    return params.device == "cpu" and DETECTORS.load(params.detector).Detector.batched


def main(
    *,
    detector: Annotated[str, typer.Option(help="As in params.yaml.")] = "retinaface",
    weights: Annotated[str | None, typer.Option(help="Of that detector.")] = None,
    rate_hz: Annotated[float, typer.Option(help="Frames per second of a clip.")] = 5.0,
    seconds: Annotated[float | None, typer.Option(help="Of each clip that are seen.")] = None,
    copies: Annotated[int | None, typer.Option(help="Times that each is seen.", min=1)] = None,
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 2,
    batch: Annotated[int, typer.Option(help="Frames searched at once.", min=1)] = 16,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    precision: Annotated[str, typer.Option(help="fp32, fp16 or bf16.")] = "fp32",
    rounds: Annotated[int, typer.Option(help="Rounds, each of all sides.", min=1)] = 3,
    skip_memory: Annotated[bool, typer.Option("--skip-memory", help="Rates alone.")] = False,
) -> None:
    """Print the rate of the stage over its parts and over the usual loop, and its memory."""
    options: dict[str, Any] = {"rate_hz": rate_hz, "workers": workers, "batch": batch}
    options |= {"device": device, "precision": precision}
    figures: dict[str, float] = {}
    with TemporaryDirectory(prefix="moodline-") as scratch:
        for params in list_params(detector, weights, **options):
            folder = Path(scratch, params.detector)
            shown, times = (FEW_SECONDS, 1) if is_slow(params) else (None, MANY_COPIES)
            workload = make_workload(params, seconds or shown, copies or times, folder)
            print(f"{params.detector}: {workload.frames} frames, {workload.copies} times")
            rates = measure_rates(workload, folder, rounds)
            prefix = "" if params.detector == detector else f"{params.detector}_"
            figures |= {f"{prefix}{key}": rate for key, rate in rates.items()}
        if not skip_memory:
            figures |= measure_memory(Path(scratch))
    print(json.dumps({key: float(f"{value:.3g}") for key, value in figures.items()}))


if __name__ == "__main__":
    typer.run(main)
