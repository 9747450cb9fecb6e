"""Running a function whose loops were unrolled, with loops: one `lax.scan` for every run of equal iterations.

The function is made a jaxpr, unrolled as it is written, in which every equation is marked with its iteration. Two
iterations whose equations are the same differ in what they read: in weights, ranges, and numbers that the simulation
wrote down. Of these,

    what the iteration before computed is carried,
    what all of them read is shared,
    and the rest is stacked along a new axis and scanned over.

Iterations with other decisions are other programs: a run of equal ones ends there. So nothing is assumed of what a
loop computes, and the numbers are those of the unrolled program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import Literal, Var

from clika_jax.loops.finding import Loop, Step, steps
from clika_jax.loops.iterations import marked_runs

Values: TypeAlias = dict[Var, Any]


def rolled(function: Callable[..., Any], *arguments: Any) -> Any:
    """`function(*arguments)`, its loops kept; called eagerly, one operation after the other as ever."""
    given = jax.tree.leaves(arguments)
    if not any(isinstance(value, jax.core.Tracer) for value in given):
        return function(*arguments)
    with marked_runs():  # a new function: nothing is taken from a cache
        closed, shape = jax.make_jaxpr(lambda *held: function(*held), return_shape=True)(*arguments)
    values: Values = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
    values.update(zip(closed.jaxpr.invars, given, strict=True))
    _run(steps(closed.jaxpr.eqns, closed.jaxpr.outvars), values)
    results = [_read(atom, values) for atom in closed.jaxpr.outvars]
    return jax.tree.unflatten(jax.tree.structure(shape), results)


def _run(program: Sequence[Step], values: Values) -> None:
    """Compute the steps; their results are added to `values`."""
    entries = _entries(program)
    for step in program:
        if isinstance(step, Loop):
            _scan(step, values, entries)
        else:
            _compute(step, values)


def _read(atom: Any, values: Mapping[Var, Any]) -> Any:
    return atom.val if isinstance(atom, Literal) else values[atom]


def _compute(equation: Any, values: Values) -> None:
    operands = [_read(atom, values) for atom in equation.invars]
    with equation.ctx.manager:
        found = equation.primitive.bind(*operands, **equation.primitive.get_bind_params(equation.params))
    results = found if equation.primitive.multiple_results else [found]
    values.update(zip(equation.outvars, results, strict=True))


def _scan(loop: Loop, values: Values, entries: Mapping[Var, tuple[Var, int]]) -> None:
    """Run a loop; what is read outside of it is added to `values`."""
    carried, stacked = ([variable for variable, _ in held] for held in (loop.carried, loop.stacked))
    collected = [variable for variable, _ in loop.collected]
    results = [result for _, result in loop.carried]
    is_wide = any(map(_is_wide, (*carried, *stacked, *collected)))
    with jax.enable_x64(True) if is_wide else nullcontext():

        def body(state: Any, row: Any) -> tuple[Any, Any]:
            inside = {
                **values,
                **dict(zip(carried, state, strict=True)),
                **dict(zip(stacked, row, strict=True)),
            }
            _run(loop.body, inside)
            return [_strong(inside[result]) for result in results], [inside[each] for each in collected]

        first = [_strong(values[variable]) for variable in carried]
        rows = [_rows(held, values, entries) for _, held in loop.stacked]
        state, gathered = lax.scan(body, first, rows, loop.length)
        ends = dict(zip(results, state, strict=True))
        values.update((end, ends[result]) for result, end in loop.ends)
        for (_, wanted), held in zip(loop.collected, gathered, strict=True):
            for index, variable in enumerate(wanted):
                if variable is not None:
                    values[variable] = lax.index_in_dim(held, index, keepdims=False)


def _is_wide(variable: Any) -> bool:
    return getattr(variable.aval, "dtype", None) in (np.float64, np.int64)


def _strong(value: Any) -> Any:
    """The value with the dtype that it has, whatever it is computed with: a scan carries nothing else."""
    is_weak = getattr(jax.typeof(value), "weak_type", False)
    return lax.convert_element_type(value, value.dtype) if is_weak else value


def _rows(held: Sequence[Any], values: Values, entries: Mapping[Var, tuple[Var, int]]) -> Any:
    """What the iterations have in one place, along a new first axis: where it was cut apart, the array itself."""
    if not isinstance(held[0], Var):
        return jnp.asarray(np.stack(held))
    found = [entries[variable] for variable in held if variable in entries]
    if len(found) == len(held) and len({source for source, _ in found}) == 1:
        array, indices = values[found[0][0]], [index for _, index in found]
        first, last = indices[0], indices[-1]
        if indices == list(range(first, last + 1)):
            return lax.slice_in_dim(array, first, last + 1)
        if indices == list(range(first, last - 1, -1)):
            return lax.rev(lax.slice_in_dim(array, last, first + 1), (0,))
    return jnp.stack([values[variable] for variable in held])


def _entries(program: Sequence[Step]) -> dict[Var, tuple[Var, int]]:
    """The results that are one entry of a variable's first axis: of which variable, and which entry."""
    cut: dict[Var, tuple[Var, int]] = {}
    found: dict[Var, tuple[Var, int]] = {}
    for step in program:
        if isinstance(step, Loop):
            continue
        if step.primitive.name == "slice" and _is_entry(step):
            cut[step.outvars[0]] = (step.invars[0], int(step.params["start_indices"][0]))
        elif step.primitive.name == "squeeze" and step.params["dimensions"] == (0,) and step.invars[0] in cut:
            found[step.outvars[0]] = cut[step.invars[0]]
    return found


def _is_entry(equation: Any) -> bool:
    """Whether a slice is one entry of the first axis."""
    params, (operand,) = equation.params, equation.invars
    starts, limits = params["start_indices"], params["limit_indices"]
    return (
        not isinstance(operand, Literal)
        and len(starts) > 0
        and set(params["strides"] or (1,)) == {1}
        and limits[0] == starts[0] + 1
        and not any(starts[1:])
        and tuple(limits[1:]) == tuple(operand.aval.shape[1:])
    )
