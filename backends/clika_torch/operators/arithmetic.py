"""Elementwise arithmetic, comparisons, conversions, reductions, creation of values."""

from __future__ import annotations

from clika_torch.dtypes import dtype_name
from clika_torch.operators.mapping import Attributes, Call, Mapping, reduction, roles

_TWO = roles("input=self other")

_BINARY = {
    "atan2": "atan2",
    "bitwise_and": "bitwise_and",
    "bitwise_or": "bitwise_or",
    "__and__": "bitwise_and",
    "__or__": "bitwise_or",
    "eq": "eq",
    "floor_divide": "floor_divide",
    "ge": "ge",
    "gt": "gt",
    "le": "le",
    "logical_and": "logical_and",
    "logical_or": "logical_or",
    "logical_xor": "logical_xor",
    "lt": "lt",
    "maximum": "maximum",
    "max.other": "maximum",
    "minimum": "minimum",
    "min.other": "minimum",
    "mul": "mul",
    "multiply": "mul",
    "ne": "ne",
    "remainder": "remainder",
}

_UNARY = {
    **{name: name for name in "abs bitwise_not ceil cos exp exp2 expm1 floor log log10 log1p log2".split()},
    **{name: name for name in "logical_not neg reciprocal rsqrt sign sin sqrt square".split()},
    "isfinite": "is_finite",
    "isnan": "is_nan",
    "round": "round",
}

_ROUNDED_DIVISIONS = {None: "div", "floor": "floor_divide"}


def _alpha(call: Call) -> Attributes:
    """`other` is multiplied by `alpha` first."""
    return {} if call["alpha"] == 1 else {"alpha": call["alpha"]}


def _cast_type(call: Call) -> str:
    return "identity" if call.tensor("self").dtype == call.result.dtype else "cast"


def _cast(call: Call) -> Attributes:
    return {"dtype": dtype_name(call.result.dtype)} if _cast_type(call) == "cast" else {}


def _spread(call: Call) -> Attributes:
    """A variance or deviation: `correction` is subtracted from the count."""
    unbiased = call.arguments.get("unbiased")
    correction = call.arguments.get("correction", int(bool(unbiased)))
    return {**reduction(call), "correction": 1 if correction is None else correction}


def _norm(call: Call) -> Attributes:
    return {**reduction(call), "order": call["ord" if "ord" in call.arguments else "p"]}


def _diagonal(call: Call) -> Attributes:
    return {"diagonal": call["diagonal"]}


def _created(call: Call) -> Attributes:
    """Shape and dtype of what is created, and its value where there is one."""
    found: Attributes = {"shape": call.result_shape, "dtype": dtype_name(call.result.dtype)}
    for name in ("fill_value", "value"):
        if name in call.arguments:
            found["value"] = call[name]
    return found


def _arange(call: Call) -> Attributes:
    bounds: Attributes = {name: call[name] for name in ("start", "end", "step") if name in call.arguments}
    return {**bounds, "dtype": dtype_name(call.result.dtype)}


def _creation(type_name: str) -> dict[str, Mapping]:
    """`x`, `x_like` and `new_x`."""
    like = Mapping(type_name, (), _created, shape_only=("self",))
    return {
        f"aten.{type_name}": Mapping(type_name, (), _created),
        f"aten.{type_name}_like": like,
        f"aten.new_{type_name}": like,
    }


_CONVERSIONS = ("to", "_to_copy", "type_as")

NATIVE = {
    "aten.add": Mapping("add", _TWO, _alpha),
    "aten.sub": Mapping("sub", _TWO, _alpha),
    "aten.rsub": Mapping("sub", roles("input=other other=self"), _alpha),
    "aten.div": Mapping(lambda call: _ROUNDED_DIVISIONS.get(call.arguments.get("rounding_mode")), _TWO),
    "aten.pow": Mapping("pow", roles("input=self other=exponent")),
    **{f"aten.{native}": Mapping(neutral, _TWO) for native, neutral in _BINARY.items()},
    **{f"aten.{native}": Mapping(neutral) for native, neutral in _UNARY.items()},
    **{
        f"aten.{native}": Mapping(_cast_type, attributes=_cast, shape_only=("other",))
        for native in _CONVERSIONS
    },
    **{
        f"aten.{name}": Mapping(name, attributes=reduction)
        for name in "all any argmax argmin mean prod sum".split()
    },
    "aten.std": Mapping("std", attributes=_spread),
    "aten.var": Mapping("var", attributes=_spread),
    "aten.logsumexp": Mapping("log_sum_exp", attributes=reduction),
    "aten.cumsum": Mapping("cumsum", attributes=reduction),
    "aten.diff": Mapping(
        "diff",
        roles("input=self prepend append"),
        lambda call: {"axis": call.axis("dim"), "order": call["n"]},
    ),
    "aten.linalg_vector_norm": Mapping("norm", attributes=_norm),
    "aten.norm": Mapping("norm", attributes=_norm),
    "aten.tril": Mapping("tril", attributes=_diagonal),
    "aten.triu": Mapping("triu", attributes=_diagonal),
    "aten.one_hot": Mapping("one_hot", attributes=lambda call: {"num_classes": call.result_shape[-1]}),
    "aten.arange": Mapping("arange", (), _arange),
    **_creation("full"),
    **_creation("ones"),
    **_creation("zeros"),
    "aten.fill.Scalar": Mapping("full", (), _created, shape_only=("self",)),
    "aten.zero": Mapping("zeros", (), _created, shape_only=("self",)),
    **{f"aten.{name}": Mapping("random", (), _created) for name in "rand randn randint".split()},
    **{
        f"aten.{name}_like": Mapping("random", (), _created, shape_only=("self",))
        for name in "rand randn".split()
    },
    "aten.masked_fill": Mapping("masked_fill", roles("input=self mask value")),
    "aten.addcmul": Mapping(
        "addcmul", roles("input=self tensor1 tensor2"), lambda call: {"value": call["value"]}
    ),
    "aten.scatter.src": Mapping(
        "scatter", roles("input=self indices=index source=src"), lambda call: {"axis": call.axis("dim")}
    ),
    "aten.scatter.value": Mapping(
        "scatter", roles("input=self indices=index source=value"), lambda call: {"axis": call.axis("dim")}
    ),
    "aten.nonzero": Mapping("non_zero"),
    "aten.grid_sampler": Mapping(
        "grid_sample",
        roles("input grid"),
        lambda call: {name: call[name] for name in ("interpolation_mode", "padding_mode", "align_corners")},
    ),
}
