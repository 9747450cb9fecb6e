"""Why the target cannot compute a layer in integers, asked once per layer and bits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from clika_core.ir.graph import Node
from clika_core.ir.operators import OPERATORS, Trait
from clika_core.planning.wiring import Wiring
from clika_core.targets.target import Target

Bits: TypeAlias = tuple[int, int]  # of weights, of activations


class Support:
    """The target's answers for the layers of one graph, kept: no setting changes them."""

    def __init__(self, wiring: Wiring, target: Target) -> None:
        """Nothing asked yet."""
        self._wiring, self._target = wiring, target
        self._answers: dict[Bits, dict[int, str | None]] = {}
        self._unsupported: dict[Bits, Mapping[int, str]] = {}

    def reason(self, position: int, bits: Bits) -> str | None:
        """None where the target computes the layer in integers; a type nobody knows is never guessed."""
        answers = self._answers.setdefault(bits, {})
        if position not in answers:
            answers[position] = self._ask(self._wiring.graph.nodes[position], bits)
        return answers[position]

    def unsupported(self, bits: Bits) -> Mapping[int, str]:
        """The layers that the target cannot compute with these bits, with the reasons."""
        if bits not in self._unsupported:
            self._unsupported[bits] = dict(self._ask_all(bits))
        return self._unsupported[bits]

    def _ask_all(self, bits: Bits) -> Iterator[tuple[int, str]]:
        """Layers of one type that compute on floats get one answer, unless the kernel has a condition."""
        kernels, traits, sources = self._target.kernels, self._wiring.traits, self._wiring.value_sources
        by_type: dict[tuple[str, Trait], str | None] = {}
        for position, node in enumerate(self._wiring.graph.nodes):
            if not self._wiring.stays[position]:
                continue
            kernel = kernels.get(node.type)
            if (kernel is not None and kernel.condition is not None) or not sources[position]:
                reason = self._ask(node, bits)
            else:
                key = (node.type, traits[position])
                if key not in by_type:
                    by_type[key] = self._ask(node, bits)
                reason = by_type[key]
            if reason is not None:
                yield position, reason

    def _ask(self, node: Node, bits: Bits) -> str | None:
        if node.type not in OPERATORS:
            return f"{node.type} is no operator type of the vocabulary"
        return self._target.support(self._wiring.graph, node, *bits)
