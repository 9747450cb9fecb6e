"""`NativeModel`: the quantized model as a pure function and a pytree of parameters.

native.params                          a nested dict of arrays, by the names in the user's model
native.params["ranges"]                the scales of values and weights, by layer, beside them
native.apply(params, x)                pure: jit, grad, vmap and shard it
native(x)                              with its own parameters

Ranges are held fixed: their gradients are zero, so that an optimizer made for weights leaves them as they are. To
train them too, with learning rates of their own (LSQ), take `native.with_trained_ranges()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import jax.numpy as jnp
from jax import lax
from numpy.typing import NDArray

from clika_core.backend.interface import Program as NativeProgram
from clika_core.backend.interface import RangedProgram
from clika_core.backend.interpreter import LayerRole
from clika_core.backend.schedule import Schedule
from clika_jax.inputs import as_arrays
from clika_jax.interpreter import Held
from clika_jax.loops.running import rolled
from clika_jax.operation import Operation
from clika_jax.trace import Trace
from clika_jax.traced_model import JaxTracedModel

Path = tuple[str, ...]

STATISTICS: Final = frozenset({"running_mean", "running_var"})
RANGES: Final = "ranges"
"""Where ranges are in the tree, with a `_` more where the user's model has something of that name."""


@dataclass(frozen=True, slots=True, eq=False)
class _Fixed:
    """How a native model runs, and where each of its arrays is."""

    trace: Trace
    schedule: Schedule[Operation]
    removed: Mapping[str, str | None]
    program: NativeProgram
    state: Mapping[str, Path]
    constants: Mapping[str, Any]
    overrides: Mapping[LayerRole, Path | None]
    ranges: Mapping[str, Path]
    trains_ranges: bool


