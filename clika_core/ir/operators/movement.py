"""Operators that move or select values without changing them, and those that do nothing in inference."""

from __future__ import annotations

from clika_core.ir.operators.operator_type import OperatorType, Trait

_PLAIN = {
    "identity": (),
    "reshape": ("shape",),
    "flatten": ("start_axis", "end_axis"),
    "permute": ("axes",),
    "squeeze": ("axes",),
    "unsqueeze": ("axes",),
    "expand": ("shape",),
    "repeat": ("repeats",),
    "slice": ("axis", "start", "end", "step"),
    "select": ("axis", "index"),
    "split": ("axis", "sizes"),
    "unbind": ("axis",),
    "flip": ("axes",),
    "roll": ("axes", "shifts"),
    "pad": ("pads", "mode", "value"),
    "unfold": ("kernel_size", "strides", "padding", "dilations"),
    "pixel_shuffle": ("factor",),
    "pixel_unshuffle": ("factor",),
    "channel_shuffle": ("groups",),
    "resize_nearest": ("size", "scales"),
    "max_pool": ("kernel_size", "strides", "padding", "dilations", "ceil_mode"),
    "adaptive_max_pool": ("output_size",),
    "reduce_max": ("axes", "keep_dims"),
    "reduce_min": ("axes", "keep_dims"),
    "top_k": ("k", "axis"),
    "sort": ("axis", "descending"),
}

ENTRIES = (
    *(OperatorType(name, Trait.TRANSPARENT, attributes=attributes) for name, attributes in _PLAIN.items()),
    OperatorType("concat", Trait.TRANSPARENT, operands=("inputs*",), attributes=("axis",)),
    OperatorType("stack", Trait.TRANSPARENT, operands=("inputs*",), attributes=("axis",)),
    OperatorType(
        "gather",
        Trait.TRANSPARENT,
        operands=("input", "indices"),
        index_operands=("indices",),
        attributes=("axis",),
    ),
    OperatorType(
        "gather_elements",
        Trait.TRANSPARENT,
        operands=("input", "indices"),
        index_operands=("indices",),
        attributes=("axis",),
    ),
    OperatorType(
        "index",
        Trait.TRANSPARENT,
        operands=("input", "indices*"),
        index_operands=tuple(f"indices.{i}" for i in range(16)),
    ),
    OperatorType(
        "where", Trait.TRANSPARENT, operands=("condition", "input", "other"), index_operands=("condition",)
    ),
    OperatorType("constant", Trait.TRANSPARENT, operands=("value",)),
    OperatorType("dropout", Trait.REMOVED, attributes=("rate",)),
)
