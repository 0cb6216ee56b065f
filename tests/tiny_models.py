"""Tiny networks of real kinds, saved to folders as checkpoints are: made once, in milliseconds."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import timm
import torch
import torchaudio
import torchvision
import transformers
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2AudioConfig,
    Qwen2AudioEncoderConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    WhisperFeatureExtractor,
)

from pipeline.encoders import efficientface, mobilefacenet


def make_folder() -> Path:
    """New folder that is gone when the tests end."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


CHAT_TEMPLATE = """
{{- bos_token -}}
{%- for message in messages -%}
    {{ message.role }}: {% if message.content is string -%}
        {{ message.content }}
    {%- else -%}
        {%- for part in message.content -%}
            {{ part.text if part.type == 'text' else '<' + part.type + '>' }}
        {%- endfor -%}
    {%- endif -%}
    <end>
{%- endfor -%}
{%- if add_generation_prompt -%} assistant: {%- endif -%}
"""
WORDS = {
    "vocab_size": 263,
    "hidden_size": 12,
    "intermediate_size": 11,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 547,
    "initializer_range": 0.5,
}


def make_byte_tokenizer() -> PreTrainedTokenizerFast:
    """One token per byte, one in front of all, and marks for pictures and sound."""
    marks = ["<pad>", "<s>", "</s>", "<end>", "<image>", "<audio>"]
    vocabulary = {name: n for n, name in enumerate([*marks, *sorted(ByteLevel.alphabet())])}
    tokenizer = Tokenizer(BPE(vocabulary, []))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", vocabulary["<s>"])]
    )
    named = {"image_token": "<image>", "audio_token": "<audio>", "end_token": "<end>"}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        extra_special_tokens=named,
    )


@cache
def save_language_model() -> Path:
    """Folder of a Llama of three blocks that reads bytes, with a chat template."""
    folder = make_folder()
    torch.manual_seed(5)
    LlamaForCausalLM(LlamaConfig(**WORDS)).save_pretrained(folder)
    tokenizer = make_byte_tokenizer()
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    return folder


@cache
def save_picture_model() -> Path:
    """Folder of a LLaVA that reads pictures of 28 pixels as four tokens, and bytes."""
    folder, tokenizer = make_folder(), make_byte_tokenizer()
    vision = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=13,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
        initializer_range=0.5,
    )
    torch.manual_seed(5)
    config = LlavaConfig(
        vision_config=vision,
        text_config=LlamaConfig(**WORDS),
        image_token_id=tokenizer.image_token_id,
    )
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    pictures = CLIPImageProcessor(size={"shortest_edge": 28}, crop_size=28)
    LlavaProcessor(
        pictures,
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        chat_template=CHAT_TEMPLATE,
        num_additional_image_tokens=1,
    ).save_pretrained(folder)
    return folder


@cache
def save_sound_model() -> Path:
    """Folder of a Qwen2-Audio that hears in 16 bands, and reads bytes."""
    folder, tokenizer = make_folder(), make_byte_tokenizer()
    hearing = Qwen2AudioEncoderConfig(
        num_mel_bins=16, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=7, d_model=6
    )
    torch.manual_seed(5)
    config = Qwen2AudioConfig(
        audio_config=hearing,
        text_config=LlamaConfig(**WORDS),
        audio_token_id=tokenizer.audio_token_id,
    )
    Qwen2AudioForConditionalGeneration(config).save_pretrained(folder)
    ears = WhisperFeatureExtractor(feature_size=16)
    Qwen2AudioProcessor(ears, tokenizer, CHAT_TEMPLATE).save_pretrained(folder)
    return folder


SPEECH = {
    "conv_dim": (7,) * 7,
    "conv_kernel": (10, 3, 3, 3, 3, 2, 2),
    "conv_stride": (5, 2, 2, 2, 2, 2, 2),
    "hidden_size": 14,
    "intermediate_size": 11,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "num_conv_pos_embeddings": 5,
    "num_conv_pos_embedding_groups": 2,
    "initializer_range": 0.5,
}
NORMS = {
    "group": {"feat_extract_norm": "group"},
    "layer": {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True},
}


