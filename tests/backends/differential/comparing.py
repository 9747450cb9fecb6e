"""Two traces of one architecture, made equal: weights and quantization parameters copied by the names of layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import LayerCall, TracedModel
from clika_core.ir.graph import Graph, ValueKey
from clika_core.ir.operators import Trait, trait_of
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import Quantized, quantize_traced
from clika_core.planning.plan import Plan
from clika_core.planning.wiring import Wiring
from clika_core.sensitivity.measure import measure
from clika_core.settings.load import load_settings
from clika_core.settings.model import Settings
from clika_core.simulation.parameters import Parameters
from clika_core.simulation.points import quantization_points
from clika_core.simulation.visitor import Simulation, simulation
from clika_core.targets.ort import ORT

Array = NDArray[Any]


def settings() -> Settings:
    """The one file for all."""
    return load_settings(Path(__file__).parent / "settings.yaml")


def computing(graph: Graph) -> list[str]:
    """The layers that do more than move values, in trace order."""
    return [node.name for node in graph.layers if trait_of(node) is not Trait.TRANSPARENT]


def lines(plan: Plan) -> list[str]:
    """`name precision causes` of every layer that computes."""
    return [
        " ".join([name, plan[name].precision, *(cause.kind for cause in plan[name].causes)])
        for name in computing(plan.graph)
    ]


def copy_weights(source: TracedModel, target: TracedModel) -> None:
    """Every parametric operand of `source` into the layer of the same name: both have the neutral layout.

    States that a recurrent layer starts with are no weights: PyTorch writes zeros, Keras nothing.
    """
    for name in computing(source.graph):
        wanted = target.parameters(name)
        given = {
            r: a for r, a in source.parameters(name).items() if r in wanted or not r.startswith("states")
        }
        assert set(given) == set(wanted), name
        for role, array in given.items():
            wanted[role] = array


def quantize(model: TracedModel, data: Sequence[Sequence[Array]]) -> Quantized:
    """The model on its own calibration."""
    return quantize_traced(model, settings(), ORT, Batches([tuple(b) for b in data]), lambda _: None)


def with_parameters_of(found: Quantized, source: Quantized) -> Quantized:
    """`found` with the quantization parameters of `source`, by the names of layers.

    A layer that only moves values may be one framework's alone: it carries the parameters of what it moves.
    """
    graph = found.plan.graph
    wiring = Wiring(graph)
    points = quantization_points(wiring, found.plan.groups, ORT, set(found.plan.skipped))
    known = {_source(source.plan.graph, key): params for key, params in source.parameters.activations.items()}
    activations = {key: known.get(_source(graph, key)) for key in found.parameters.activations}
    for key, origin in points.shared.items():
        activations[key] = activations.get(key) or activations[origin]
    missing = [key for key, params in activations.items() if params is None]
    assert not missing, missing
    parameters = Parameters(
        {key: params for key, params in activations.items() if params is not None}, source.parameters.weights
    )
    made: Simulation = simulation(found.model, found.plan, ORT, parameters)
    return replace(found, parameters=parameters, simulation=made)


def sensitivities(found: Quantized, data: Sequence[Sequence[Array]]) -> dict[str, float]:
    """QS of every quantized group, with the parameters that `found` has."""
    batches = [found.model.flatten_inputs(tuple(batch)) for batch in data]
    measured = measure(found.model, found.simulation, found.plan.groups, batches)
    return {layer: measured[layer].qs for layer in computing(found.plan.graph) if layer in measured}


def _source(graph: Graph, key: ValueKey) -> ValueKey:
    """The value of a layer that computes, or of an input, that a value is moved from."""
    while (
        graph[key[0]].inputs
        and trait_of(graph[key[0]]) is Trait.TRANSPARENT
        and graph[key[0]].type != "concat"
    ):
        key = graph[key[0]].inputs[0].key
    return key


def fed(
    found: Quantized,
    arrays: Sequence[Array],
    reference: Mapping[str, Array],
    to_native: Callable[[Array], Array],
) -> dict[str, Array]:
    """What every layer gives where those before it gave what they give in `reference`."""
    ops = found.model.arrays

    def replaced(name: str, outputs: Sequence[Any]) -> Sequence[Any]:
        if name not in reference:
            return outputs
        value = reference[name]
        native = value if _has_heads(found, name) else to_native(value)
        given = native.reshape(tuple(outputs[0].shape))
        return (ops.from_numpy(given, outputs[0]), *outputs[1:])

    return _tapped(found, arrays, replaced)


def neutral(found: Quantized, name: str, value: Array, to_neutral: Callable[[Array], Array]) -> Array:
    """What a layer of another framework gives, in the order of axes of the reference."""
    return value if _has_heads(found, name) else to_neutral(value)


def _has_heads(found: Quantized, name: str) -> bool:
    """Whether its four axes are no image: heads stand first in every framework."""
    return found.model.graph[name].type == "attention"


def simulated(found: Quantized, arrays: Sequence[Array]) -> dict[str, Array]:
    """What every layer of one run of the simulation gives: centred codes, or reals."""
    return _tapped(found, arrays, lambda _, outputs: outputs)


def _tapped(
    found: Quantized, arrays: Sequence[Array], passed_on: Callable[[str, Sequence[Any]], Sequence[Any]]
) -> dict[str, Array]:
    visitor = found.simulation.visitor(found.model.arrays)
    values: dict[str, Array] = {}

    def tap(call: LayerCall) -> Sequence[Any]:
        outputs = visitor(call)
        values[call.node.name] = np.asarray(found.model.arrays.to_numpy(outputs[0]))
        return passed_on(call.node.name, outputs)

    found.model.interpret(found.model.flatten_inputs(tuple(arrays)), tap)
    return values
