"""Why the target cannot compute a layer in integers, asked once per layer and bits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TypeAlias

from clika_core.ir.operators import OPERATORS, Trait
from clika_core.planning.wiring import Wiring
from clika_core.targets.masked import FILLERS
from clika_core.targets.target import Target, computes_on_floats

Bits: TypeAlias = tuple[int, int]  # of weights, of activations


class Support:
    """The target's answers for the layers of one graph, kept: no setting changes them."""

    def __init__(self, wiring: Wiring, target: Target) -> None:
        """Nothing asked yet."""
        self._wiring, self._target = wiring, target
        self._refusals: dict[tuple[str, bool, bool, Bits], tuple[str | None, bool]] = {}
        self._answers: dict[Bits, dict[int, str | None]] = {}
        self._unsupported: dict[Bits, Mapping[int, str]] = {}

    def reason(self, position: int, bits: Bits) -> str | None:
        """None where the target computes the layer in integers; a type nobody knows is never guessed."""
        answers = self._answers.setdefault(bits, {})
        if position not in answers:
            answers[position] = self._ask(position, bits)
        return answers[position]

    def unsupported(self, bits: Bits) -> Mapping[int, str]:
        """The layers that the target cannot compute with these bits, with the reasons."""
        if bits not in self._unsupported:
            stays, ask = self._wiring.stays, self._ask
            answers = ((p, ask(p, bits)) for p in self._wiring.layers if stays[p])
            self._unsupported[bits] = {position: reason for position, reason in answers if reason is not None}
        return self._unsupported[bits]

    def _ask(self, position: int, bits: Bits) -> str | None:
        """What holds for all layers of one type and kind is asked once, and the rest of each layer."""
        graph = self._wiring.graph
        node = graph.nodes[position]
        has_data = bool(self._wiring.value_sources[position]) or computes_on_floats(graph, node)
        kind = (node.type, self._wiring.traits[position] is Trait.WEIGHTED, has_data, bits)
        found = self._refusals.get(kind)
        if found is None:
            found = self._refusals[kind] = self._refusal(*kind)
        refusal, is_conditional = found
        reason = self._target.objection(graph, node) if is_conditional else refusal
        return self._target.masked(graph, node) if reason is None and self._has_masks else reason

    @cached_property
    def _has_masks(self) -> bool:
        """Whether any layer fills values by a mask: few graphs have one, and in the others no layer is asked."""
        return any(node.type in FILLERS for node in self._wiring.graph.nodes)

    def _refusal(self, type_: str, is_weighted: bool, has_data: bool, bits: Bits) -> tuple[str | None, bool]:
        """Why no layer of that kind, and otherwise whether it depends on the layer."""
        if type_ not in OPERATORS:
            return f"{type_} is no operator type of the vocabulary", False
        reason = self._target.refusal(type_, is_weighted, has_data, *bits)
        return reason, reason is None and self._target.kernels[type_].condition is not None
