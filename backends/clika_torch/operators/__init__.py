"""The vocabulary of ATen in neutral words: one entry per native operator.

`NATIVE` maps `aten.conv2d`, or one overload `aten.max.other`, to its `Mapping`. An overload's own entry is tried
first, then its operator's. A new operator is one new entry in the family it belongs to; what has none keeps its
native name (`aten.foo.default`), stays float, and is reported.
"""

from __future__ import annotations

from clika_torch.operators import (
    activation,
    arithmetic,
    movement,
    normalisation,
    pooling,
    selection,
    weighted,
)
from clika_torch.operators.mapping import Call, Mapping

NATIVE: dict[str, Mapping] = {
    name: mapping
    for family in (weighted, activation, normalisation, arithmetic, pooling, movement, selection)
    for name, mapping in family.NATIVE.items()
}

__all__ = ["NATIVE", "Call", "Mapping", "find"]


def find(call: Call) -> tuple[str, Mapping] | None:
    """The neutral type of a native call and its mapping; None where the vocabulary has no word for it."""
    operator = call.name.rpartition(".")[0]
    mapping = NATIVE.get(call.name) or NATIVE.get(operator)
    if mapping is None or any(argument not in call.arguments for _, argument in mapping.operands):
        return None  # an overload of another meaning
    type_name = mapping.type_of(call)
    return None if type_name is None else (type_name, mapping)
