"""Frozen weights: a folder, a package or the Hub; named by their bytes, loaded whole."""

import json
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol, runtime_checkable
from zipfile import ZIP_STORED, ZipFile

import torch
import transformers
from huggingface_hub import snapshot_download
from pydantic import TypeAdapter, ValidationError
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from typing_extensions import TypedDict

from pipeline.errors import ParamsError
from pipeline.files import digest_file, digest_json, open_regular
from pipeline.limits import (
    LOADED_TIMES,
    MOST_BINS,
    MOST_CHUNK,
    MOST_EDGE,
    MOST_LABELS,
    MOST_LAYERS,
    MOST_NUMBERS,
    MOST_SPECTRUM,
    PREPARED_PIXELS,
    PREPARING_BYTES,
)
from pipeline.networks.preparing import limit_memory
from pipeline.networks.rehearsing import TOKENIZER, try_loading

CONFIGURATIONS = (
    *("config.json", "processor_config.json"),
    *("preprocessor_config.json", "video_preprocessor_config.json"),
)
"""Files whose counts become parts of a network, or tables of a preprocessor, as they are read."""

SETTINGS = [
    *CONFIGURATIONS,
    "chat_template*",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab*",
    "merges.txt",
    "*.model",
]
"""Files that a configuration, a preprocessor and a tokenizer lie in."""

TOKENIZED = ("AutoTokenizer", "WhisperTokenizer", "AutoProcessor")
"""What of transformers loads one."""

GENERATION = "generation_config.json"
"""File of how a network writes, which no encoder goes by."""

WEIGHTS = ["model*.safetensors*", "pytorch_model*.bin*"]
"""Files that weights lie in; of the second kind where those of the first are no whole network."""

ADAPTER = "adapter_config.json"
"""File that leads to other weights, which no digest covers."""

WHOLE = "model.safetensors"
"""File that is read before any other."""

COUNTS = {
    r"layers|(layer|depths?|blocks|stages|repeats|experts)$": MOST_LAYERS,
    r"^chunk_length$": MOST_CHUNK,
    r"^num_(labels|classes)$": MOST_LABELS,
    r"^(n_fft|fft_length|feature_size|num_mel_bins)$": MOST_BINS,
}
"""Names of options, as a pattern, and how much the number there, or each of a list, may be."""

PICTURED = ("image_processor", "video_processor")
"""Parts of a processor that prepare pictures."""

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


END, LOCATED, LONG_END = 22, 20, 56
"""Bytes of the end of an archive, of what leads to the one with long numbers, and of that."""


@runtime_checkable
class Weighed(Protocol):
    """Whatever says which weights, and at what precision they run."""

    @property
    def weights(self) -> str:
        """As `find_folder` takes them."""

    @property
    def revision(self) -> str | None:
        """Commit of a Hub id."""

    @property
    def precision(self) -> Literal["fp32", "fp16", "bf16"]:
        """Of the weights and of what goes in."""


class Pretrained:
    """Folder of the weights that `params` name, and what of it goes into provenance."""

    def __init__(self, params: Weighed) -> None:
        self.folder = find_folder(params.weights, params.revision)
        self.dtype = DTYPES[params.precision]
        self.compile = bool(getattr(params, "compile", False))
        revision = {"revision": params.revision} if params.revision else {}
        self.provenance = {"weights_digest": digest_folder(self.folder), **revision}

    def freeze(self, model: Any) -> Any:
        """`model` in evaluation mode, without gradients, and compiled if asked for."""
        if self.compile:
            model.compile()
        return model.eval().requires_grad_(False)


def find_folder(weights: str, revision: str | None) -> Path:
    """Folder of the weights: local, inside an installed package, or fetched from the Hub."""
    spec = find_spec(weights) if weights.isidentifier() else None
    packaged = [Path(place, "model") for place in (spec and spec.submodule_search_locations) or ()]
    for folder in (Path(weights), *packaged):
        if folder.is_dir():
            return folder
    if revision is None:
        raise ParamsError(
            f"weights {weights!r}: expected a folder, an installed package with a folder `model`, "
            f"or a Hub id with its commit, found none; mend the name or add "
            f"`revision: <the commit's 40 digits>`"
        )
    return fetch_folder(weights, revision)


