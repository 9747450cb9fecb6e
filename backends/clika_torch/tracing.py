"""Tracing: from a user's module and example inputs to a `TorchTracedModel`.

    copy -> flat model -> torch.export -> rewrites -> recorder -> core's assembly

A single sample is given twice, so that the batch is free to change; where a model takes no other batch than the
example's, it is traced with that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from clika_core.backend.dynamic_axes import DynamicAxes, check_example, free_axes
from clika_core.backend.fixed_batch import fixed_batches
from clika_core.backend.signature import Signature
from clika_core.errors import TraceError
from clika_core.ir.assembly import assemble
from clika_torch.example import Example
from clika_torch.exporting import decompose, export, quietly
from clika_torch.flat_model import FlatModel, shallow_copy
from clika_torch.free_sizes import Axes, branches, fixed_sizes, is_free_in_batch, refusal
from clika_torch.interpreter import Held
from clika_torch.recorder import Recorder
from clika_torch.recurrent_export import put_back
from clika_torch.rewrites import addmm_to_linear, inline_contexts, without_empty_parts
from clika_torch.structure import Flat
from clika_torch.trace import Trace
from clika_torch.trace_errors import explain, not_with_free_sizes, refuse_unsupported
from clika_torch.traced_model import TorchTracedModel
from clika_torch.writes import make_functional

_FREE_BATCH: Final = "write sizes as x.shape[0] in forward"


@dataclass(frozen=True, slots=True, eq=False)
class _Exported:
    """An exported program and the result of the model while it was traced."""

    program: ExportedProgram
    result: Flat


def trace(
    model: nn.Module,
    example_inputs: Any,
    *,
    name: str | None = None,
    dynamic_axes: DynamicAxes | None = None,
) -> TorchTracedModel:
    """Trace `model` in evaluation mode; the user's object is not changed. `dynamic_axes` are free beside the batch.

    Raises TraceError naming module, file and line where the model cannot be traced, or not with these axes free.
    """
    model = getattr(model, "_orig_mod", model)  # what torch.compile wraps
    refuse_unsupported(model)
    example = Example.of(Signature.of(model.forward), example_inputs, _device(model))
    shapes = [array.shape for array in example.arrays]
    free = free_axes(dynamic_axes, example.names, shapes)
    check_example(free, example.names, shapes)
    exported = _export(model, example, free)
    recorder = Recorder(exported.program, example.layout, exported.result)
    are_more_free = any(axes - {0} for axes in free)
    program, recording = recorder.record(name or type(model).__name__, sizes_are_layers=are_more_free)
    assembly = assemble(recording)
    conditions = branches(exported.program, example.names) if are_more_free else ()
    found = (*assembly.diagnostics, *fixed_batches(assembly.graph, _FREE_BATCH), *conditions)
    graph = replace(assembly.graph, diagnostics=found)
    state = {name: held.tensor for name, held in program.state.items()}
    device = next((tensor.device for tensor in state.values()), torch.device("cpu"))
    return TorchTracedModel(Trace(program, example.layout, graph, assembly.regions), Held(state, {}, device))


def _export(model: nn.Module, example: Example, free: Axes) -> _Exported:
    """Export with the batch free to change if the model can, else as the example is; always with `free` axes."""
    doubled = _doubled(example.arrays)
    if doubled is not None:
        try:
            exported = _export_on(model, example, doubled, free)
        except Exception:  # noqa: BLE001 - whatever fails on two samples may work on the one given
            exported = None
        if exported is not None and is_free_in_batch(exported.program):
            return exported
    try:
        return _export_on(model, example, example.arrays, free)
    except TraceError:
        raise
    except Exception as error:
        if any(axes - {0} for axes in free):
            _export(model, example, [frozenset()] * len(free))  # a model that cannot be traced at all says so
            raise not_with_free_sizes(error) from error
        raise explain(error, model, example) from error


def _export_on(model: nn.Module, example: Example, arrays: Sequence[Tensor], free: Axes) -> _Exported:
    with quietly():
        copied = shallow_copy(model)
    flat = FlatModel(copied, example.call, example.order)
    program = export(flat, arrays, free)
    fixed = fixed_sizes(program, free)
    if fixed:
        raise refusal(fixed, example, lambda watched: export(watched, arrays, free), model)
    inline_contexts(program.graph_module)
    if not make_functional(program.graph):
        program = decompose(export(flat, arrays, free))  # what is left of the first one is of no use
    without_empty_parts(program)
    addmm_to_linear(program)
    put_back(program.graph)
    return _Exported(program, flat.result.without_arrays())


def _doubled(arrays: Sequence[Tensor]) -> list[Tensor] | None:
    """The inputs with a batch of one given twice; None where the batch is no single sample."""
    batched = [array for array in arrays if array.dim()]
    if not batched or batched[0].shape[0] != 1:
        return None
    return [torch.cat([a, a]) if a.dim() and a.shape[0] == 1 else a for a in arrays]


def _device(model: nn.Module) -> torch.device | None:
    return next((tensor.device for tensor in (*model.parameters(), *model.buffers())), None)
