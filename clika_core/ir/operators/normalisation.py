"""Norm layers and attention. Norm layers are not weighted: their scale multiplies, it does not accumulate."""

from __future__ import annotations

from clika_core.ir.operators.operator_type import OperatorType, Trait

_AFFINE = ("input", "weight", "bias")

ENTRIES = (
    OperatorType(
        "batch_norm",
        Trait.COMPUTING,
        operands=("input", "weight", "bias", "running_mean", "running_var"),
        attributes=("epsilon", "axis"),
    ),
    OperatorType("layer_norm", Trait.COMPUTING, operands=_AFFINE, attributes=("axes", "epsilon")),
    OperatorType("group_norm", Trait.COMPUTING, operands=_AFFINE, attributes=("num_groups", "epsilon")),
    OperatorType("instance_norm", Trait.COMPUTING, operands=_AFFINE, attributes=("epsilon",)),
    OperatorType("rms_norm", Trait.COMPUTING, operands=("input", "weight"), attributes=("axes", "epsilon")),
    OperatorType("l2_normalize", Trait.COMPUTING, attributes=("axes", "epsilon")),
    OperatorType("local_response_norm", Trait.COMPUTING, attributes=("size", "alpha", "beta", "k")),
    OperatorType(
        "attention",
        Trait.COMPUTING,
        operands=("query", "key", "value", "mask"),
        index_operands=("mask",),
        attributes=("scale", "is_causal", "masked_value"),
    ),
)