@cache
def save_speech_model(kind: str = "Hubert", norm: str = "group") -> Path:
    """Folder of a Hubert, Wav2Vec2 or WavLM of three blocks; with layer norms, normalised."""
    folder = make_folder()
    torch.manual_seed(3)
    config = getattr(transformers, f"{kind}Config")(**SPEECH, **NORMS[norm])
    getattr(transformers, f"{kind}Model")(config).save_pretrained(folder)
    normalised = norm == "layer"
    transformers.Wav2Vec2FeatureExtractor(do_normalize=normalised).save_pretrained(folder)
    return folder


@cache
def save_whisper() -> Path:
    """Folder of a Whisper that hears one second."""
    folder = make_folder()
    torch.manual_seed(3)
    config = transformers.WhisperConfig(
        num_mel_bins=16,
        d_model=14,
        encoder_layers=3,
        encoder_attention_heads=2,
        encoder_ffn_dim=11,
        decoder_layers=1,
        decoder_attention_heads=2,
        decoder_ffn_dim=11,
        max_source_positions=50,
        vocab_size=7,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
        init_std=0.5,
    )
    transformers.WhisperModel(config).save_pretrained(folder)
    transformers.WhisperFeatureExtractor(16, chunk_length=1).save_pretrained(folder)
    return folder


@cache
def save_spectrogram_transformer() -> Path:
    """Folder of an AST that hears 0.655 s, as five times two patches."""
    folder = make_folder()
    torch.manual_seed(3)
    config = transformers.ASTConfig(
        hidden_size=14,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=11,
        num_mel_bins=32,
        max_length=64,
        initializer_range=0.5,
    )
    transformers.ASTModel(config).save_pretrained(folder)
    ears = transformers.ASTFeatureExtractor(num_mel_bins=32, max_length=64)
    ears.save_pretrained(folder)
    return folder


def add_bundle(name: str, kind: str = "Wav2Vec2", *, norm: str = "group") -> None:
    """Enter a tiny bundle into torchaudio's own table, beside those with weights to download."""
    stable = norm == "layer"
    params = {
        "extractor_mode": f"{norm}_norm",
        "extractor_conv_layer_config": list(
            zip(SPEECH["conv_dim"], SPEECH["conv_kernel"], SPEECH["conv_stride"], strict=True)
        ),
        "extractor_conv_bias": stable,
        "encoder_embed_dim": 14,
        "encoder_projection_dropout": 0.1,
        "encoder_pos_conv_kernel": 5,
        "encoder_pos_conv_groups": 2,
        "encoder_num_layers": 3,
        "encoder_num_heads": 2,
        "encoder_attention_dropout": 0.1,
        "encoder_ff_interm_features": 11,
        "encoder_ff_interm_dropout": 0.1,
        "encoder_dropout": 0.1,
        "encoder_layer_norm_first": stable,
        "encoder_layer_drop": 0.1,
        "aux_num_out": None,
    }
    if kind == "WavLM":
        params |= {"encoder_num_buckets": 320, "encoder_max_distance": 800}
    bundle = torchaudio.pipelines.Wav2Vec2Bundle(
        f"{name.lower()}.pth", params, 16_000, stable, kind
    )
    setattr(torchaudio.pipelines, name, bundle)


@cache
def save_bundle(name: str = "TINY_HUBERT", kind: str = "Hubert", norm: str = "group") -> Path:
    """File of the weights of `save_speech_model`, as torchaudio names them, for bundle `name`."""
    add_bundle(name, "WavLM" if kind == "WavLM" else "Wav2Vec2", norm=norm)
    folder = save_speech_model(kind, norm)
    original = getattr(transformers, f"{kind}Model").from_pretrained(folder)
    imported = torchaudio.models.wav2vec2.utils.import_huggingface_model(original)
    path = make_folder() / "weights.pth"
    torch.save(imported.state_dict(), path)
    return path


@cache
def save_timm_model(architecture: str, **options: object) -> Path:
    """Folder of a timm model with a classifier of seven, as timm saves it for the Hub."""
    folder = make_folder()
    torch.manual_seed(7)
    model = timm.create_model(architecture, num_classes=7, **options)
    timm.models.save_for_hf(model, folder, safe_serialization=True)
    return folder


def save_small_swin() -> Path:
    """Folder of a Swin of two stages that takes 32 pixels."""
    return save_timm_model(
        "swin_tiny_patch4_window7_224",
        img_size=32,
        embed_dim=10,
        depths=(1, 2),
        num_heads=(1, 2),
        window_size=4,
    )


VISION = {
    "hidden_size": 14,
    "intermediate_size": 11,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
    "initializer_range": 0.5,
}


