"""Arithmetic, reductions, pooling, comparisons and creation of values."""

from __future__ import annotations

from clika_core.ir.operators.operator_type import OperatorType, Trait

_BINARY = (
    "add atan2 div eq floor_divide ge gt le logical_and logical_or logical_xor lt maximum minimum mul ne pow "
    "remainder sub bitwise_and bitwise_or"
).split()
_UNARY = (
    "abs ceil cos exp exp2 expm1 floor is_finite is_nan log log10 log1p log2 logical_not neg reciprocal round rsqrt "
    "sign sin sqrt square cast bitwise_not"
).split()
_REDUCTIONS = "all any argmax argmin cumsum log_sum_exp mean norm prod std sum var".split()
_CREATION = "arange full ones random zeros tril triu one_hot".split()
_WINDOW = ("kernel_size", "strides", "padding", "dilations", "ceil_mode")

ENTRIES = (
    *(OperatorType(name, Trait.COMPUTING, operands=("input", "other")) for name in _BINARY),
    *(OperatorType(name, Trait.COMPUTING, attributes=("dtype",) if name == "cast" else ()) for name in _UNARY),
    *(OperatorType(name, Trait.COMPUTING, attributes=("axes", "keep_dims")) for name in _REDUCTIONS),
    *(OperatorType(name, Trait.COMPUTING) for name in _CREATION),
    OperatorType("avg_pool", Trait.COMPUTING, attributes=(*_WINDOW, "count_include_pad")),
    OperatorType("adaptive_avg_pool", Trait.COMPUTING, attributes=("output_size",)),
    OperatorType("lp_pool", Trait.COMPUTING, attributes=_WINDOW),
    OperatorType("resize", Trait.COMPUTING, attributes=("size", "scales", "mode", "align_corners")),
    OperatorType("grid_sample", Trait.COMPUTING, operands=("input", "grid")),
    OperatorType("masked_fill", Trait.COMPUTING, operands=("input", "mask", "value"), index_operands=("mask",)),
    OperatorType("addcmul", Trait.COMPUTING, operands=("input", "tensor1", "tensor2")),
    OperatorType("einsum", Trait.COMPUTING, operands=("inputs*",), attributes=("equation",)),
    OperatorType("scatter", Trait.COMPUTING, operands=("input", "indices", "source"), index_operands=("indices",)),
    OperatorType("non_zero", Trait.COMPUTING),
)