@dataclass(frozen=True, eq=False)
class NativeModel:
    """Takes and returns what the traced model does; computes the graph's outputs by a program of the core's.

    `params` holds copies of all arrays that a run reads, but for integers and masks that the program itself wrote
    down: there is no gradient to them. A layer's own operand that was replaced or added stands under the layer's
    name.
    """

    params: dict[str, Any]
    fixed: _Fixed

    def apply(self, params: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """The result with `params`, of the structure of `self.params`; depends on nothing else."""
        trace = self.fixed.trace
        arrays = as_arrays(trace.layout.take_call(args, kwargs), trace.graph.inputs)
        own = self.traced(params)
        return own.result(self.run(self.fixed.program, params, arrays), arrays)

    def run(self, program: NativeProgram, params: Mapping[str, Any], arrays: Sequence[Any]) -> Any:
        """What a program gives for the traced model over `params` and inputs beside the graph's.

        While it is traced, iterations of a scan that are one program become a scan again: see `rolling`.
        """

        def outputs(params: Mapping[str, Any], arrays: Sequence[Any]) -> Any:
            return program(self.traced(params), arrays)

        compute = rolled if self.fixed.trace.program.has_loops else _called
        return compute(outputs, params, arrays)

    def traced(self, params: Mapping[str, Any]) -> JaxTracedModel:
        """The traced model over `params`."""
        fixed = self.fixed
        held = Held(
            {**fixed.constants, **{name: _at(params, path) for name, path in fixed.state.items()}},
            {key: None if path is None else _at(params, path) for key, path in fixed.overrides.items()},
        )
        own = JaxTracedModel(fixed.trace, held, fixed.removed, schedule=fixed.schedule)
        own.learned = self._ranges(params)
        return own

    def learned(self) -> dict[str, Any]:
        """The ranges as they are now, by the core's names."""
        return {name: _at(self.params, path) for name, path in self.fixed.ranges.items()}

    def trained_paths(self) -> set[Path]:
        """Where the parameters to train are: floating-point ones of the user's, what was added, ranges.

        Running statistics of norms and constants of the program stay.
        """
        fixed, program = self.fixed, self.fixed.trace.program
        statistics = {
            ref.record
            for region in fixed.trace.regions.values()
            for role, ref in region.weights.items()
            if role in STATISTICS
        }
        found = [
            path
            for name, path in fixed.state.items()
            if program.state[name].is_parameter and name not in statistics
        ]
        found += [path for (_, role), path in fixed.overrides.items() if path and role not in STATISTICS]
        found += fixed.ranges.values() if fixed.trains_ranges else ()
        return {path for path in found if jnp.issubdtype(_at(self.params, path).dtype, jnp.floating)}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result with the model's own parameters; raises DataError where an input does not fit."""
        return self.apply(self.params, *args, **kwargs)

    def _ranges(self, params: Mapping[str, Any]) -> dict[str, Any]:
        found = {name: _at(params, path) for name, path in self.fixed.ranges.items()}
        if self.fixed.trains_ranges:
            return found
        return {name: lax.stop_gradient(scale) for name, scale in found.items()}

    def with_trained_ranges(self) -> NativeModel:
        """The same model with gradients to its ranges, scaled as LSQ does (Esser et al. 2020, section 2.2)."""
        return replace(self, fixed=replace(self.fixed, trains_ranges=True))

    def with_program(self, program: NativeProgram) -> NativeModel:
        """The same model, computed by another program."""
        return replace(self, fixed=replace(self.fixed, program=program))

    def with_params(self, params: Mapping[str, Any]) -> NativeModel:
        """The same model with other parameters, after training for instance."""
        return replace(self, params=dict(params))


def _called(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def native_model(
    model: JaxTracedModel, program: NativeProgram, learned: Mapping[str, NDArray[Any]] | None = None
) -> NativeModel:
    """The native model of a traced one; `learned` are ranges to train, in the place of the program's fixed ones."""
    trace, schedule, held = model.trace, model.schedule, model.held
    visited = {step.node.name for step in schedule.steps}
    taken: set[Path] = set()
    state: dict[str, Path] = {}
    overrides: dict[LayerRole, Path | None] = {}
    params: dict[str, Any] = {}
    for (layer, role), array in held.overrides.items():
        if layer in visited:
            overrides[layer, role] = None if array is None else _claim((layer, role), taken)
            if array is not None:
                _put(params, (layer, role), jnp.array(array))
    constants: dict[str, Any] = {}
    for name, held_array in trace.program.state.items():
        if name in schedule.state and not (held_array.is_parameter or _is_real(held.state[name])):
            constants[name] = jnp.array(held.state[name])
        elif name in schedule.state:
            path = state[name] = _claim(tuple(held_array.name.split(".")), taken)
            _put(params, path, jnp.array(held.state[name]))
    given = program.ranges if learned is None and isinstance(program, RangedProgram) else learned or {}
    above = _claim((RANGES,), taken) if given else ()
    ranges = {name: (*above, name) for name in given}
    for name, path in ranges.items():
        _put(params, path, jnp.array(given[name]))
    fixed = _Fixed(
        trace, schedule, model.removed, program, state, constants, overrides, ranges, learned is not None
    )
    return NativeModel(params, fixed)


def _is_real(array: Any) -> bool:
    return jnp.issubdtype(jnp.asarray(array).dtype, jnp.floating)


def _claim(path: Path, taken: set[Path]) -> Path:
    """The path, or where that is the beginning of another one or continues one, with a `_` more at its end."""
    while any(path[: len(other)] == other or other[: len(path)] == path for other in taken):
        path = (*path[:-1], f"{path[-1]}_")
    taken.add(path)
    return path


def _put(tree: dict[str, Any], path: Path, array: Any) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    tree[path[-1]] = array


def _at(tree: Mapping[str, Any], path: Path) -> Any:
    found: Any = tree
    for part in path:
        found = found[part]
    return found


def paths_of(params: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every array of a tree of parameters with its path."""
    for key, held in params.items():
        if isinstance(held, Mapping):
            yield from paths_of(held, (*above, key))
        else:
            yield (*above, key), held


def merged(arrays: Mapping[Path, Any]) -> dict[str, Any]:
    """The tree whose arrays these are."""
    params: dict[str, Any] = {}
    for path, array in arrays.items():
        _put(params, path, array)
    return params


def leaves(params: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every array of a tree of parameters with its dotted path."""
    for path, array in paths_of(params):
        yield ".".join(path), array
