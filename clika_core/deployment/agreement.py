"""How well the simulation tells what the runtime computes: layer by layer, each fed the runtime's own codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from clika_core.backend.interface import Array, LayerCall, TracedModel
from clika_core.deployment.onnx_model import OnnxFile
from clika_core.deployment.onnx_runtime import Session, with_outputs
from clika_core.ir.graph import ValueKey
from clika_core.simulation.visitor import SimulatingVisitor, Simulation

_ELEMENT_TYPES = {
    "uint8": TensorProto.UINT8,
    "int8": TensorProto.INT8,
    "uint16": TensorProto.UINT16,
    "int16": TensorProto.INT16,
}


@dataclass(frozen=True, slots=True)
class CodeAgreement:
    """Codes of one value compared: how many, how many differ, and by how much at the most."""

    compared: int = 0
    different: int = 0
    largest_difference: int = 0

    def merge(self, other: CodeAgreement) -> CodeAgreement:
        """Both comparisons together."""
        return CodeAgreement(
            self.compared + other.compared,
            self.different + other.different,
            max(self.largest_difference, other.largest_difference),
        )

    @property
    def share_equal(self) -> float:
        """The share of equal codes, 0 to 1; 1 where nothing was compared."""
        return 1.0 - self.different / self.compared if self.compared else 1.0


def layer_agreement(
    model: TracedModel, simulation: Simulation, file: OnnxFile, batches: Iterable[Sequence[NDArray[Any]]]
) -> dict[str, CodeAgreement]:
    """Agreement per quantized value, by the name of its producer; values at borders are compared too.

    Every layer of the simulation is fed the codes that onnxruntime computed, so that one layer's difference is
    not blamed on the next.
    """
    if not file.codes:
        return {}
    types = {
        name: _ELEMENT_TYPES[_params(simulation, key).format.storage_dtype]
        for key, name in file.codes.items()
    }
    session = Session(with_outputs(file.model, types))
    found: dict[str, CodeAgreement] = {}
    for batch in batches:
        codes = dict(zip(file.codes, session.run(batch, list(file.codes.values())), strict=True))
        visitor = _ForcedVisitor(simulation, model, codes)
        model.interpret([model.arrays.from_numpy(array) for array in batch], visitor)
        for name, agreement in visitor.agreement.items():
            found[name] = found.get(name, CodeAgreement()).merge(agreement)
    return found


def _params(simulation: Simulation, key: ValueKey) -> Any:
    return simulation.coded.get(key) or simulation.quantize_at[key]


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
        return tuple(self._forced((name, port), value) for port, value in enumerate(outputs))

    def _code(self, key: ValueKey, value: Array) -> Array:
        is_new = key in self._simulation.quantize_at and key not in self._crossed
        codes = super()._code(key, value)
        if is_new:
            codes = self._crossed[key] = self._forced(key, codes)
        return codes

    def _forced(self, key: ValueKey, value: Array) -> Array:
        theirs = self._codes_of_runtime.get(key)
        if theirs is None:
            return value
        zero_point = _params(self._simulation, key).zero_point
        centred = theirs.astype(np.float32) - np.float32(zero_point)
        difference = np.abs(centred - self._arrays.to_numpy(value))
        found = CodeAgreement(centred.size, int(np.count_nonzero(difference)), int(difference.max(initial=0)))
        self.agreement[key[0]] = self.agreement.get(key[0], CodeAgreement()).merge(found)
        return self._arrays.from_numpy(centred, like=value)
