"""The layers that random graphs are made of: every trait, several ports and operands, every dtype class.

`FUSED_ROWS` are layers that follow each other, which random operands alone rarely make.
A kind's `operands` are written with one letter each: `f` takes a floating-point value, `i` any other. The
order is that in which Hypothesis shrinks: a failing example keeps the simplest layers that still fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from clika_core.ir.graph import AttributeValue

FLOAT, INTEGER, BOOLEAN = "float32", "int64", "bool"


@dataclass(frozen=True, slots=True)
class LayerKind:
    """One way to make a layer: type, operands, parametric operands by role, dtype per output, attributes."""

    type: str
    operands: str = "f"
    weights: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    dtypes: tuple[str, ...] = (FLOAT,)
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)


_COMPUTING = (
    LayerKind("relu"),
    LayerKind("add", "ff"),
    LayerKind("relu6"),
    LayerKind("mul", "ff"),
    LayerKind("sigmoid"),
    LayerKind("softmax", attributes={"axis": 1}),
    LayerKind("layer_norm", weights={"weight": (4,), "bias": (4,)}),
    LayerKind("adaptive_avg_pool", attributes={"output_size": (1, 1)}),
    LayerKind("matmul", "ff"),
    LayerKind("attention", "fff"),
    LayerKind("attention", "ffff"),
    LayerKind("masked_fill", "fi"),
)
_WEIGHTED = (
    LayerKind("linear", weights={"weight": (8, 8), "bias": (8,)}),
    LayerKind("conv", weights={"weight": (8, 8, 1, 1)}),
    LayerKind("conv_transpose", weights={"weight": (8, 8, 1, 1)}),
    LayerKind("matmul", weights={"other": (8, 8)}),
    LayerKind("embedding", "i", weights={"weight": (10, 8)}),
    LayerKind("lstm", weights={"weights.0": (32, 8), "weights.1": (32, 8)}, dtypes=(FLOAT, FLOAT, FLOAT)),
)
_TRANSPARENT = (
    LayerKind("identity"),
    LayerKind("reshape", attributes={"shape": (-1, 8)}),
    LayerKind("concat", "ff", attributes={"axis": 1}),
    LayerKind("max_pool", attributes={"kernel_size": (2, 2)}),
    LayerKind("concat", "fff", attributes={"axis": 1}),
    LayerKind("split", dtypes=(FLOAT, FLOAT), attributes={"axis": 1, "sizes": (4, 4)}),
    LayerKind("top_k", dtypes=(FLOAT, INTEGER), attributes={"k": 1, "axis": 1}),
    LayerKind("where", "iff"),
    LayerKind("gather", "fi", attributes={"axis": 0}),
)
_REMOVED = (
    LayerKind("dropout", attributes={"rate": 0.1}),
    LayerKind("batch_norm", weights={"weight": (8,), "bias": (8,)}),
)
_NOT_FLOATING = (
    LayerKind("argmax", dtypes=(INTEGER,), attributes={"axes": (1,)}),
    LayerKind("gt", "ff", dtypes=(BOOLEAN,)),
    LayerKind("cast", dtypes=(INTEGER,), attributes={"dtype": "int64"}),
    LayerKind("reshape", "i", dtypes=(INTEGER,), attributes={"shape": (-1,)}),
    LayerKind("add", "ii", dtypes=(INTEGER,)),
    LayerKind("cast", "i", attributes={"dtype": "float32"}),
)
_UNKNOWN = (
    LayerKind("aten.fft_rfft"),
    LayerKind("XlaCustomCall", "ff", dtypes=(FLOAT, FLOAT)),
)

_USUAL = (*_COMPUTING[:4], *_WEIGHTED[:2], *_TRANSPARENT[:3], *_REMOVED)

LAYER_KINDS: tuple[LayerKind, ...] = (
    *_USUAL, *_USUAL, *_USUAL, *_COMPUTING[4:], *_WEIGHTED[2:], *_TRANSPARENT[3:], *_NOT_FLOATING, *_UNKNOWN
)  # fmt: skip

_BY_TYPE = {kind.type: kind for kind in (*_COMPUTING, *_USUAL)}

FUSED_ROWS: tuple[tuple[LayerKind, ...], ...] = tuple(
    tuple(_BY_TYPE[name] for name in row.split())
    for row in (
        "conv relu", "linear relu", "conv batch_norm relu", "linear dropout relu sigmoid", "add relu relu6",
        "conv relu relu6", "add batch_norm relu", "conv dropout batch_norm relu", "linear batch_norm reshape",
        "mul relu", "batch_norm sigmoid", "dropout dropout add", "conv batch_norm dropout batch_norm",
    )
)  # fmt: skip
