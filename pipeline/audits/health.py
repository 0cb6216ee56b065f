"""Health: what this machine has of all that a project needs, and what is amiss."""

import os
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import av
import psutil
import torch
from dvc.config import Config
from dvc.exceptions import DvcException

from pipeline.audits.weights import locate_weights, name_all
from pipeline.params import Params

PACKAGES = ("moodline", "torch", "torchvision", "transformers", "av", "dvc", "numpy")

CODECS = ("h264", "hevc", "vp9", "av1", "mpeg4", "aac", "mp3", "opus", "flac", "pcm_s16le")
"""Of most films and sounds that people have."""

LEAST_BYTES = 5_000_000_000
"""Free of a disk that features are to be written to."""


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and what to do, if anything is `amiss`."""

    what: str
    found: str
    amiss: str = ""


def examine(project: Path, params: Params | None) -> Iterator[Finding]:
    """Findings on this machine, then on the project, whose `params` are None where it has none."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    yield Finding("versions", f"Python {platform.python_version()}, {packages}")
    memory = psutil.virtual_memory()
    yield Finding("processor", f"{os.cpu_count()} cores, {_tell_bytes(memory.available)} free")
    yield Finding("GPU", _tell_devices(), _blame_devices(params))
    missing = [name for name in CODECS if name not in av.codecs_available]
    told = f"FFmpeg {av.ffmpeg_version_info}"
    yield Finding(
        "decoders", told, f"lacks {', '.join(missing)}; reinstall PyAV" if missing else ""
    )
    free = shutil.disk_usage(project).free
    amiss = "little; make room, or move DVC's cache" if free < LEAST_BYTES else ""
    yield Finding("disk", f"{_tell_bytes(free)} free", amiss)
    yield _examine_remote(project)
    for place, named in name_all(params).items() if params else ():
        found = locate_weights(named)
        yield Finding(
            f"weights of {place}",
            f"{named.weights}: {'not here' if found is None else found.path}",
            "`moodline weights` fetches them, or says how" if found is None else "",
        )


def _tell_bytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB"


def _list_devices() -> Sequence[str]:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return [torch.cuda.get_device_name(number) for number in range(count)]


def _tell_devices() -> str:
    return ", ".join(_list_devices()) or "none that PyTorch can use"


def _blame_devices(params: Params | None) -> str:
    """What to do where params.yaml asks for a GPU, and none is here."""
    if params is None or _list_devices():
        return ""
    asked: Mapping[str, object] = {
        "faces": params.faces.device,
        "transcribe": params.transcribe.device,
        **{f"features.{name}": set_.device for name, set_ in params.features.items()},
    }
    wanting = [place for place, device in asked.items() if device == "cuda"]
    return f"{', '.join(wanting)} ask for cuda; set cpu, or install a driver" if wanting else ""


def _examine_remote(project: Path) -> Finding:
    """What DVC shares by."""
    if not (project / ".dvc").is_dir():
        return Finding("DVC", "no project here", "run this in a clone of moodline")
    try:
        remotes = Config(str(project / ".dvc"))["remote"]
    except DvcException as error:
        return Finding("DVC", "its config cannot be read", f"{error}; mend .dvc/config")
    told = ", ".join(f"{name}: {settings.get('url')}" for name, settings in remotes.items())
    return Finding("DVC", f"remotes {told}" if told else "no remote, so nothing is shared yet")
