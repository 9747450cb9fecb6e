"""`dynamic_axes`: which axes beside the batch are free to change while tracing, as users say it.

{"input_ids": [1], "attention_mask": [1]}    inputs by the names they have in the graph
{0: [2, 3]}                                  inputs by position
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

from clika_core.errors import ModelError, nearest

DynamicAxes: TypeAlias = Mapping[str | int, Sequence[int]]
"""Axes by the name or the position of an input, a negative axis counting from the last one.

Of an input inside another (`batch.image`) the end of its name will do where no other input has it.
"""


def free_axes(
    wanted: DynamicAxes | None, names: Sequence[str], shapes: Sequence[Sequence[int]]
) -> tuple[frozenset[int], ...]:
    """The axes that are to be free, counted from the front, one set for each input.

    `names` are those that the inputs have in the graph, `shapes` those of the example. Raises ModelError naming an
    input that is not there, or an axis that it does not have.
    """
    found: list[set[int]] = [set() for _ in names]
    for key, axes in (wanted or {}).items():
        position = _position(key, names)
        for axis in _listed(axes):
            found[position].add(_axis(axis, names[position], shapes[position]))
    return tuple(map(frozenset, found))


def check_example(
    free: Sequence[Collection[int]], names: Sequence[str], shapes: Sequence[Sequence[int]]
) -> None:
    """Raise ModelError for an axis that is to be free beside the batch, and of which the example has too little."""
    for axes, name, shape in zip(free, names, shapes, strict=True):
        for axis in axes:
            if axis and shape[axis] < 2:
                raise ModelError(
                    f"the example shows too little of axis {axis} of input {name!r}, which is to be free",
                    found=f"size {shape[axis]}: models treat 0 and 1 apart",
                    expected="a size of 2 or more",
                    fix="give an example that is longer there",
                )


def _listed(axes: Any) -> tuple[Any, ...]:
    """Several axes, one, or a name for each as `torch.onnx` takes them: `{1: "length"}`."""
    return tuple(axes) if isinstance(axes, Mapping | list | tuple) else (axes,)


def _position(key: Any, names: Sequence[str]) -> int:
    if isinstance(key, int) and not isinstance(key, bool) and 0 <= key < len(names):
        return key
    ends = [name for name in names if name == key or name.endswith(f".{key}")]
    if isinstance(key, str) and (key in names or len(ends) == 1):
        return names.index(key if key in names else ends[0])
    close = nearest(key, list(names)) if isinstance(key, str) else []
    raise ModelError(
        f"dynamic_axes names an input that the model does not have: {key!r}",
        expected=", ".join(f"{name} ({position})" for position, name in enumerate(names)),
        fix=f"did you mean {close[0]!r}?" if close else "name an input, or give its position",
    )


def _axis(axis: Any, name: str, shape: Sequence[int]) -> int:
    rank = len(shape)
    if not isinstance(axis, int) or isinstance(axis, bool) or not -rank <= axis < rank:
        raise ModelError(
            f"dynamic_axes frees an axis that input {name!r} does not have",
            found=repr(axis),
            expected=f"0 to {rank - 1}: its shape in the example is {list(shape)}"
            if rank
            else "no axis: a number",
            fix=f'for example dynamic_axes={{"{name}": [{rank - 1}]}}' if rank else f"leave {name!r} out",
        )
    return axis % rank
