"""Sensitivity beyond a layer's own: how far off it is in the quantized model, and what it does to the outputs.

`cumulative` compares each group of the fully quantized model with the float one: errors of earlier layers included.
`one_at_a_time` quantizes one group alone and compares the model's outputs: what that layer costs the task. It needs
one pass over the data for each group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from clika_core.backend.interface import Array, LayerCall, TracedModel
from clika_core.ir.graph import ValueKey
from clika_core.planning.decision import Group
from clika_core.sensitivity.sums import Measurement, SquaredSums
from clika_core.simulation.visitor import Simulation

Batches = Iterable[Sequence[Array]]


def cumulative(
    model: TracedModel, simulation: Simulation, groups: Mapping[str, Group], batches: Batches
) -> dict[str, Measurement]:
    """||Q - F|| / ||F|| with Q from the whole simulation, by layer; members of a group carry the group's.

    Keeps the float results of all groups for one batch at a time.
    """
    ends = {groups[head].end: head for head in simulation.specs}
    sums: dict[str, SquaredSums] = {}
    for inputs in batches:
        reals: dict[ValueKey, Array] = {}
        model.interpret(inputs, _keeping(reals, ends))
        codes: dict[ValueKey, Array] = {}
        visitor = simulation.visitor(model.arrays)
        model.interpret(inputs, _keeping(codes, ends, visitor))
        for (end, port), real in reals.items():
            params, value = simulation.coded.get((end, port)), codes[end, port]
            if params is not None or simulation.specs[ends[end]].sums is not None:
                found = value if params is None else model.arrays.dequantize(value, params)
                sums[ends[end]] = sums.get(ends[end], SquaredSums()).merge(_compared(model, found, real))
    return {member: total.measurement for head, total in sums.items() for member in groups[head].members}


def one_at_a_time(
    model: TracedModel, simulation: Simulation, groups: Mapping[str, Group], batches: Batches
) -> dict[str, Measurement]:
    """||Q - F|| / ||F|| of all floating-point outputs of the model, with one group quantized; by layer."""
    alone = {head: only(simulation, groups[head]) for head in simulation.specs}
    is_float = [model.graph.value(node.inputs[0].key).is_float for node in model.graph.outputs]
    sums = dict.fromkeys(alone, SquaredSums())
    for inputs in batches:
        reals = model.interpret(inputs, lambda call: call.run())
        for head, part in alone.items():
            for found, real, counts in zip(part.run(model, inputs), reals, is_float, strict=True):
                if counts:
                    sums[head] = sums[head].merge(_compared(model, found, real))
    return {member: total.measurement for head, total in sums.items() for member in groups[head].members}


def only(simulation: Simulation, group: Group) -> Simulation:
    """The same simulation with one group quantized, and everything else in float."""
    spec = simulation.specs[group.head]
    origin = simulation.wiring.origin
    entering = {
        origin.get(port.key, port.key): params
        for port, params in zip(spec.node.inputs, spec.inputs, strict=True)
        if params is not None
    }
    leaving = {key: params for key, params in simulation.coded.items() if key[0] == group.end}
    return replace(
        simulation,
        specs={group.head: spec},
        members=set(group.members[1:]),
        coded=leaving,
        quantize_at=entering,
    )


def _keeping(
    values: dict[ValueKey, Array],
    names: Iterable[str],
    visitor: Callable[[LayerCall], Sequence[Array]] | None = None,
) -> Callable[[LayerCall], Sequence[Array]]:
    """A visitor that keeps the results of the named layers; without another one it runs in float."""
    wanted = frozenset(names)

    def visit(call: LayerCall) -> Sequence[Array]:
        outputs = call.run() if visitor is None else visitor(call)
        if call.node.name in wanted:
            values.update({(call.node.name, port): value for port, value in enumerate(outputs)})
        return outputs

    return visit


def _compared(model: TracedModel, found: Array, real: Array) -> SquaredSums:
    return SquaredSums(model.arrays.sum_of_squares(found, real), model.arrays.sum_of_squares(real))
