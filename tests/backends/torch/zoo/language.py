"""Models of transformers in small configurations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import transformers
from torch import nn

from tests.backends.torch.zoo import vision  # noqa: F401 - it makes torchvision importable, which transformers imports
from tests.backends.torch.zoo.inputs import images, tokens
from tests.backends.zoo.entry import Entry

_SMALL = {
    "vocab_size": 200,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
_DECODER = {**_SMALL, "max_position_embeddings": 64, "use_cache": False}


def _make(kind: str, config: str, **values: Any) -> Callable[[], nn.Module]:
    """A model class over a configuration class, both by name."""

    def make() -> nn.Module:
        made: nn.Module = getattr(transformers, kind)(getattr(transformers, config)(**values))
        return made

    return make


def _decoder_ids(n: int) -> torch.Tensor:
    return torch.randint(0, 200, (n, 8), generator=torch.Generator().manual_seed(n))


def _spectrogram(n: int) -> dict[str, torch.Tensor]:
    return {
        "input_features": torch.randn(n, 16, 64, generator=torch.Generator().manual_seed(n)),
        "decoder_input_ids": _decoder_ids(n),
    }


def _entry(
    name: str, make: Callable[[], nn.Module], inputs: Callable[[int], Any], everyday: bool = False
) -> Entry:
    return Entry(name, "transformers", make, inputs, everyday)


def _ids(n: int) -> dict[str, torch.Tensor]:
    return {"input_ids": torch.randint(0, 200, (n, 12), generator=torch.Generator().manual_seed(n))}


_T5 = {
    "vocab_size": 200,
    "d_model": 64,
    "d_kv": 16,
    "d_ff": 128,
    "num_layers": 2,
    "num_heads": 4,
    "use_cache": False,
}
_BART = {
    "vocab_size": 200,
    "d_model": 64,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 128,
    "decoder_ffn_dim": 128,
    "max_position_embeddings": 64,
    "use_cache": False,
}
_WHISPER = {
    **{key: value for key, value in _BART.items() if key != "max_position_embeddings"},
    "num_mel_bins": 16,
    "max_source_positions": 32,
    "max_target_positions": 16,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
}

ENTRIES = (
    _entry("bert", _make("BertModel", "BertConfig", **_SMALL), tokens(200, 12), everyday=True),
    _entry(
        "bert_classifier", _make("BertForSequenceClassification", "BertConfig", **_SMALL), tokens(200, 12)
    ),
    _entry("roberta", _make("RobertaModel", "RobertaConfig", **_SMALL), tokens(200, 12)),
    _entry(
        "distilbert",
        _make(
            "DistilBertModel",
            "DistilBertConfig",
            vocab_size=200,
            dim=64,
            n_layers=2,
            n_heads=4,
            hidden_dim=128,
        ),
        tokens(200, 12),
    ),
    _entry("electra", _make("ElectraModel", "ElectraConfig", **_SMALL, embedding_size=32), tokens(200, 12)),
    _entry("albert", _make("AlbertModel", "AlbertConfig", **_SMALL, embedding_size=32), tokens(200, 12)),
    _entry(
        "gpt2",
        _make(
            "GPT2LMHeadModel", "GPT2Config", vocab_size=200, n_embd=64, n_layer=2, n_head=4, use_cache=False
        ),
        _ids,
        everyday=True,
    ),
    _entry(
        "llama",
        _make("LlamaForCausalLM", "LlamaConfig", **_DECODER, num_key_value_heads=2),
        _ids,
        everyday=True,
    ),
    _entry("mistral", _make("MistralForCausalLM", "MistralConfig", **_DECODER, num_key_value_heads=2), _ids),
    _entry("qwen2", _make("Qwen2ForCausalLM", "Qwen2Config", **_DECODER, num_key_value_heads=4), _ids),
    _entry("phi", _make("PhiForCausalLM", "PhiConfig", **_DECODER), _ids),
    _entry(
        "opt",
        _make(
            "OPTForCausalLM",
            "OPTConfig",
            vocab_size=200,
            hidden_size=64,
            ffn_dim=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=64,
            word_embed_proj_dim=64,
            use_cache=False,
        ),
        _ids,
    ),
    _entry("t5_encoder", _make("T5EncoderModel", "T5Config", **_T5), tokens(200, 12)),
    _entry(
        "t5",
        _make("T5ForConditionalGeneration", "T5Config", **_T5),
        tokens(200, 12, decoder_input_ids=_decoder_ids),
    ),
    _entry(
        "bart", _make("BartModel", "BartConfig", **_BART), tokens(200, 12, decoder_input_ids=_decoder_ids)
    ),
    _entry("whisper", _make("WhisperForConditionalGeneration", "WhisperConfig", **_WHISPER), _spectrogram),
    _entry(
        "wav2vec2",
        _make(
            "Wav2Vec2Model",
            "Wav2Vec2Config",
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            conv_dim=(32, 32),
            conv_stride=(5, 2),
            conv_kernel=(10, 3),
            num_feat_extract_layers=2,
            num_conv_pos_embeddings=16,
            num_conv_pos_embedding_groups=4,
        ),
        lambda n: (torch.randn(n, 800, generator=torch.Generator().manual_seed(n)),),
    ),
    _entry(
        "detr",
        _make(
            "DetrForObjectDetection",
            "DetrConfig",
            use_timm_backbone=False,
            use_pretrained_backbone=False,
            backbone=None,
            backbone_config={"model_type": "resnet", "out_features": ["stage4"], "depths": [1, 1, 1, 1]},
            d_model=64,
            encoder_layers=2,
            decoder_layers=2,
            encoder_ffn_dim=64,
            decoder_ffn_dim=64,
            num_queries=10,
            num_labels=5,
        ),
        lambda n: {
            "pixel_values": torch.randn(n, 3, 64, 64, generator=torch.Generator().manual_seed(n)),
            "pixel_mask": torch.ones(n, 64, 64, dtype=torch.int64),
        },
    ),
    _entry(
        "segformer",
        _make(
            "SegformerForSemanticSegmentation",
            "SegformerConfig",
            hidden_sizes=[16, 32, 48, 64],
            depths=[1, 1, 1, 1],
            decoder_hidden_size=32,
            num_labels=5,
        ),
        images(3, 64, 64),
    ),
    _entry(
        "clip_vision",
        _make(
            "CLIPVisionModel",
            "CLIPVisionConfig",
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            image_size=32,
            patch_size=8,
        ),
        images(3, 32, 32),
    ),
)
