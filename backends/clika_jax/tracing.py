"""Tracing: from a user's model and example inputs to a `JaxTracedModel`.

    traceable -> jaxpr -> flat program, on two batches -> merged -> translator -> core's assembly

A single sample is given as two, so that the batch is free to change; where the two traces differ in more than
sizes, the model is traced for the example's batch alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import jax
import numpy as np

from clika_core.backend.fixed_batch import fixed_batches
from clika_core.errors import ClikaError, TraceError
from clika_core.ir.assembly import assemble
from clika_core.ir.recording import RecordedOutput, Recording, Ref
from clika_jax.attention import plain_attention
from clika_jax.flat import Equation, FlatProgram, Number, Shaped
from clika_jax.flattening import TooLongError, flatten
from clika_jax.inputs import InputLayout, path_text
from clika_jax.interpreter import Held
from clika_jax.masks import with_added_masks
from clika_jax.operators import translation_of
from clika_jax.program import StateArray, TracedProgram
from clika_jax.repetition import without_repetition
from clika_jax.scopes import unmarked
from clika_jax.sizes import SizeMismatchError, merge
from clika_jax.trace import Trace
from clika_jax.trace_errors import explain
from clika_jax.traceable import Traceable, traceable
from clika_jax.traced_model import JaxTracedModel
from clika_jax.translator import Translator

_FREE_BATCH: Final = "write sizes as x.shape[0] in the model"


@dataclass(frozen=True, slots=True, eq=False)
class _Traced:
    """A flat program with the shapes of its inputs and the structure of its result."""

    program: FlatProgram
    inputs: tuple[Shaped, ...]
    result: Any
    paths: tuple[str, ...]
    data: tuple[str, ...]


def trace(model: Any, example_inputs: Any, *, name: str | None = None) -> JaxTracedModel:
    """Trace a model; the user's object is not changed.

    Raises TraceError naming file and line where the model cannot be traced.
    """
    source = traceable(model)
    layout, arrays = InputLayout.of(source.signature, example_inputs)
    shapes = [Shaped(_dtype(a), tuple(a.shape)) for a in arrays]
    batch, traced = _on_two_batches(source, layout, shapes)
    batch_of = None if batch is None else _first_batched(shapes)
    example = (batch or 0) if shapes else 0
    program, recording = _record(source, layout, traced, example, batch_of, name)
    assembly = assemble(recording)
    graph = replace(
        assembly.graph, diagnostics=(*assembly.diagnostics, *fixed_batches(assembly.graph, _FREE_BATCH))
    )
    state = {key: held.array for key, held in program.state.items()}
    return JaxTracedModel(Trace(program, layout, graph, assembly.regions), Held(state, {}))


def _dtype(array: Any) -> Any:
    """The dtype an array has in JAX, which may narrow 64 bits to 32."""
    return jax.dtypes.canonicalize_dtype(array.dtype) if isinstance(array.dtype, np.dtype) else array.dtype


def _first_batched(shapes: Sequence[Shaped]) -> int | None:
    return next((position for position, shaped in enumerate(shapes) if shaped.shape), None)


def _on_two_batches(
    source: Traceable, layout: InputLayout, shapes: Sequence[Shaped]
) -> tuple[int | None, _Traced]:
    """The program for any batch, with the batch of its examples; None and the example's program else."""
    first = _first_batched(shapes)
    batch = None if first is None else max(int(shapes[first].shape[0]), 2)
    merged = None
    if first is not None and batch is not None:
        try:
            merged = _traced_twice(source, layout, shapes, int(shapes[first].shape[0]), batch)
        except ClikaError:
            raise
        except Exception:  # noqa: BLE001 - whatever fails on other batches may work on the one given
            merged = None
    if merged is not None:
        return batch, merged
    try:
        return None, _trace_once(source, layout, shapes)
    except ClikaError:
        raise
    except Exception as error:
        raise explain(error, source.name) from error


def _traced_twice(
    source: Traceable, layout: InputLayout, shapes: Sequence[Shaped], given: int, batch: int
) -> _Traced:
    cells: set[Any] = set()
    first, second = (
        _trace_once(source, layout, [_with_batch(shaped, given, size) for shaped in shapes], cells)
        for size in (batch, batch + 1)
    )
    return _merged(first, second, batch)


def _with_batch(shaped: Shaped, given: int, batch: int) -> Shaped:
    """An input with another number of samples; inputs whose first axis is another size keep theirs."""
    if not shaped.shape or shaped.shape[0] != given:
        return shaped
    return Shaped(shaped.dtype, (batch, *shaped.shape[1:]))


def _trace_once(
    source: Traceable, layout: InputLayout, shapes: Sequence[Shaped], cells: set[Any] | None = None
) -> _Traced:
    names = list(source.arrays)

    def fresh(
        parameters: list[Any], inputs: list[Any]
    ) -> Any:  # a new function: nothing is taken from a cache
        args, kwargs = layout.arguments(inputs)
        return source.call(parameters, args, kwargs)

    inputs = [_struct(shaped.shape, shaped.dtype) for shaped in shapes]
    parameters = [
        jax.ShapeDtypeStruct(np.shape(a), jax.dtypes.canonicalize_dtype(a.dtype))
        for a in source.arrays.values()
    ]
    closed, out = captured(fresh, parameters, inputs)
    data = [f"x_{path}" for path in layout.paths]
    leaves, structure = jax.tree_util.tree_flatten_with_path(out)
    try:
        program = with_added_masks(flatten(closed, [*(f"p_{name}" for name in names), *data], data, cells))
    except TooLongError:
        raise TraceError(
            "the model unrolls into too many operations",
            found="loops that run long",
            expected="a few ten thousand operations",
            fix="trace one step of the loop as a model of its own",
        ) from None
    paths = tuple(path_text(path) for path, _ in leaves)
    return _Traced(program, tuple(shapes), structure, paths, tuple(data))