def fetch_folder(repository: str, revision: str) -> Path:
    """Folder of a Hub repository at a commit; pickled weights are the second choice."""
    try:
        for kind in WEIGHTS:
            patterns = [*SETTINGS, GENERATION, kind]
            found = snapshot_download(repository, revision=revision, allow_patterns=patterns)
            if any(Path(found).glob(kind)):
                break
    except (OSError, ValueError) as error:
        raise ParamsError(
            f"weights {repository!r}: expected commit {revision} from the Hub or its cache, got "
            f"{first_line(error)!r}; check the name and the network, or download the repository "
            f"elsewhere and give its folder as weights"
        ) from error
    return Path(found)


def digest_folder(folder: Path) -> str:
    """Digest of the names and bytes of what is read from `folder`, wherever it lies.

    Raises ParamsError where its weights are said to lie elsewhere or are packed, and where anything
    in it is neither a file nor a folder.
    """
    if strange := [path for path in folder.iterdir() if _is_strange(path)]:
        raise ParamsError(
            f"weights {strange[0]}: expected a file or a folder, got a pipe or a device; remove it"
        )
    kinds = WEIGHTS[:1] if (folder / WHOLE).is_file() else WEIGHTS
    settings = [path for pattern in SETTINGS for path in folder.glob(pattern)]
    weights = [path for kind in kinds for path in sorted(folder.glob(kind))]
    read = [*settings, *weights, *list_shards(weights)]
    for path in read:
        if path.suffix == ".bin" and path.is_file():
            check_records(path)
    return digest_json({path.name: digest_file(path) for path in read if path.is_file()})


@contextmanager
def limit_loading(size: int) -> Iterator[None]:
    """Within this, weights from files of `size` bytes, and their network, take no more than any do.

    A pickle of tensors alone may yet say, in a line, that it has gigabytes of zeros, and a
    configuration ask for tables that grow with the fourth power of a window and are no weights.
    """
    with limit_memory(PREPARING_BYTES + LOADED_TIMES * size):
        yield


def check_records(path: Path) -> None:
    """Raise ParamsError for a file of PyTorch's whose records do not lie there as they are.

    Packed ones unpack to a thousand times the file, and so do those that lie in the same bytes.
    What stands in front of the records would let PyTorch find others, for it counts places from
    the file's beginning.
    """
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return  # written before PyTorch 1.6, or something else
        whole = _is_found_alike(file)
    try:
        with ZipFile(path) as archive:
            entries = archive.infolist()
    except Exception as error:  # a damaged archive raises almost anything
        raise ParamsError(
            f"weights {path}: expected a file of PyTorch, got a damaged one ({first_line(error)}); "
            f"fetch it again"
        ) from error
    packed = any(entry.compress_type != ZIP_STORED for entry in entries)
    packed |= sum(entry.file_size for entry in entries) > path.stat().st_size
    if not whole or packed or min((entry.header_offset for entry in entries), default=0):
        raise ParamsError(
            f"weights {path}: expected records as they are, got packed ones; fetch it again"
        )


def _is_found_alike(file: BinaryIO) -> bool:
    """Whether all who read an archive find the same list of its records.

    Where it is told stands at the end, behind what a locator leads to: Python takes that to lie
    right before the locator, and PyTorch to lie where it says (PKWARE's APPNOTE, 4.3.14 to 4.3.16).
    """
    end = file.seek(0, os.SEEK_END) - END
    file.seek(max(end - LOCATED, 0))
    told = file.read()
    located = told.startswith(b"PK\x06\x07")
    place = int.from_bytes(told[8:16], "little") if located else end - LOCATED - LONG_END
    return told[LOCATED:].startswith(b"PK\x05\x06") and place == end - LOCATED - LONG_END


def _is_strange(path: Path) -> bool:
    """Whether `path` is what would be waited for; a link to nothing is not."""
    return path.exists() and not (path.is_file() or path.is_dir())


def list_shards(files: Sequence[Path]) -> Iterator[Path]:
    """Files that those of `files` name which say where weights lie.

    Raises ParamsError for one in another folder.
    """
    for path in (file for file in files if file.name.endswith(".index.json")):
        try:
            names = set(_SHARDS.validate_json(path.read_bytes())["weight_map"].values())
        except (OSError, ValidationError) as error:
            raise ParamsError(
                f"weights {path}: expected a map of weights to files, got another "
                f"({first_line(error)}); fetch it again"
            ) from error
        for name in sorted(names):
            if name in ("", ".", "..") or Path(name).name != name:
                raise ParamsError(
                    f"weights {path}: expected names of files in this folder, got {name!r}; fetch "
                    f"it again, or choose others"
                )
            yield path.with_name(name)


