"""What `settings.yaml` decides for every layer that computes, in every framework: `name precision causes`.

Layers that only move values (flatten, pad, permute, reshape, concat, max_pool, resize_nearest) differ between
frameworks and are not listed. Written down from the semantics: the tail is what no weighted layer follows; a rule
holds from the pool until linear_1; `false` on linear_2 takes tail and rule from it; what stands between float layers
and cannot compute is inherited; norms stay float by rule, and because onnxruntime has no integer kernel for them.
"""

from __future__ import annotations

EXPECTATIONS: dict[str, str] = {
    "residual_cnn": """
        conv_1 quantized; batch_norm_1 removed; relu_1 quantized; conv_2 quantized; batch_norm_2 removed
        relu_2 quantized; conv_3 quantized; batch_norm_3 removed; add_1 quantized; relu_3 quantized
        conv_4 quantized; batch_norm_4 removed; conv_5 quantized; batch_norm_5 removed; add_2 quantized
        relu_4 quantized; adaptive_avg_pool_1 float rule; linear_1 float tail rule
    """,
    "mobile_blocks": """
        conv_1 quantized; batch_norm_1 removed; relu6_1 quantized; conv_2 quantized; batch_norm_2 removed
        relu6_2 quantized; conv_3 quantized; batch_norm_3 removed; relu6_3 quantized; conv_4 quantized
        batch_norm_4 removed; add_1 quantized; conv_5 quantized; batch_norm_5 removed; relu6_4 quantized
        adaptive_avg_pool_1 float rule; linear_1 float tail rule
    """,
    "u_net": """
        conv_1 quantized; batch_norm_1 removed; relu_1 quantized; conv_2 quantized; batch_norm_2 removed
        relu_2 quantized; conv_3 quantized; batch_norm_3 removed; relu_3 quantized; conv_4 float tail
    """,
    "detector": """
        conv_1 quantized; relu_1 quantized; conv_2 quantized; relu_2 quantized
        conv_3 float tail; conv_4 float tail; sigmoid_1 float tail
    """,
    "super_resolution": """
        conv_1 quantized; relu_1 quantized; conv_2 quantized; relu_2 quantized; add_1 quantized; conv_3 float tail
    """,
    "vgg": """
        conv_1 quantized; relu_1 quantized; conv_2 quantized; relu_2 quantized
        adaptive_avg_pool_1 float rule; linear_1 float rule; relu_3 float inherited; linear_2 quantized
    """,
    "multi_input": """
        conv_1 quantized; relu_1 quantized; adaptive_avg_pool_1 float rule; sigmoid_1 quantized
        linear_1 float rule; relu_2 float inherited; linear_2 quantized
    """,
    "post_norm_encoder": """
        linear_1 quantized; linear_2 quantized; linear_3 quantized; attention_1 quantized
        linear_4 quantized; add_1 float unsupported; layer_norm_1 float unsupported rule; linear_5 quantized
        gelu_1 float unsupported; linear_6 quantized; add_2 float unsupported
        layer_norm_2 float unsupported rule; linear_7 float tail
    """,
    "pre_norm_encoder": """
        layer_norm_1 float unsupported rule; linear_1 quantized; linear_2 quantized; linear_3 quantized
        attention_1 quantized; linear_4 quantized; add_1 float unsupported
        layer_norm_2 float unsupported rule; linear_5 quantized; gelu_1 float unsupported
        linear_6 quantized; add_2 quantized; linear_7 float tail
    """,
    "lstm_tagger": """
        embedding_1 float unsupported; lstm_1 float unsupported; linear_1 quantized; relu_1 quantized
        linear_2 quantized
    """,
}


def expected(name: str) -> list[str]:
    """The lines of one architecture."""
    return [line.strip() for line in EXPECTATIONS[name].replace("\n", ";").split(";") if line.strip()]