def captured(function: Callable[..., Any], *arguments: Any) -> tuple[Any, Any]:
    """What JAX makes of a function: its closed jaxpr, and the shapes of its result."""
    with plain_attention():
        closed, out = jax.make_jaxpr(function, return_shape=True)(*arguments)
    return closed, out


def _struct(shape: tuple[int, ...], dtype: Any) -> Any:
    return jax.ShapeDtypeStruct(shape, dtype)


def _merged(first: _Traced, second: _Traced, batch: int) -> _Traced:
    """One program for both: raises SizeMismatchError where they differ in more than sizes."""
    if len(first.program.equations) != len(second.program.equations) or first.result != second.result:
        raise SizeMismatchError("the programs have different lengths")
    equations = tuple(
        _merged_equation(a, b, batch)
        for a, b in zip(first.program.equations, second.program.equations, strict=True)
    )
    for name, array in first.program.constants.items():
        other: Any = second.program.constants.get(name)
        if np.shape(array) != np.shape(other) or not (array is other or np.array_equal(array, other)):
            raise SizeMismatchError("a constant depends on the batch")
    results = tuple(
        _merged_operand(a, b, batch)
        for a, b in zip(first.program.results, second.program.results, strict=True)
    )
    inputs = tuple(_merged_shaped(a, b, batch) for a, b in zip(first.inputs, second.inputs, strict=True))
    program = FlatProgram(first.program.constants, equations, results)
    program = without_repetition(program, first.data)
    return replace(first, program=program, inputs=inputs)


def _merged_equation(a: Equation, b: Equation, batch: int) -> Equation:
    if a.id != b.id or len(a.operands) != len(b.operands):
        raise SizeMismatchError(f"{a.id} and {b.id}")
    return replace(
        a,
        params=merge(dict(a.params), dict(b.params), batch),
        operands=tuple(_merged_operand(x, y, batch) for x, y in zip(a.operands, b.operands, strict=True)),
        outputs=tuple(_merged_shaped(x, y, batch) for x, y in zip(a.outputs, b.outputs, strict=True)),
    )


def _merged_operand(a: Any, b: Any, batch: int) -> Any:
    if isinstance(a, Number) and isinstance(b, Number):
        value = a.value if _is_same(a.value, b.value) else merge(a.value, b.value, batch)
        return Number(value, a.dtype, merge(a.shape, b.shape, batch))
    if a != b:
        raise SizeMismatchError(f"{a} and {b}")
    return a


def _is_same(a: Any, b: Any) -> bool:
    return bool(a == b or (a != a and b != b))


def _merged_shaped(a: Shaped, b: Shaped, batch: int) -> Shaped:
    return Shaped(a.dtype, merge(a.shape, b.shape, batch))


def _record(
    source: Traceable,
    layout: InputLayout,
    traced: _Traced,
    batch: int,
    batch_of: int | None,
    name: str | None,
) -> tuple[TracedProgram, Recording]:
    translator = Translator(batch)
    inputs = tuple(f"x_{path}" for path in layout.paths)
    for path, key, shaped in zip(layout.paths, inputs, traced.inputs, strict=True):
        translator.add_input(key, shaped, layout.signature.argument_path(path))
    state = _state(source, traced.program)
    for key, held in state.items():
        translator.add_parameter(key, Shaped(_dtype(held.array), tuple(np.shape(held.array))), held.name)
    for equation in traced.program.equations:
        translator.add(_placed(equation, source), translation_of(equation.name))
    results = [translator.resolve(result) for result in traced.program.results]
    translator.without_idle_helpers(results)
    outputs = tuple(
        RecordedOutput(result, path)
        for path, result in zip(traced.paths, results, strict=True)
        if isinstance(result, Ref)
    )
    fixed = tuple(None if isinstance(result, Ref) else result for result in results)
    records = [record for record in translator.records if record.id not in _idle(translator, state, results)]
    program = TracedProgram(translator.operations, state, inputs, fixed, traced.result, batch_of)
    recording = Recording(tuple(records), outputs, name or source.name, "jax", jax.__version__)
    return program, recording


def _idle(translator: Translator, state: dict[str, StateArray], results: Sequence[Any]) -> set[str]:
    """Parameters that nothing reads."""
    read = {ref.record for record in translator.records for _, ref in record.operands}
    read |= {result.record for result in results if isinstance(result, Ref)}
    return set(state) - read


def _state(source: Traceable, program: FlatProgram) -> dict[str, StateArray]:
    parameters = {f"p_{name}": StateArray(name, array, True) for name, array in source.arrays.items()}
    constants = {name: StateArray(name, array, False) for name, array in program.constants.items()}
    return {**parameters, **constants}


def _placed(equation: Equation, source: Traceable) -> Equation:
    """The equation with its path from the model on."""
    parts = equation.path.split(".") if equation.path else []
    path = unmarked(parts)
    if path is None and source.keeps_scopes:
        path = ".".join(parts[1:] if parts[:1] == [source.root] else parts) or None
    return replace(equation, path=path)
