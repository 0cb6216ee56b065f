"""Any Hugging Face network of sound: HuBERT, wav2vec 2.0, WavLM, Whisper's encoder, AST."""

import warnings
from typing import Any, ClassVar

import numpy as np
import transformers
from jaxtyping import Float
from torch import Tensor

from pipeline.encoders.params import HuggingfaceSpeechParams
from pipeline.encoders.shared.speech import Grid, Network, SpeechEncoder, trace_front
from pipeline.errors import ParamsError
from pipeline.families import suggest
from pipeline.media import AUDIO_HZ
from pipeline.networks.devices import move
from pipeline.networks.padding import FrontNorm, mask_padding
from pipeline.networks.pretrained import Pretrained, check_fit, load_frozen, load_pretrained

FRAME, HOP = 400, 160
"""Samples of a frame of AST's spectrogram, and from one to the next."""

Sounds = Float[np.ndarray, "batch longest"]
States = Float[Tensor, "batch _ dim"]


class Front(Network):
    """A transformer behind a convolutional front end: with published weights, a row each 20 ms.

    Sound is normalised, where the preprocessor says so, by the level of its whole clip.
    """

    def __init__(self, pretrained: Pretrained, extractor: Any, device: str) -> None:
        # The mask token is for training alone, and not every checkpoint has it.
        model = load_frozen(transformers.AutoModel, pretrained, spare=["masked_spec_embed"])
        self.model = model.to(device)
        self.model.adapter = None  # it would halve the rate, for a decoder of text
        self.grid = trace_front(model.config.conv_kernel, model.config.conv_stride)
        self.dim = model.config.hidden_size
        self.blocks = model.encoder.layers
        # What pads a sound is zero, as its position's convolution expects, up to this norm alone.
        self.pads = not getattr(model.config, "conv_pos_batch_norm", False)
        self.epsilon = 1e-7 if extractor.do_normalize else None
        self.norm = FrontNorm(model.feature_extractor.conv_layers[0])

    def run(self, sounds: Sounds, lengths: list[int]) -> States:
        """Output of the last block; what pads a sound is masked."""
        self.norm.expect(lengths)
        samples = move(sounds, self.model.device, self.model.dtype)
        mask = mask_padding(lengths, self.model.device)
        with warnings.catch_warnings():
            # WavLM's masks are of two types, which torch allows as yet.
            warnings.filterwarnings("ignore", "Support for mismatched key_padding_mask")
            states: Tensor = self.model(samples, attention_mask=mask).last_hidden_state
        return states


class Whisper(Network):
    """Whisper's encoder, which always hears 30 s: rows of the silence behind a sound are cut.

    A row stands every 20 ms, the first one at the beginning.
    """

    def __init__(self, pretrained: Pretrained, extractor: Any, device: str) -> None:
        model = load_frozen(transformers.AutoModel, pretrained, spare=["decoder."]).get_encoder()
        config = model.config
        check_fit(pretrained, "feature_size", extractor.feature_size, config.num_mel_bins)
        check_fit(pretrained, "frames", extractor.nb_max_frames, 2 * config.max_source_positions)
        self.model = model.to(device)
        self.extractor = extractor
        self.window = extractor.n_samples
        self.grid = Grid(stride=2 * extractor.hop_length, field=1)
        self.dim = config.d_model
        self.blocks = model.layers
        names = ("feature_size", "hop_length", "n_fft", "n_samples", "dither")
        self.constants = {name: getattr(extractor, name) for name in names}

    def run(self, sounds: Sounds, lengths: list[int]) -> States:
        """Output of the encoder for log-mel frames of whole windows."""
        device = self.model.device
        made = self.extractor(
            list(sounds), sampling_rate=AUDIO_HZ, return_tensors="pt", device=device.type
        )
        features = made.input_features.to(device, self.model.dtype)
        states: Tensor = self.model(features).last_hidden_state
        return states


class Spectrogram(Network):
    """The audio spectrogram transformer, which always hears 10.24 s: a row every 100 ms.

    A row is the mean over the patches of all frequencies at its time; the class token and the
    distillation token are left out.
    """

    def __init__(self, pretrained: Pretrained, extractor: Any, device: str) -> None:
        self.model = load_frozen(transformers.AutoModel, pretrained).to(device)
        config = self.model.config
        check_fit(pretrained, "num_mel_bins", extractor.num_mel_bins, config.num_mel_bins)
        check_fit(pretrained, "max_length", extractor.max_length, config.max_length)
        self.extractor = extractor
        self.window = (config.max_length - 1) * HOP + FRAME
        self.grid = Grid(config.time_stride * HOP, (config.patch_size - 1) * HOP + FRAME)
        self.bands = (config.num_mel_bins - config.patch_size) // config.frequency_stride + 1
        self.dim = config.hidden_size
        self.blocks = self.model.layers
        names = ("num_mel_bins", "max_length", "do_normalize", "mean", "std")
        self.constants = {name: getattr(extractor, name) for name in names}

    def run(self, sounds: Sounds, lengths: list[int]) -> States:
        """Output of the transformer for log-mel frames, each with the padding it was trained on."""
        own = [samples[:length] for samples, length in zip(sounds, lengths, strict=True)]
        made = self.extractor(own, sampling_rate=AUDIO_HZ, return_tensors="pt")
        features = made.input_values.to(self.model.device, self.model.dtype)
        states: Tensor = self.model(features).last_hidden_state
        return states

    def arrange(self, states: States) -> Float[Tensor, "batch time dim"]:
        """Mean over frequencies, without the two tokens in front."""
        batch, _, dim = states.shape
        return states[:, 2:].reshape(batch, self.bands, -1, dim).mean(1)


NETWORKS: dict[str, type[Front] | type[Whisper] | type[Spectrogram]] = {
    "hubert": Front,
    "wav2vec2": Front,
    "wavlm": Front,
    "whisper": Whisper,
    "audio-spectrogram-transformer": Spectrogram,
}
"""By `model_type` of the configuration."""


class Encoder(SpeechEncoder):
    """Hidden states of a Hugging Face network of sound."""

    version: ClassVar[int] = 1

    def __init__(self, params: HuggingfaceSpeechParams, device: str = "cpu") -> None:
        self.pretrained = Pretrained(params)
        super().__init__(params, device, load_network(self.pretrained, device))

    @property
    def provenance(self) -> dict[str, Any]:
        """Digest of weights, configuration and preprocessor; constants that shape the rows."""
        return {**self.pretrained.provenance, **super().provenance}


def load_network(pretrained: Pretrained, device: str) -> Network:
    """The network of a folder; raises ParamsError where it is not one of sound at AUDIO_HZ."""
    kind = load_pretrained(transformers.AutoConfig, pretrained.folder).model_type
    if kind not in NETWORKS:
        raise ParamsError(
            f"weights {pretrained.folder}: unknown network of sound {kind!r}; "
            f"{suggest(kind, NETWORKS)}"
        )
    extractor = load_pretrained(transformers.AutoFeatureExtractor, pretrained.folder)
    check_fit(pretrained, "sampling_rate", extractor.sampling_rate, AUDIO_HZ)
    return NETWORKS[kind](pretrained, extractor, device)
