"""Norm layers and attention."""

from __future__ import annotations

import torch

from clika_torch.operators.mapping import Attributes, Call, Mapping, roles

_AFFINE = roles("input weight bias")
_STATISTICS = roles("input weight bias running_mean running_var")


def _last_axes(call: Call) -> tuple[int, ...]:
    rank, count = call.tensor("input").dim(), len(call["normalized_shape"])
    return tuple(range(rank - count, rank))


def _layer_norm(call: Call) -> Attributes:
    return {"axes": _last_axes(call), "epsilon": call["eps"]}


def _rms_norm(call: Call) -> Attributes:
    """Without an epsilon torch takes the smallest step at 1 of the input's dtype."""
    epsilon = call["eps"]
    default = torch.finfo(call.tensor("input").dtype).eps
    return {"axes": _last_axes(call), "epsilon": default if epsilon is None else epsilon}


def _attention(call: Call) -> Attributes:
    """The scale in numbers; `enable_gqa` where several query heads share a key head."""
    scale = call["scale"]
    width = call.shape("query")[-1]
    if scale is None and isinstance(width, int):
        scale = float(width) ** -0.5
    grouped: Attributes = {"enable_gqa": True} if call["enable_gqa"] else {}
    return {"scale": scale, "is_causal": call["is_causal"], **grouped}


def _without_batch_statistics(name: str, flag: str) -> Mapping:
    """A norm that is one only where it uses running statistics: else it depends on the whole batch."""
    return Mapping(
        lambda call: None if call[flag] else name,
        _STATISTICS,
        lambda call: {"epsilon": call["eps"], "axis": 1},
    )


NATIVE = {
    "aten.batch_norm": _without_batch_statistics("batch_norm", "training"),
    "aten._native_batch_norm_legit_no_training": Mapping(
        "batch_norm", _STATISTICS, lambda call: {"epsilon": call["eps"], "axis": 1}, is_trimmed=True
    ),
    "aten.layer_norm": Mapping("layer_norm", _AFFINE, _layer_norm),
    "aten.native_layer_norm": Mapping("layer_norm", _AFFINE, _layer_norm, is_trimmed=True),
    "aten.rms_norm": Mapping("rms_norm", roles("input weight"), _rms_norm),
    "aten._fused_rms_norm": Mapping("rms_norm", roles("input weight"), _rms_norm, is_trimmed=True),
    "aten.group_norm": Mapping(
        "group_norm", _AFFINE, lambda call: {"num_groups": call["num_groups"], "epsilon": call["eps"]}
    ),
    "aten.native_group_norm": Mapping(
        "group_norm",
        _AFFINE,
        lambda call: {"num_groups": call["group"], "epsilon": call["eps"]},
        is_trimmed=True,
    ),
    "aten.instance_norm": Mapping(
        lambda call: "instance_norm" if call["use_input_stats"] else "batch_norm",
        _STATISTICS,
        lambda call: (
            {"epsilon": call["eps"]} if call["use_input_stats"] else {"epsilon": call["eps"], "axis": 1}
        ),
    ),
    "aten.scaled_dot_product_attention": Mapping(
        lambda call: None if call["dropout_p"] else "attention",
        roles("query key value mask=attn_mask"),
        _attention,
    ),
}