class _Shards(TypedDict):
    """What says in which file each weight lies."""

    weight_map: dict[str, str]


_SHARDS = TypeAdapter(_Shards)


def load_pretrained(kind: Any, folder: Path, **options: Any) -> Any:
    """What transformers' `kind` (an `Auto…` class) makes of `folder`, without the network.

    Raises ParamsError where the folder does not hold it.
    """
    check_counts(folder)
    _check_place(folder)
    try:
        if kind.__name__ in TOKENIZED and (folder / TOKENIZER).is_file():
            try_loading(folder)
        with silence(), limit_numbers(folder):
            made = kind.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, **options
            )
            for part in (made, *(getattr(made, name, None) for name in PICTURED)):
                _check_edges(part)
            _check_spectrum(getattr(made, "feature_extractor", made))
            return made
    except Exception as error:  # a damaged configuration raises almost anything
        raise ParamsError(
            f"weights {folder}: expected what {kind.__name__} can load, got "
            f"{first_line(error)!r}; mend the folder or choose others"
        ) from error


def _check_edges(processor: Any) -> None:
    """Raise ValueError for a preprocessor that makes pictures of gigabytes.

    Those of Qwen's kind, which merge patches, count pixels where others have sides, and of those
    the most are no matter.
    """
    counts = hasattr(type(processor), "merge_size")
    for name in ("size", "crop_size", "pad_size", "max_image_size"):
        found = getattr(processor, name, None)
        sides = found if isinstance(found, Mapping) else getattr(found, "__dict__", {})
        for side, value in sides.items():
            most = PREPARED_PIXELS if counts else MOST_EDGE
            if counts and side in ("longest_edge", "max_pixels"):
                continue
            if isinstance(value, int | float) and value > most:
                raise ValueError(f"{name}: {side}: expected at most {most:,} pixels, got {value:,}")


def _check_spectrum(extractor: Any) -> None:
    """Raise ValueError for a preprocessor whose spectra of a window of sound take gigabytes."""
    names = ("n_samples", "n_fft", "hop_length")
    samples, width, hop = (getattr(extractor, name, None) for name in names)
    if isinstance(samples, int) and isinstance(width, int) and isinstance(hop, int) and hop > 0:
        numbers = samples // hop * width
        if numbers > MOST_SPECTRUM:
            raise ValueError(
                f"hop_length: expected a window of at most {MOST_SPECTRUM:,} numbers before bands "
                f"are made of them, got {numbers:,}"
            )


@contextmanager
def limit_numbers(folder: Path) -> Iterator[None]:
    """Within this, a network that is much larger than the files in `folder` raises an error.

    A configuration of a line may ask for any width and depth, and what no weights are there for is
    filled with random numbers.
    """
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    numbers = 0

    def count(_: nn.Module, __: str, made: nn.Parameter) -> None:
        nonlocal numbers
        numbers += made.numel()
        if numbers > MOST_NUMBERS * size:
            raise ValueError(f"a network of more numbers than weights of {size:,} bytes can have")

    hook = register_module_parameter_registration_hook(count)
    try:
        with limit_loading(size):
            yield
    finally:
        hook.remove()


def check_options(path: Path, check: Callable[[str, Any], None]) -> None:
    """Have `check` look at each option in the JSON at `path`, and at those within.

    What cannot be read is told when it is loaded.
    """

    def look(options: list[tuple[str, Any]]) -> dict[str, Any]:
        for name, value in options:
            check(name, value)
        return dict(options)

    with suppress(OSError, ValueError, RecursionError), open_regular(path) as file:
        json.loads(file.read(), object_pairs_hook=look)


def check_counts(folder: Path) -> None:
    """Raise ParamsError for more of a kind in a configuration of `folder` than any network has.

    Libraries list them, or make room for them, before they look at the weights.
    """
    for file in CONFIGURATIONS:

        def check(name: str, value: Any, file: str = file) -> None:
            most = next((m for pattern, m in COUNTS.items() if re.search(pattern, name)), None)
            counts = value if isinstance(value, list) else [value]
            if most and (large := [n for n in counts if isinstance(n, int | float) and n > most]):
                raise ParamsError(
                    f"weights {folder}: {file}: {name}: expected at most {most:,}, got "
                    f"{large[0]}; choose others"
                )

        check_options(folder / file, check)


