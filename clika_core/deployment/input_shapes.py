"""Gives the inputs of an ONNX model other shapes: fixed sizes, or sizes that are free to change.

A size that was fixed while tracing can be set free where every operator follows it. That is tried: shapes are
inferred anew, and the model runs at another size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import helper, shape_inference

from clika_core.deployment.onnx_runtime import Session
from clika_core.errors import OutputError

Shape = Sequence[int | None]
_FACTORS = (2, 3)  # the sizes that are tried, as multiples of the traced ones


def with_input_shapes(model: onnx.ModelProto, shapes: Sequence[Shape | None]) -> onnx.ModelProto:
    """A copy of `model` whose inputs have `shapes`; None leaves an input, or sets a size free.

    Raises OutputError for shapes of another number or rank, and for sizes that the model cannot have.
    """
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    inputs = list(changed.graph.input)
    if len(shapes) != len(inputs):
        raise OutputError(
            "input_shapes are not beside the model's inputs",
            found=f"{len(shapes)} shapes",
            expected=f"{len(inputs)}: {', '.join(value.name for value in inputs)}",
        )
    sizes: dict[str, int] = {}
    freed: dict[str, int] = {}
    for value, shape in zip(inputs, shapes, strict=True):
        if shape is not None:
            _set(value, shape, sizes, freed)
    _rename(changed, sizes)
    if not freed:
        return changed
    _forget_shapes(changed)
    try:
        inferred = shape_inference.infer_shapes(changed, strict_mode=True)
        for factor in _FACTORS:
            _run(inferred, {name: size * factor for name, size in freed.items()})
    except Exception as error:  # whatever the checker and the runtime raise
        raise OutputError(
            "this model cannot take other sizes than it was traced with",
            found=" ".join(str(error).split())[:300],
            expected=", ".join(f"{name} = {size}" for name, size in freed.items()),
            fix="fix these sizes in input_shapes, or leave input_shapes out",
        ) from error
    return inferred


def _set(value: onnx.ValueInfoProto, shape: Shape, sizes: dict[str, int], freed: dict[str, int]) -> None:
    """Set one input's shape. `sizes` collects symbols that are fixed, `freed` new symbols with their traced size."""
    axes = value.type.tensor_type.shape.dim
    if len(axes) != len(shape):
        raise OutputError(
            f"input {value.name!r} has another number of axes",
            found=str(list(shape)),
            expected=str(len(axes)),
        )
    for axis, (traced, wanted) in enumerate(zip(axes, shape, strict=True)):
        if traced.dim_param and wanted is not None:
            sizes[traced.dim_param] = wanted
        elif not traced.dim_param and wanted is None:
            name = f"{value.name}_{axis}"
            freed[name] = traced.dim_value
            traced.dim_param = name
        elif not traced.dim_param and wanted != traced.dim_value:
            raise OutputError(
                f"input {value.name!r} was traced with another size on axis {axis}",
                found=str(wanted),
                expected=f"{traced.dim_value}, or None",
                fix="give the size it was traced with, or None to set it free",
            )


def _rename(model: onnx.ModelProto, sizes: Mapping[str, int]) -> None:
    """Replace symbols by numbers, wherever they stand."""
    graph = model.graph
    for value in (*graph.input, *graph.output, *graph.value_info):
        for axis in value.type.tensor_type.shape.dim:
            if axis.dim_param in sizes:
                axis.dim_value = sizes[axis.dim_param]


def _forget_shapes(model: onnx.ModelProto) -> None:
    """Take out what was known of shapes behind the inputs: it holds for the traced sizes."""
    del model.graph.value_info[:]
    for output in model.graph.output:
        for axis in output.type.tensor_type.shape.dim:
            if axis.HasField("dim_value"):
                axis.Clear()


def _run(model: onnx.ModelProto, sizes: Mapping[str, int]) -> None:
    """Run the model at other sizes, on zeros."""
    session = Session(model)
    session.run([_zeros(value, sizes) for value in model.graph.input])


def _zeros(value: onnx.ValueInfoProto, sizes: Mapping[str, int]) -> np.ndarray:
    kind = value.type.tensor_type
    shape = [sizes.get(axis.dim_param, 2) if axis.dim_param else axis.dim_value for axis in kind.shape.dim]
    return np.zeros(shape, helper.tensor_dtype_to_np_dtype(kind.elem_type))
