"""How well the simulation tells what the runtime computes: layer by layer, each fed the runtime's own codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, LayerCall, TracedModel
from clika_core.backend.model_file import ModelFile
from clika_core.deployment.code_agreement import CodeAgreement
from clika_core.ir.graph import ValueKey
from clika_core.numerics import QuantParams
from clika_core.simulation.layer_spec import Half
from clika_core.simulation.visitor import SimulatingVisitor, Simulation


def layer_agreement(
    model: TracedModel, simulation: Simulation, file: ModelFile, batches: Iterable[Sequence[NDArray[Any]]]
) -> dict[str, CodeAgreement]:
    """Agreement per quantized value, by the name of its producer; values at borders are compared too.

    Every layer of the simulation is fed the codes that the runtime computed, so that one layer's difference is
    not blamed on the next.
    """
    found: dict[str, CodeAgreement] = {}
    held = list(batches)
    for batch, codes in zip(held, file.codes(held), strict=False):
        visitor = _ForcedVisitor(simulation, model, codes)
        model.interpret(model.native_inputs(batch), visitor)
        for name, agreement in visitor.agreement.items():
            found[name] = found.get(name, CodeAgreement()).merge(agreement)
    return found


class _ForcedVisitor(SimulatingVisitor):
    """Computes each layer, compares its codes with the runtime's, and hands on the runtime's."""

    def __init__(
        self, simulation: Simulation, model: TracedModel, codes: Mapping[ValueKey, NDArray[Any]]
    ) -> None:
        super().__init__(simulation, model.arrays)
        self._codes_of_runtime = codes
        self.agreement: dict[str, CodeAgreement] = {}

    def __call__(self, call: LayerCall) -> Sequence[Array]:
        name = call.node.name
        outputs = super().__call__(call)
        if name not in self._simulation.specs and name not in self._simulation.members:
            return outputs
        spec = self._simulation.specs.get(name)
        if spec is not None and spec.halves:
            return (self._halved(name, spec.halves, outputs[0]),)
        return tuple(
            self._forced((name, port), value, self._simulation.coded.get((name, port)))
            for port, value in enumerate(outputs)
        )

    def _halved(self, name: str, halves: Mapping[int, Half], value: Array) -> Array:
        """The real value, of the runtime's codes of both halves."""
        reals = [
            self._arrays.dequantize(
                self._forced((name, port), self._arrays.quantize(value, half.params), half.params),
                half.params,
            )
            for port, half in halves.items()
        ]
        return sum(reals[1:], start=reals[0])

    def _code(self, key: ValueKey, value: Array) -> Array:
        is_new = key in self._simulation.quantize_at and key not in self._crossed
        codes = super()._code(key, value)
        if is_new:
            codes = self._crossed[key] = self._forced(key, codes, self._simulation.quantize_at[key])
        return codes

    def _forced(self, key: ValueKey, value: Array, params: QuantParams | None) -> Array:
        theirs = self._codes_of_runtime.get(key)
        if theirs is None or params is None:
            return value
        centred = theirs.astype(np.float32) - np.float32(params.zero_point)
        difference = np.abs(centred - self._arrays.to_numpy(value))
        found = CodeAgreement(centred.size, int(np.count_nonzero(difference)), int(difference.max(initial=0)))
        self.agreement[key[0]] = self.agreement.get(key[0], CodeAgreement()).merge(found)
        return self._arrays.from_numpy(centred, like=value)
