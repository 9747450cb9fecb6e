"""What the core knows of one operator type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeAlias

from clika_core.frozen import frozen
from clika_core.ir.graph import AttributeValue, Node

Attributes: TypeAlias = Mapping[str, AttributeValue]
Bounds: TypeAlias = tuple[float | None, float | None]


class Trait(StrEnum):
    """What a layer does to values (spec: semantics, section 1)."""

    WEIGHTED = "weighted"  # multiplies and accumulates, or looks up, a parametric operand
    TRANSPARENT = "transparent"  # moves or selects values without changing them
    REMOVED = "removed"  # nothing to do in inference
    COMPUTING = "computing"  # everything else that yields floating point


@frozen
class OperatorType:
    """One entry of the vocabulary.

    `operands` names the operands in calling order; a last name ending in `*` repeats: `inputs.0`, `inputs.1`.
    `weight_operands` are multiplied and accumulated, or looked up: parametric, they make the layer weighted.
    `index_operands` select positions and are never quantized: indices, conditions, and the mask of attention, which
    may be real numbers that are added. `attributes` are those that mean the same in every framework.
    `multiply_accumulates` counts them for one example. `bounds` gives the clamp that the operator is, if it is one:
    `(0.0, 6.0)` for relu6, `(0.0, None)` for relu.
    """

    name: str
    trait: Trait
    operands: tuple[str, ...] = ("input",)
    weight_operands: tuple[str, ...] = ()
    index_operands: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    multiply_accumulates: Callable[[Node], int] | None = None
    bounds: Callable[[Attributes], Bounds] | None = None

    def role(self, position: int) -> str:
        """The role of the operand at `position` in calling order."""
        last = len(self.operands) - 1
        if position >= last and self.operands[last].endswith("*"):
            return f"{self.operands[last][:-1]}.{position - last}"
        return self.operands[position]
