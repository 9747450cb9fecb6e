"""Arithmetic, reductions, pooling, comparisons and creation of values."""

from __future__ import annotations

from clika_core.ir.operators.operator_type import OperatorType, Trait

_BINARY = (
    *("add", "atan2", "div", "floor_divide", "maximum", "minimum", "mul", "pow", "remainder", "sub"),
    *("squared_difference", "eq", "ge", "gt", "le", "lt", "ne"),
    *("bitwise_and", "bitwise_or", "logical_and", "logical_or", "logical_xor"),
)
_UNARY = (
    *("abs", "ceil", "floor", "neg", "reciprocal", "round", "rsqrt", "sign", "sqrt", "square"),
    *("cos", "exp", "exp2", "expm1", "log", "log10", "log1p", "log2", "sin"),
    *("bitwise_not", "is_finite", "is_nan", "logical_not"),
)
_REDUCTIONS = ("all", "any", "argmax", "argmin", "cumsum", "log_sum_exp", "mean", "norm", "prod", "sum")
_CREATION = ("arange", "full", "ones", "random", "zeros", "tril", "triu", "one_hot")
_WINDOW = ("kernel_size", "strides", "padding", "dilations", "ceil_mode")

ENTRIES = (
    *(OperatorType(name, Trait.COMPUTING, operands=("input", "other")) for name in _BINARY),
    *(OperatorType(name, Trait.COMPUTING) for name in _UNARY),
    OperatorType("cast", Trait.COMPUTING, attributes=("dtype",)),
    *(OperatorType(name, Trait.COMPUTING, attributes=("axes", "keep_dims")) for name in _REDUCTIONS),
    OperatorType(
        "diff", Trait.COMPUTING, operands=("input", "prepend", "append"), attributes=("axis", "order")
    ),
    OperatorType("std", Trait.COMPUTING, attributes=("axes", "keep_dims", "correction")),
    OperatorType("var", Trait.COMPUTING, attributes=("axes", "keep_dims", "correction")),
    *(OperatorType(name, Trait.COMPUTING) for name in _CREATION),
    OperatorType("avg_pool", Trait.COMPUTING, attributes=(*_WINDOW, "count_include_pad")),
    OperatorType("adaptive_avg_pool", Trait.COMPUTING, attributes=("output_size",)),
    OperatorType("sum_pool", Trait.COMPUTING, attributes=_WINDOW),
    OperatorType("lp_pool", Trait.COMPUTING, attributes=_WINDOW),
    OperatorType("resize", Trait.COMPUTING, attributes=("size", "scales", "mode", "align_corners")),
    OperatorType("grid_sample", Trait.COMPUTING, operands=("input", "grid")),
    OperatorType(
        "masked_fill", Trait.COMPUTING, operands=("input", "mask", "value"), index_operands=("mask",)
    ),
    OperatorType("addcmul", Trait.COMPUTING, operands=("input", "tensor1", "tensor2")),
    OperatorType("einsum", Trait.COMPUTING, operands=("inputs*",), attributes=("equation",)),
    OperatorType(
        "scatter",
        Trait.COMPUTING,
        operands=("input", "indices", "source"),
        index_operands=("indices",),
    ),
    OperatorType("non_zero", Trait.COMPUTING),
)
