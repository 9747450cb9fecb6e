"""Layers are changed one after the other, each fed with what those before it compute now.

Techniques that go so are `Rework`s. All that are in force one behind the other share a pass over the samples: each
sees what those before it made of the layer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence

from clika_core.backend.interface import Array, LayerCall
from clika_core.quality.running_layer import RunningLayer
from clika_core.quality.work import Change, Improvement, Work
from clika_core.simulation.visitor import SimulatingVisitor


class Rework(ABC):
    """What a technique does to each of `layers`: heads of quantized groups that sum products with a weight."""

    layers: Collection[str]

    @abstractmethod
    def change(self, layer: RunningLayer) -> Change:
        """What to change of a layer about to run; nothing, as it may be."""

    @abstractmethod
    def summary(self, layers: Sequence[str]) -> str:
        """What was done, in one sentence, where these layers were changed."""


def reworked(work: Work, reworks: Sequence[Rework]) -> tuple[Work, list[Improvement]]:
    """The model after one pass, and what each of `reworks` did."""
    visitor = _ReworkingVisitor(work, reworks)
    if any(rework.layers for rework in reworks):
        work.model.interpret(work.inputs, visitor)
    said = [
        Improvement(tuple(layers), rework.summary(layers))
        for rework, layers in zip(reworks, visitor.layers, strict=True)
    ]
    return work.with_changes(visitor.changes), said


class _ReworkingVisitor(SimulatingVisitor):
    """Runs the quantized model on the samples.

    `changes` hold what became of layers, `layers` which each technique has changed. The model itself stays as it is:
    `Work.with_changes` writes changes into it.
    """

    def __init__(self, work: Work, reworks: Sequence[Rework]) -> None:
        super().__init__(work.simulation.quick, work.model.arrays)
        self._work, self._reworks = work, reworks
        self.changes: dict[str, Change] = {}
        self.layers: list[list[str]] = [[] for _ in reworks]

    def __call__(self, call: LayerCall) -> Sequence[Array]:
        """Change the layer, if it is to be changed, and run it changed."""
        name = call.node.name
        if not any(name in rework.layers for rework in self._reworks):
            return super().__call__(call)
        spec = self._simulation.specs[name]
        layer = RunningLayer.of(self._work, call, self._codes(spec, call), spec)
        for rework, changed in zip(self._reworks, self.layers, strict=True):
            change = rework.change(layer) if name in rework.layers else Change()
            if change.operands or change.params:
                layer = layer.changed(change)
                changed.append(name)
        self.changes[name] = layer.change
        return layer.run()
