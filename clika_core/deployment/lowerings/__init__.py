"""One function per operator type that writes it in ONNX. A new operator is one new entry in its family."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from clika_core.deployment.lowerings import (
    activation,
    arithmetic,
    attention,
    creation,
    indexing,
    movement,
    normalisation,
    recurrent,
    reduction,
    resizing,
    weighted,
)
from clika_core.deployment.lowerings.context import LoweringContext
from clika_core.errors import OutputError
from clika_core.ir.graph import Node

Lowering: TypeAlias = Callable[[LoweringContext], Sequence[str]]

LOWERINGS: Mapping[str, Lowering] = {
    **weighted.LOWERINGS,
    **activation.LOWERINGS,
    **normalisation.LOWERINGS,
    **attention.LOWERINGS,
    **arithmetic.LOWERINGS,
    **reduction.LOWERINGS,
    **creation.LOWERINGS,
    **movement.LOWERINGS,
    **indexing.LOWERINGS,
    **resizing.LOWERINGS,
    **recurrent.LOWERINGS,
}


def lowering_of(node: Node) -> Lowering:
    """The function that writes a layer of this type. Raises OutputError naming the layer where there is none."""
    found = LOWERINGS.get(node.type)
    if found is None:
        where = f" ({node.path})" if node.path else ""
        raise OutputError(
            f"layer {node.name!r}{where} cannot be written to ONNX",
            found=f"operator type {node.type}",
            expected="a type with a lowering: see clika_core.deployment.lowerings",
            fix="compute it outside of the model, or contribute a lowering",
        )
    return found
