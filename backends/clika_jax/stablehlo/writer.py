"""Exports the simulation's own program, with codes as constants where the plan stores codes.

Every layer stands in a name scope of its own, which the file keeps: that is how it can be verified. Sums of products
run in the floating dtype in which they are exact, as the simulation's do: see the decision record on StableHLO.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
from jax import export

from clika_core.backend.interface import LayerCall, Removals
from clika_core.errors import OutputError
from clika_core.ir.graph import Node, ValueKey
from clika_core.numerics import QuantParams, quantize, quantize_bias
from clika_core.numerics.sharing import expand
from clika_core.simulation.compute import compute_codes
from clika_core.simulation.layer_spec import LayerSpec
from clika_core.simulation.parameters import numbers
from clika_core.simulation.visitor import SimulatingVisitor, Simulation
from clika_core.targets.target import Arithmetic
from clika_jax.traced_model import JaxTracedModel

PLATFORMS: Final = ("cpu", "cuda", "tpu")
"""What a file runs on; a program that cannot be lowered for all is lowered for the CPU alone."""

BATCH: Final = "batch"

Function = Callable[..., Any]


@dataclass(frozen=True)
class Written:
    """The file, and the file whose outputs are the codes of each quantized value, where there are any."""

    content: bytes
    codes: tuple[ValueKey, ...]
    probe: bytes
    has_free_batch: bool
    platforms: tuple[str, ...]


def write(model: JaxTracedModel, simulation: Simulation | None = None) -> Written:
    """The file of a preprocessed model; without a simulation, in float."""
    if simulation is None:
        return _written(model, lambda *inputs: list(model.interpret(inputs, _scoped)), None, ())
    stored = _with_codes(model, simulation)

    def outputs(*inputs: Any) -> list[Any]:
        visitor = _StoredVisitor(simulation, stored)
        return list(visitor.finish(stored.interpret(inputs, visitor)))

    keys = tuple({**simulation.coded, **simulation.quantize_at})

    def codes(*inputs: Any) -> list[Any]:
        visitor = _StoredVisitor(simulation, stored)
        visitor.finish(stored.interpret(inputs, visitor))
        return [visitor.codes(key) for key in keys]

    return _written(stored, outputs, codes, keys)


def _written(
    model: JaxTracedModel, outputs: Function, codes: Function | None, keys: tuple[ValueKey, ...]
) -> Written:
    exported, is_free = _exported(model, outputs)
    probe = b"" if codes is None or not keys else bytes(_exported(model, codes)[0].serialize())
    return Written(bytes(exported.serialize()), keys, probe, is_free, tuple(exported.platforms))


def _scoped(call: LayerCall) -> Sequence[Any]:
    """A layer natively, in a scope of its name."""
    with jax.named_scope(call.node.name):
        return call.run()


class _StoredVisitor(SimulatingVisitor):
    """The simulation, with the operands of its layers read as codes; keeps every value that is carried as such."""

    def __init__(self, simulation: Simulation, model: JaxTracedModel) -> None:
        super().__init__(simulation, model.arrays)
        self._seen: dict[ValueKey, Any] = {}

    def __call__(self, call: LayerCall) -> Sequence[Any]:
        with jax.named_scope(call.node.name):
            outputs = self._outputs(call)
        self._seen.update(((call.node.name, port), value) for port, value in enumerate(outputs))
        return outputs

    def _outputs(self, call: LayerCall) -> Sequence[Any]:
        spec = self._simulation.specs.get(call.node.name)
        if spec is None:
            return super().__call__(call)
        weights = _operands(spec, call, self._arrays)
        return compute_codes(spec, call, self._codes(spec, call), self._arrays, weights)

    def codes(self, key: ValueKey) -> Any:
        """A quantized value as it is stored; after the run."""
        params = self._simulation.coded.get(key)
        if params is not None:
            return _stored(self._seen[key], params)
        return _stored(self._crossed[key], self._simulation.quantize_at[key])


def _stored(centred: Any, params: QuantParams) -> Any:
    return (centred + np.float32(params.zero_point)).astype(params.format.storage_dtype)


def _operands(spec: LayerSpec, call: LayerCall, arrays: Any) -> dict[str, Any]:
    """What `layer_weights` gives, out of stored codes."""
    if spec.arithmetic is Arithmetic.MOVE:
        return {}
    found: dict[str, Any] = {}
    for role, params in spec.weights.items():
        held = call.weights[role] if role in call.weights else _number(spec, role, params)
        codes = _centred(held, params)
        is_real = spec.arithmetic is Arithmetic.ELEMENTWISE
        found[role] = (
            arrays.dequantize(codes, params) if is_real else arrays.cast(codes, spec.accumulate_dtype)
        )
    if spec.arithmetic is Arithmetic.ACCUMULATE and "bias" in call.weights:
        found["bias"] = arrays.cast(call.weights["bias"], spec.accumulate_dtype)
    return found


def _centred(codes: Any, params: QuantParams) -> Any:
    reals = codes.astype(jnp.float32)
    if not params.zero_point.any():
        return reals
    zero_point = expand(params.zero_point, tuple(codes.shape), params.granularity)
    return reals - np.asarray(zero_point, np.float32)


def _number(spec: LayerSpec, role: str, params: QuantParams) -> Any:
    return jnp.asarray(quantize(np.asarray(numbers(spec.node)[role], np.float32), params))


def _with_codes(model: JaxTracedModel, simulation: Simulation) -> JaxTracedModel:
    """The model with codes in the place of every operand that is stored as such."""
    stored = model.preprocess(Removals({}))
    for head, spec in simulation.specs.items():
        if spec.arithmetic is Arithmetic.MOVE:
            continue
        for role, array in model.parameters(head).items():
            if role in spec.weights:
                stored.override(head, role, jnp.asarray(quantize(array, spec.weights[role])))
            elif role == "bias" and spec.arithmetic is Arithmetic.ACCUMULATE:
                inputs, weight = spec.inputs[0], next(iter(spec.weights.values()))
                assert inputs is not None
                stored.override(head, role, jnp.asarray(quantize_bias(array, inputs, weight)))
    return stored


def _exported(model: JaxTracedModel, function: Function) -> tuple[Any, bool]:
    """The exported function, for any batch where that can be, and whether it can."""
    free = _free_shapes(model)
    attempts = [
        (shapes, on)
        for shapes in (free, _example_shapes(model))
        if shapes
        for on in (PLATFORMS, PLATFORMS[:1])
    ]
    problem: Exception | None = None
    for shapes, platforms in attempts:
        function.__name__ = model.graph.name if model.graph.name.isidentifier() else "model"
        arguments = [
            jax.ShapeDtypeStruct(shape, node.outputs[0].dtype)
            for shape, node in zip(shapes, model.graph.inputs, strict=True)
        ]
        try:
            with _without_paths():
                return export.export(jax.jit(function), platforms=platforms)(*arguments), shapes is free
        except Exception as error:  # noqa: BLE001 - whatever fails for one shape or platform may work for another
            problem = error
    raise OutputError(
        f"{model.graph.name} cannot be exported to StableHLO",
        found=str(problem).splitlines()[0] if problem else "no input",
        fix="deploy to ort, or keep the layer that is named out of the model",
    ) from problem


def _free_shapes(model: JaxTracedModel) -> list[Any] | None:
    """The inputs' shapes with the batch as a symbol; None where no size follows the batch."""
    shapes = [node.outputs[0].shape for node in model.graph.inputs]
    if not any(isinstance(size, str) for shape in shapes for size in shape):
        return None
    scope = export.SymbolicScope()
    return [
        export.symbolic_shape(", ".join(map(str, shape)), scope=scope) if shape else () for shape in shapes
    ]


def _example_shapes(model: JaxTracedModel) -> list[Any]:
    return [node.outputs[0].example_shape for node in model.graph.inputs]


@contextmanager
def _without_paths() -> Iterator[None]:
    """No names of source files in what is exported."""
    name = "jax_traceback_in_locations_limit"
    before = jax.config.values[name]
    jax.config.update(name, 0)
    try:
        yield
    finally:
        jax.config.update(name, before)


def described(model: JaxTracedModel, written: Written) -> list[Mapping[str, Any]]:
    """The file's inputs: name, dtype, and shape with `batch` for what is free."""
    return [_described(node, written.has_free_batch) for node in model.graph.inputs]


def _described(node: Node, has_free_batch: bool) -> Mapping[str, Any]:
    value = node.outputs[0]
    shape = value.shape if has_free_batch else value.example_shape
    return {"name": node.name, "dtype": value.dtype, "shape": list(shape)}
