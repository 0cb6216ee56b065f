"""torchaudio's bundles of speech: HuBERT, wav2vec 2.0, WavLM, with torchaudio's own weights."""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any, ClassVar

import numpy as np
import torch
import torchaudio
from jaxtyping import Float
from torch import Tensor

from pipeline.encoders.params import TorchaudioBundleParams
from pipeline.encoders.shared.speech import Network, SpeechEncoder, trace_front
from pipeline.errors import ParamsError
from pipeline.families import suggest
from pipeline.files import digest_file
from pipeline.networks.devices import move
from pipeline.networks.padding import FrontNorm
from pipeline.networks.pretrained import DTYPES, check_names, check_records

SITE = "https://download.pytorch.org/torchaudio/models/"
LICENCES = {
    "under MIT License": "mit",
    "under CC BY-NC 4.0": "cc-by-nc-4.0",
    "under [`CC-BY-NC 4.0 License": "cc-by-nc-4.0",
}
"""Words of torchaudio about a bundle → the licence, in the Hub's."""

MAKERS = {"Wav2Vec2": torchaudio.models.wav2vec2_model, "WavLM": torchaudio.models.wavlm_model}


class Bundled(Network):
    """The network of a bundle without its head for letters; a row every 20 ms.

    Sound is normalised, where the bundle says so, by the level of its whole clip.
    """

    def __init__(self, bundle: Any, weights: Path, dtype: torch.dtype, device: str) -> None:
        self.model = load_model(bundle, weights).to(device, dtype)
        self.device, self.dtype = torch.device(device), dtype
        _, kernels, strides = zip(*bundle._params["extractor_conv_layer_config"], strict=True)
        self.grid = trace_front(kernels, strides)
        self.dim = bundle._params["encoder_embed_dim"]
        self.blocks = self.model.encoder.transformer.layers
        self.pads = bundle._model_type != "WavLM"  # which takes no mask here
        self.epsilon = 1e-5 if bundle._normalize_waveform else None
        self.norm = FrontNorm(self.model.feature_extractor.conv_layers[0])

    def run(
        self, sounds: Float[np.ndarray, "batch longest"], lengths: list[int]
    ) -> Float[Tensor, "batch _ dim"]:
        """Output of the last block; what pads a sound is masked."""
        self.norm.expect(lengths)
        samples = move(sounds, self.device, self.dtype)
        padded = min(lengths) < max(lengths)
        ends = torch.tensor(lengths, device=self.device) if padded else None
        states: Tensor = self.model(samples, ends)[0]
        return states


class Encoder(SpeechEncoder):
    """Hidden states of a bundle's network."""

    version: ClassVar[int] = 1

    def __init__(self, params: TorchaudioBundleParams, device: str = "cpu") -> None:
        self.weights = place_weights(params)
        bundle, dtype = find_bundle(params.bundle), DTYPES[params.precision]
        network = Bundled(bundle, self.weights, dtype, device)
        super().__init__(params, device, network)

    @property
    def provenance(self) -> dict[str, Any]:
        """Digest of the weights; constants that shape the rows."""
        return {"weights_digest": digest_file(self.weights), **super().provenance}


def place_weights(params: TorchaudioBundleParams) -> Path:
    """File of the weights; raises ParamsError that says how to get it."""
    return find_weights(params, find_bundle(params.bundle))


def find_licence(params: TorchaudioBundleParams) -> str | None:
    """Licence that torchaudio says it passes the weights on under; None of a file of one's own."""
    said = "" if params.weights else str(find_bundle(params.bundle).__doc__)
    return next((name for words, name in LICENCES.items() if words in said), None)


def find_bundle(name: str) -> Any:
    """Bundle of torchaudio by its name; raises ParamsError that lists the known ones."""
    kind = torchaudio.pipelines.Wav2Vec2Bundle
    known = {
        key: some for key, some in vars(torchaudio.pipelines).items() if isinstance(some, kind)
    }
    if name not in known:
        raise ParamsError(f"unknown bundle {name!r}; {suggest(name, known)}")
    return known[name]


def find_weights(params: TorchaudioBundleParams, bundle: Any) -> Path:
    """File of a bundle's weights; raises ParamsError that says how to get it."""
    address = bundle._path if bundle._path.startswith("https") else SITE + bundle._path
    cached = Path(torch.hub.get_dir(), "checkpoints", Path(bundle._path).name)
    path = cached if params.weights is None else Path(params.weights)
    if not path.is_file():
        raise ParamsError(
            f"weights {params.weights or params.bundle!r}: expected the file {path}, found none; "
            f"download {address} to there, or give as weights where it lies"
        )
    return path


def load_model(bundle: Any, weights: Path) -> Any:
    """The frozen network with exactly these weights; raises ParamsError for any other."""
    with torch.device("meta"):
        model = MAKERS[bundle._model_type](**{**bundle._params, "aux_num_out": None})
    check_records(weights)
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        own = {name: value for name, value in state.items() if not name.startswith("aux.")}
        report = model.load_state_dict(own, strict=False, assign=True)
    except (OSError, RuntimeError, UnpicklingError, EOFError, AttributeError) as error:
        raise ParamsError(
            f"weights {weights}: expected a state dict of {type(model).__name__}, got "
            f"{str(error).splitlines()[-1].strip()!r}; choose the file of this bundle"
        ) from error
    check_names(weights, type(model).__name__, report.missing_keys, report.unexpected_keys)
    return model.eval().requires_grad_(False)