@cache
def save_vision_model(kind: str = "ViTModel", **options: int) -> Path:
    """Folder of a vision model of 32 pixels in patches of 8, of transformers' class `kind`."""
    folder = make_folder()
    model = getattr(transformers, kind)
    torch.manual_seed(11)
    model(model.config_class(**{**VISION, **options})).save_pretrained(folder)
    size = {"height": 32, "width": 32}
    transformers.ViTImageProcessor(size=size).save_pretrained(folder)
    return folder


@cache
def save_clip(kind: str = "CLIP") -> Path:
    """Folder of a whole CLIP or SigLIP, texts included."""
    folder = make_folder()
    text = {"vocab_size": 7, "hidden_size": 6, "intermediate_size": 5, "num_attention_heads": 2}
    config = getattr(transformers, f"{kind}Config")(vision_config=VISION, text_config=text)
    torch.manual_seed(11)
    getattr(transformers, f"{kind}Model")(config).save_pretrained(folder)
    processor = getattr(transformers, f"{kind}ImageProcessor")
    square = {"height": 32, "width": 32}
    sizes = {"CLIP": {"size": {"shortest_edge": 36}, "crop_size": square}}
    processor(**sizes.get(kind, {"size": square})).save_pretrained(folder)
    return folder


VIDEO_KINDS = {
    "VideoMAE": {},
    "Timesformer": {},
    "Vivit": {"tubelet_size": [2, 8, 8]},
}


@cache
def save_video_model(kind: str = "VideoMAE", suffix: str = "Model") -> Path:
    """Folder of a network of video that takes 4 frames of 32 pixels, in patches of 8."""
    folder = make_folder()
    torch.manual_seed(17)
    options = VISION | {"num_frames": 4} | VIDEO_KINDS[kind]
    config = getattr(transformers, f"{kind}Config")(**options)
    getattr(transformers, f"{kind}{suffix}")(config).save_pretrained(folder)
    processors = {"Vivit": transformers.VivitImageProcessor}
    processor = processors.get(kind, transformers.VideoMAEImageProcessor)
    sizes = {"size": {"shortest_edge": 36}, "crop_size": {"height": 32, "width": 32}}
    processor(**sizes).save_pretrained(folder)
    return folder


@cache
def save_torchvision_video(name: str = "mc3_18") -> Path:
    """File of the weights of one of torchvision's networks of video, classifier included."""
    torch.manual_seed(19)
    path = make_folder() / "weights.pth"
    torch.save(torchvision.models.get_model(name).state_dict(), path)
    return path


def fill_weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """State dict of `model` in which maps neither fade nor grow, whatever made the model."""
    generator = torch.Generator().manual_seed(0)
    for name, weight in sorted(model.state_dict().items()):
        if name.endswith("running_var"):
            weight.uniform_(0.5, 1.5, generator=generator)
        elif weight.ndim > 1:
            weight.normal_(0, (2 / weight[0].numel()) ** 0.5, generator=generator)
        elif weight.ndim:
            weight.normal_(0.3, 0.3, generator=generator)
    return model.state_dict()


@cache
def save_efficientface() -> Path:
    """File of an EfficientFace of seven classes, as training on several GPUs saves it."""
    path = make_folder() / "efficientface.pth.tar"
    state = fill_weights(efficientface.EfficientFace(7))
    torch.save({"state_dict": {f"module.{name}": state[name] for name in state}}, path)
    return path


@cache
def save_mobilefacenet(layout: int = 0, kernel: tuple[int, int] = (3, 3), dim: int = 11) -> Path:
    """File of a MobileFaceNet of that layout for pictures of 16 times `kernel` pixels."""
    path = make_folder() / "mobilefacenet.pth"
    layers = mobilefacenet.LAYOUTS[layout].list_layers(kernel, dim)
    torch.save(fill_weights(mobilefacenet.MobileFaceNet(layers)), path)
    return path


@cache
def save_classifier(problem: str | None = None) -> Path:
    """Folder of a ViT that tells three expressions apart, in pictures of 32 pixels."""
    folder = make_folder()
    names = dict(enumerate(("anger", "joy", "none")))
    torch.manual_seed(11)
    config = transformers.ViTConfig(**VISION, id2label=names, problem_type=problem)
    transformers.ViTForImageClassification(config).save_pretrained(folder)
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder
