"""Elementwise arithmetic, activations, comparisons, conversions, reductions, norms."""

from __future__ import annotations

from typing import Any

from clika_tensorflow.operators.mapping import Attributes, Call, Rule, Wording, plain, reshaped

_UNARY = {
    **{
        name: name.lower()
        for name in "Abs Ceil Cos Erf Erfc Exp Expm1 Floor Log Log1p Neg Reciprocal".split()
    },
    **{
        name: name.lower()
        for name in "Relu Relu6 Round Rsqrt Selu Sigmoid Sign Sin Softplus Softsign".split()
    },
    **{name: name.lower() for name in "Sqrt Square Tanh".split()},
    "Rint": "round",
    "Inv": "reciprocal",
    "IsFinite": "is_finite",
    "IsNan": "is_nan",
    "LogicalNot": "logical_not",
    "StopGradient": "identity",
}

_BINARY = {
    "Add": "add",
    "AddV2": "add",
    "Sub": "sub",
    "Mul": "mul",
    "Div": "div",
    "RealDiv": "div",
    "FloorDiv": "floor_divide",
    "FloorMod": "remainder",
    "Maximum": "maximum",
    "Minimum": "minimum",
    "Pow": "pow",
    "SquaredDifference": "squared_difference",
    "Equal": "eq",
    "NotEqual": "ne",
    "Greater": "gt",
    "GreaterEqual": "ge",
    "Less": "lt",
    "LessEqual": "le",
    "LogicalAnd": "logical_and",
    "LogicalOr": "logical_or",
}

_REDUCTIONS = {
    "Mean": "mean",
    "Sum": "sum",
    "Prod": "prod",
    "Max": "reduce_max",
    "Min": "reduce_min",
    "All": "all",
    "Any": "any",
}


def _reduced(call: Call) -> Attributes:
    """Axes counted from the front, all where none is given."""
    data, axes = call.names
    rank = call.rank(data)
    found = call.numbers(axes)
    several = found if isinstance(found, tuple) else (found,)
    return {
        "axes": tuple(sorted(int(a) % max(rank, 1) for a in several)),
        "keep_dims": call.attribute("keep_dims"),
    }


def _cast(call: Call) -> Attributes:
    return {"dtype": call.result().dtype} if _cast_type(call) == "cast" else {}


def _cast_type(call: Call) -> str:
    return "identity" if call.value(call.names[0]).dtype == call.result().dtype else "cast"


def _bias_add(call: Call) -> Wording:
    """A sum with a vector along the channels."""
    value, bias = call.names
    wording = Wording("add", [("input", value), ("other", bias)])
    if call.attribute("data_format").startswith("NC"):
        wording.moves = {bias: [reshaped(-1, *[1] * (call.rank(value) - 2))]}
        wording.function = lambda arguments, _: [arguments[value] + arguments[bias]]
        wording.renamed = {value: value, bias: bias}
    return wording


def _leaky(call: Call) -> Attributes:
    return {"negative_slope": call.attribute("alpha")}


def _last_axis(call: Call) -> Attributes:
    return {"axis": call.rank(call.names[0]) - 1}


def _fused_norm(call: Call) -> Wording | None:
    if call.attribute("is_training"):
        return None
    axis = call.rank("x") - 1 if call.attribute("data_format").endswith("C") else 1
    roles = {
        "input": "x",
        "weight": "scale",
        "bias": "offset",
        "running_mean": "mean",
        "running_var": "variance",
    }
    return Wording(
        "batch_norm", list(roles.items()), {"epsilon": call.attribute("epsilon"), "axis": axis}, results=1
    )


def _selected(call: Call) -> Wording:
    return Wording("where", list(zip(("condition", "input", "other"), call.names, strict=True)))


def _clipped(call: Call) -> Wording:
    return Wording("clamp", list(zip(("input", "min", "max"), call.names, strict=True)))


def _positions(type_name: str) -> Rule:
    def rule(call: Call) -> Wording:
        data, axis = call.names
        return Wording(type_name, [("input", data)], {"axes": (call.axis(axis, data),), "keep_dims": False})

    return rule


def _one_hot(call: Call) -> Attributes:
    return {"num_classes": call.result().shape[-1]}


def _summed(call: Call) -> Wording | None:
    """A sum of two is `add`; of more it keeps its own name."""
    (inputs,) = call.names
    given: Any = call.flat.arguments[inputs]
    return Wording("add", [("input", f"{inputs}.0"), ("other", f"{inputs}.1")]) if len(given) == 2 else None


RULES: dict[str, Rule] = {
    **{native: plain(neutral) for native, neutral in _UNARY.items()},
    **{native: plain(neutral, "input other") for native, neutral in _BINARY.items()},
    **{native: plain(neutral, "input", _reduced) for native, neutral in _REDUCTIONS.items()},
    "AddN": _summed,
    "ArgMax": _positions("argmax"),
    "ArgMin": _positions("argmin"),
    "BiasAdd": _bias_add,
    "Cast": plain(_cast_type, "input", _cast),
    "ClipByValue": _clipped,
    "Elu": plain("elu", "input", lambda _: {"alpha": 1.0}),
    "FusedBatchNormV3": _fused_norm,
    "LeakyRelu": plain("leaky_relu", "input", _leaky),
    "LogSoftmax": plain("log_softmax", "input", _last_axis),
    "OneHot": plain("one_hot", "input", _one_hot),
    "SelectV2": _selected,
    "Softmax": plain("softmax", "input", _last_axis),
}
