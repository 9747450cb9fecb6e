"""Activation functions: one layer each, also where a framework spells them as many primitives."""

from __future__ import annotations

from clika_core.ir.operators.operator_type import Attributes, Bounds, OperatorType, Trait


def _clamp_bounds(attributes: Attributes) -> Bounds:
    low, high = attributes.get("min"), attributes.get("max")
    return (
        float(low) if isinstance(low, int | float) else None,
        float(high) if isinstance(high, int | float) else None,
    )


_PLAIN = ("celu", "elu", "erf", "erfc", "hard_sigmoid", "hard_swish", "leaky_relu", "log_sigmoid", "mish")
_PLAIN_TOO = ("selu", "sigmoid", "silu", "softplus", "softsign", "tanh")

ENTRIES = (
    *(OperatorType(name, Trait.COMPUTING) for name in (*_PLAIN, *_PLAIN_TOO)),
    OperatorType("gelu", Trait.COMPUTING, attributes=("approximate",)),
    OperatorType("relu", Trait.COMPUTING, bounds=lambda _: (0.0, None)),
    OperatorType("relu6", Trait.COMPUTING, bounds=lambda _: (0.0, 6.0)),
    OperatorType("clamp", Trait.COMPUTING, attributes=("min", "max"), bounds=_clamp_bounds),
    # A vector of slopes lies along axis 1; slopes with more axes broadcast.
    OperatorType("prelu", Trait.COMPUTING, operands=("input", "weight")),
    OperatorType("softmax", Trait.COMPUTING, attributes=("axis",)),
    OperatorType("log_softmax", Trait.COMPUTING, attributes=("axis",)),
    OperatorType("glu", Trait.COMPUTING, attributes=("axis",)),
)
