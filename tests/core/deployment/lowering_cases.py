"""One small model, or several, for every operator type that can be written to ONNX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from clika_core.ir.recording import Ref
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import SAME, Sketch

Build = Callable[[Sketch], LoopbackModel]
IMAGE = (4, 6, 6)


def one(type_name: str, *shape: int, positive: bool = False, **named: Any) -> Build:
    """One operation on one input; `positive` inputs for logarithms and roots."""

    def build(s: Sketch) -> LoopbackModel:
        x = s.input("x", *(shape or IMAGE))
        return s.output(s.op(type_name, s.op("add", s.op("abs", x), 0.5) if positive else x, **named))

    return build


def two(type_name: str, *operands: Any, **named: Any) -> Build:
    """An operation on an input and another one, or on the operand given."""

    def build(s: Sketch) -> LoopbackModel:
        x = s.input("x", *IMAGE)
        return s.output(s.op(type_name, x, *(operands or (s.input("y", *IMAGE),)), **named))

    return build


def weighted(
    type_name: str, given: tuple[int, ...], weight: tuple[int, ...], bias: int = 0, **named: Any
) -> Build:
    """An operation with a weight, and a bias of that size."""

    def build(s: Sketch) -> LoopbackModel:
        more = {"bias": s.weights(bias)} if bias else {}
        return s.output(s.op(type_name, s.input("x", *given), weight=s.weights(*weight), **more, **named))

    return build


def logical(type_name: str) -> Build:
    """A logical operation on two comparisons, or on one."""

    def build(s: Sketch) -> LoopbackModel:
        tests = [s.op("gt", s.input(name, *IMAGE), 0.0) for name in ("x", "y")]
        return s.output(s.op(type_name, *(tests[:1] if type_name == "logical_not" else tests)), tests[1])

    return build


def counted(s: Sketch) -> LoopbackModel:
    """Integers that are clamped: how many elements of a row are positive, at least two."""
    tests = s.op("gt", s.input("x", *IMAGE), 0.0)
    return s.output(s.op("clamp", s.op("sum", tests, axes=(3,), keepdims=True), min=2))


def several(type_name: str, count: int, **named: Any) -> Build:
    """An operation with several results."""

    def build(s: Sketch) -> LoopbackModel:
        parts = s.op(type_name, s.input("x", *IMAGE), **named)
        return s.output(*(Ref(parts.record, port) for port in range(count)))

    return build


def norm(type_name: str, shape: tuple[int, ...], size: int, *, is_affine: bool = True, **named: Any) -> Build:
    """A norm layer, with weight and bias or without."""

    def build(s: Sketch) -> LoopbackModel:
        affine = {"weight": s.weights(size), "bias": s.weights(size)} if is_affine else {}
        return s.output(s.op(type_name, s.input("x", *shape), **affine, **named))

    return build


def batch_norm(*roles: str) -> Build:
    def build(s: Sketch) -> LoopbackModel:
        given = {role: s.weights(4) for role in (*roles, "running_mean")}
        variance = np.abs(s.weights(4)) + np.float32(0.5)
        return s.output(s.op("batch_norm", s.input("x", *IMAGE), **given, running_var=variance, epsilon=1e-3))

    return build


def embedding(s: Sketch) -> LoopbackModel:
    return s.output(s.op("embedding", s.input("tokens", 5, dtype="int64"), s.weights(4, 3)))


def gather(s: Sketch) -> LoopbackModel:
    return s.output(s.op("gather", s.input("x", *IMAGE), np.array([2, 0, 1]), axis=1))


def concat(s: Sketch) -> LoopbackModel:
    x = s.input("x", *IMAGE)
    return s.output(s.op("concat", x, s.input("y", 2, 6, 6), x, axis=1))


def concat_with_constant(s: Sketch) -> LoopbackModel:
    return s.output(s.op("concat", s.input("x", 3), s.weights(1, 3), axis=0))


def attention(**named: Any) -> Build:
    def build(s: Sketch) -> LoopbackModel:
        query, key, value = (s.input(name, 2, 5, 8) for name in ("query", "key", "value"))
        return s.output(s.op("attention", query, key, value, scale=8**-0.5, **named))

    return build


def masked_attention(s: Sketch) -> LoopbackModel:
    query, key, value = (s.input(name, 2, 5, 8) for name in ("query", "key", "value"))
    mask = np.where(np.eye(5) > 0, 0, -1).astype(np.float32)
    return s.output(s.op("attention", query, key, value, mask, scale=0.3))


def filled_attention(number: float) -> Build:
    def build(s: Sketch) -> LoopbackModel:
        query, key, value = (s.input(name, 2, 5, 8) for name in ("query", "key", "value"))
        hidden = np.tri(5, k=-1, dtype=bool).T
        return s.output(s.op("attention", query, key, value, hidden, scale=0.3, masked_value=number))

    return build


def linear_of_a_free_length(s: Sketch) -> LoopbackModel:
    x = s.model.input("x", ("n", "t", 7))
    return s.output(s.linear(x, 7, 5), s.op("reshape", x, shape=(-1, 7)))


def expanded_to_the_batch(s: Sketch) -> LoopbackModel:
    x = s.input("x", 4, 1)
    return s.output(s.op("expand", x, shape=(-1, 4, 3)))


_PLAIN = (
    "abs ceil cos erf exp floor identity neg relu relu6 round selu sigmoid sign silu sin softplus softsign square "
    "mish tanh hard_sigmoid hard_swish elu celu leaky_relu gelu softmax log_softmax"
).split()
_POSITIVE = "log reciprocal rsqrt sqrt".split()
_TWO = "sub div maximum minimum eq ge gt le lt add mul".split()
_KERNEL: Mapping[str, Any] = {"kernel_size": (3, 3), "strides": (2, 2)}

CASES: Mapping[str, Build] = {
    **{name: one(name) for name in _PLAIN},
    **{name: one(name, positive=True) for name in _POSITIVE},
    **{name: two(name) for name in _TWO},
    **{f"{name} with a number": two(name, 0.5) for name in _TWO},
    **{
        f"{name} with a constant": two(name, np.full((4, 1, 1), 0.25, np.float32))
        for name in ("add", "sub", "mul")
    },
    "add alpha": two("add", np.ones((6,), np.float32), alpha=2),
    "pow": one("pow", positive=True, other=1.5),
    **{name: logical(name) for name in ("logical_and", "logical_or", "logical_not")},
    "elu alpha": one("elu", alpha=0.5),
    "celu alpha": one("celu", alpha=0.5),
    "gelu tanh": one("gelu", approximate="tanh"),
    "softplus beta": one("softplus", beta=2.0),
    "clamp": one("clamp", min=-0.5, max=0.5),
    "clamp below": one("clamp", min=-0.5),
    "clamp above": one("clamp", max=0.5),
    "clamp of integers": counted,
    "softmax over channels": one("softmax", axis=1),
    "cast": one("cast", dtype="int64"),
    "cast wider": one("cast", dtype="float64"),
    "mean": one("mean", axes=(2, 3)),
    "mean kept": one("mean", axes=(1,), keep_dims=True),
    "sum": one("sum", axes=(1, 3)),
    "prod": one("prod", axes=(3,)),
    "conv": weighted(
        "conv", IMAGE, (5, 4, 3, 3), 5, padding=((1, 0), (2, 1)), strides=(2, 1), dilations=(1, 2)
    ),
    "conv without bias": weighted("conv", IMAGE, (5, 4, 1, 1)),
    "conv in groups": weighted("conv", IMAGE, (6, 2, 3, 3), 6, groups=2),
    "conv of sequences": weighted("conv", (4, 9), (5, 4, 3), 5),
    "conv of volumes": weighted("conv", (2, 5, 5, 5), (3, 2, 2, 2, 2), 3),
    "conv_transpose": weighted(
        "conv_transpose",
        IMAGE,
        (4, 3, 3, 3),
        3,
        strides=(2, 2),
        padding=((1, 1), (1, 0)),
        output_padding=(1, 0),
    ),
    "conv_transpose in groups": weighted("conv_transpose", IMAGE, (4, 3, 2, 2), groups=2, dilations=(2, 1)),
    "linear": weighted("linear", (7,), (5, 7), 5),
    "linear without bias": weighted("linear", (7,), (5, 7)),
    "linear of sequences": weighted("linear", (3, 7), (5, 7), 5),
    "linear of a free length": linear_of_a_free_length,
    "matmul": lambda s: s.output(s.op("matmul", s.input("x", 3, 4), s.input("y", 4, 5))),
    "matmul with a constant": lambda s: s.output(s.op("matmul", s.input("x", 3, 4), s.weights(4, 5))),
    "matmul of a constant": lambda s: s.output(s.op("matmul", s.weights(5, 3), s.input("x", 3, 4))),
    "embedding": embedding,
    "batch_norm": batch_norm("weight", "bias"),
    "batch_norm without weight": batch_norm(),
    "layer_norm": norm("layer_norm", (3, 8), 8),
    "layer_norm without weight": norm("layer_norm", (3, 8), 8, is_affine=False),
    "group_norm": norm("group_norm", IMAGE, 4, num_groups=2),
    "group_norm without weight": norm("group_norm", IMAGE, 4, is_affine=False, num_groups=2),
    "attention": attention(),
    "attention causal": attention(is_causal=True),
    "attention masked": masked_attention,
    "attention filled": filled_attention(-np.inf),
    "attention filled with a number": filled_attention(-1e9),
    "adaptive_avg_pool": one("adaptive_avg_pool", output_size=(1, 1)),
    "adaptive_avg_pool in parts": one("adaptive_avg_pool", output_size=(2, 3)),
    "avg_pool": one("avg_pool", **_KERNEL),
    "avg_pool padded": one("avg_pool", **_KERNEL, padding=SAME),
    "avg_pool not counting": one("avg_pool", **_KERNEL, padding=SAME, count_include_pad=False),
    "avg_pool rounded up": one("avg_pool", **_KERNEL, ceil_mode=True),
    "avg_pool padded, rounded up": one("avg_pool", **_KERNEL, padding=((1, 0), (1, 0)), ceil_mode=True),
    "max_pool": one("max_pool", **_KERNEL, padding=SAME),
    "max_pool rounded up": one("max_pool", **_KERNEL, ceil_mode=True),
    "max_pool dilated": one("max_pool", kernel_size=(2, 2), dilations=(2, 3)),
    "reshape": one("reshape", shape=(-1, 12, 12)),
    "flatten": one("flatten"),
    "flatten inside": one("flatten", start_axis=2, end_axis=3),
    "squeeze": one("squeeze", 4, 1, 6, axes=(2,)),
    "unsqueeze": one("unsqueeze", axes=(2,)),
    "permute": one("permute", axes=(0, 3, 1, 2)),
    "expand": one("expand", 4, 1, 6, shape=(-1, 4, 3, 6)),
    "expand to the batch": expanded_to_the_batch,
    "repeat": one("repeat", repeats=(1, 2, 1, 3)),
    "flip": one("flip", axes=(1, 3)),
    "concat": concat,
    "concat with a constant": concat_with_constant,
    "slice": one("slice", axis=1, start=1, end=3),
    "slice in steps": one("slice", axis=2, start=1, end=None, step=2),
    "slice from behind": one("slice", axis=3, start=-4, end=-1),
    "select": one("select", axis=2, index=-1),
    "split": several("split", 2, axis=1, sizes=(1, 3)),
    "unbind": several("unbind", 4, axis=1),
    "gather": gather,
    "pad": one("pad", pads=((0, 0), (0, 0), (1, 2), (0, 1)), value=0.5),
    "pad reflected": one("pad", pads=((0, 0), (0, 0), (1, 2), (0, 1)), mode="reflect"),
    "pad replicated": one("pad", pads=((0, 0), (0, 0), (1, 2), (0, 1)), mode="replicate"),
    "pad circular": one("pad", pads=((0, 0), (0, 0), (1, 2), (0, 1)), mode="circular"),
    "pixel_shuffle": one("pixel_shuffle", factor=2),
    "pixel_unshuffle": one("pixel_unshuffle", factor=3),
    "channel_shuffle": one("channel_shuffle", groups=2),
    "resize_nearest": one("resize_nearest", size=(12, 18)),
    "resize_nearest smaller": one("resize_nearest", size=(4, 9)),
}

JUDGED_BY_A_FRAMEWORK = frozenset(
    (
        "adaptive_max_pool addcmul all any argmax argmin bitwise_and bitwise_not bitwise_or constant cumsum "
        "einsum erfc exp2 expm1 floor_divide gather_elements glu grid_sample gru index instance_norm is_finite "
        "is_nan log10 log1p log2 log_sigmoid log_sum_exp logical_xor lstm masked_fill ne norm one_hot prelu "
        "reduce_max reduce_min remainder resize rms_norm roll scatter sort stack std top_k tril triu unfold var where"
    ).split()
)
"""Types without a kernel in NumPy here: `tests/backends` compares them with a framework."""

MADE_OF_SIZES = frozenset("arange diff full ones zeros".split())
"""Types that are layers only where a size is free beside the batch; compared there too."""
