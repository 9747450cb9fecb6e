"""`NativeModel`: the quantized model as an `nn.Module` that trains, saves and copies like any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from clika_core.backend.interface import Program as NativeProgram
from clika_core.backend.interpreter import LayerRole
from clika_core.backend.schedule import Schedule
from clika_torch.inputs import as_tensors, fitting_tensors
from clika_torch.interpreter import Held, build_result
from clika_torch.native_state import OwnTensor, native_state
from clika_torch.operation import Operation
from clika_torch.trace import Trace
from clika_torch.traced_model import TorchTracedModel


@dataclass(frozen=True, slots=True, eq=False)
class _Fixed:
    """What copies of a native model share: how it runs, and where each of its tensors is."""

    trace: Trace
    schedule: Schedule[Operation]
    removed: Mapping[str, str | None]
    program: NativeProgram
    state: Mapping[str, str]
    overrides: Mapping[LayerRole, str | None]
    scales: Mapping[str, str]

    def __deepcopy__(self, memo: dict[int, Any]) -> _Fixed:
        return self


LEARNED: Final = "clika_scales"
"""The module that holds learned scales."""


class NativeModel(nn.Module):
    """Takes and returns what the traced model does; computes the graph's outputs by a program of the core's.

    Owns copies of all tensors that a run reads, under the names that they have in the user's model; every
    floating-point parameter is trainable, tied ones stay tied. A layer's own operand that was replaced or added
    takes the name it stands for, else `<layer>.<role>`. `train()` changes no arithmetic: norms keep their
    statistics, and nothing is dropped out.
    """

    def __init__(
        self,
        model: TorchTracedModel,
        program: NativeProgram,
        learned: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> None:
        """Copy the tensors that a run of `model` reads; `learned` become parameters beside them."""
        super().__init__()
        own = native_state(model.trace, model.schedule, model.held)
        for path, held in own.tensors.items():
            _register(self, path, held)
        scales = {name: f"{LEARNED}.{name}" for name in learned or {}}
        for name, array in (learned or {}).items():
            scale = nn.Parameter(torch.tensor(array, device=model.held.device))
            _register(self, scales[name], OwnTensor(scale, is_persistent=True))
        self._clika = _Fixed(
            model.trace, model.schedule, model.removed, program, own.state, own.overrides, scales
        )
        self.register_buffer("_clika_device", torch.empty(0, device=model.held.device), persistent=False)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The result with the traced model's structure; raises DataError where an input does not fit."""
        own = self.traced()
        arrays = as_tensors(own.trace.layout.take_call(args, kwargs), own.held.device)
        arrays = fitting_tensors(arrays, own.graph.inputs)
        return build_result(own.trace.program, self._clika.program(own, arrays), own.held, arrays)

    def traced(self) -> TorchTracedModel:
        """The traced model over this module's own tensors, with gradients."""
        fixed = self._clika
        own = TorchTracedModel(
            fixed.trace, self._held(), fixed.removed, schedule=fixed.schedule, is_trained=True
        )
        own.learned = self.learned()
        return own

    def learned(self) -> dict[str, Tensor]:
        """The scales that are trained, by the core's names."""
        scales = self._clika.scales
        return {name: self.get_parameter(path) for name, path in scales.items()}

    def use(self, program: NativeProgram) -> None:
        """Compute by another program from now on."""
        self._clika = replace(self._clika, program=program)

    def keep(self, statistics: Mapping[LayerRole, Tensor]) -> None:
        """Take over running statistics of norms, which are operands of their own."""
        with torch.no_grad():
            for key, value in statistics.items():
                path = self._clika.overrides[key]
                assert path is not None
                self.get_buffer(path).copy_(value)

    def path_of(self, layer: str, role: str) -> str | None:
        """The name here of an operand that was replaced or added, None for any other."""
        return self._clika.overrides.get((layer, role))

    def replaced(self) -> set[str]:
        """The names here of operands that preprocessing replaced or added."""
        return {path for path in self._clika.overrides.values() if path is not None}

    def _held(self) -> Held:
        own: dict[str, Tensor] = dict(self.named_parameters(remove_duplicate=False))
        own.update(self.named_buffers(remove_duplicate=False))
        state = {name: own[path] for name, path in self._clika.state.items()}
        overrides = {key: None if path is None else own[path] for key, path in self._clika.overrides.items()}
        return Held(state, overrides, own["_clika_device"].device)


def _register(root: nn.Module, path: str, held: OwnTensor) -> None:
    """Put a tensor at a dotted path, through plain modules made on the way."""
    *parents, leaf = path.split(".")
    module = root
    for parent in parents:
        if parent not in module._modules:
            module.add_module(parent, nn.Module())
        child = module._modules[parent]
        assert child is not None
        module = child
    if isinstance(held.tensor, nn.Parameter):
        module.register_parameter(leaf, held.tensor)
    else:
        module.register_buffer(leaf, held.tensor, persistent=held.is_persistent)