def _check_place(folder: Path) -> None:
    """Raise ParamsError where a configuration names its weights' file, which no digest covers.

    And where it names code of the Hub, which transformers runs where the package `kernels` is, or
    an adapter, in whose place it loads what that names where the package `peft` is.
    """
    if (folder / ADAPTER).exists():
        raise ParamsError(
            f"weights {folder}: expected whole weights, got an adapter of others, {ADAPTER}; merge "
            f"them, or remove the file"
        )

    def check(name: str, value: Any) -> None:
        if name.endswith("attn_implementation") and "/" in str(value):
            raise ParamsError(
                f"weights {folder}: config.json: {name}: expected attention of transformers' own, "
                f"got {value!r}; take the option out"
            )
        if name == "transformers_weights" and value is not None:
            raise ParamsError(
                f"weights {folder}: config.json: {name}: expected weights in {WHOLE}, got "
                f"{value!r}; rename the file and take the option out"
            )

    check_options(folder / "config.json", check)


def load_frozen(kind: Any, pretrained: Pretrained, spare: Collection[str] = ()) -> Any:
    """Model of transformers' `kind` in evaluation mode; raises ParamsError for absent weights.

    `spare` are prefixes of weights that are never used, so that a checkpoint may lack them.
    """
    model, report = load_pretrained(
        kind, pretrained.folder, dtype=pretrained.dtype, output_loading_info=True
    )
    missing = [key for key in report["missing_keys"] if not key.startswith(tuple(spare))]
    check_names(pretrained.folder, type(model).__name__, missing)
    return pretrained.freeze(model)


@dataclass(frozen=True)
class Loaded:
    """A network out of a larger checkpoint, and the names of what does not fit it.

    `missing` are weights that it has and the checkpoint has not, `unfit` those of another shape,
    `unexpected` those that the checkpoint has for one of its parts, and it has not.
    """

    model: Any
    missing: list[str]
    unfit: list[str]
    unexpected: list[str]


def load_loosely(pretrained: Pretrained, config: Any) -> Loaded:
    """Network of `config` with its weights; other parts of the checkpoint are left out."""
    model, report = load_pretrained(
        transformers.AutoModel,
        pretrained.folder,
        config=config,
        dtype=pretrained.dtype,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # told by name
    )
    parts = {name.split(".")[0] for name in model.state_dict()}
    bare = (name.removeprefix(f"{model.base_model_prefix}.") for name in report["unexpected_keys"])
    return Loaded(
        model,
        list(report["missing_keys"]),
        [name for name, *_ in report["mismatched_keys"]],
        [name for name in bare if name.split(".")[0] in parts],
    )


def check_fit(pretrained: Pretrained, name: str, got: int, expected: int) -> None:
    """Raise ParamsError where the preprocessor makes something else than the network takes."""
    if got != expected:
        raise ParamsError(
            f"weights {pretrained.folder}: expected {name} {expected} in "
            f"preprocessor_config.json, got {got}; choose weights whose files belong together"
        )


def check_names(
    weights: Path, network: str, missing: Sequence[str], unexpected: Sequence[str] = ()
) -> None:
    """Raise ParamsError that names weights which are missing from, or unknown to, a network."""
    wrong = {"no": sorted(missing), "an unknown": sorted(unexpected)}
    told = [f"{said} {names[0]} ({len(names)} in all)" for said, names in wrong.items() if names]
    if told:
        raise ParamsError(
            f"weights {weights}: expected exactly the weights of {network}, got "
            f"{' and '.join(told)}; choose a checkpoint of this network"
        )


@contextmanager
def silence() -> Iterator[None]:
    """Keep transformers from printing bars and load reports, which are checked here instead."""
    logging = transformers.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


CODE = re.compile("weights_only|custom code|trust_remote_code")
"""Words of libraries that advise to run what strangers have written."""


def first_line(error: Exception) -> str:
    """First line of an error's text, which may go on for a page; none is advice to run code.

    >>> first_line(ValueError("It has custom code: pass `trust_remote_code=True`"))
    'code of its own, which nothing here runs'
    """
    line = str(error).split("\n", 1)[0]
    return "code of its own, which nothing here runs" if CODE.search(line) else line
