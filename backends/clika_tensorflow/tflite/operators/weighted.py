"""Convolutions, dense layers, matrix products and look-ups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from clika_core.frozen import replace as replace_node
from clika_core.ir.graph import Value
from clika_tensorflow.padding import same_padding
from clika_tensorflow.tflite.operators.layer import Layer, Writer
from clika_tensorflow.tflite.operators.windows import SAME, VALID, padded


def _conv(layer: Layer) -> None:
    layer.needs_channels_last()
    rank = layer.arrays["weight"].ndim - 2
    {1: lambda _: _as_images(layer, _conv_2d), 2: _conv_2d, 3: _conv_3d}[rank](layer)


def _as_images(layer: Layer, write: Writer) -> None:
    """What is over one axis, over images with one row."""
    name = layer.node.name
    attributes = {
        **layer.node.attributes,
        "strides": (1, *layer.attribute("strides")),
        "dilations": (1, *(layer.attribute("dilations") or (1,))),
        "padding": ((0, 0), *layer.attribute("padding")),
        "channel_axis": 3,
    }
    given, result = layer.values["input"], layer.result
    before, after = (params[0] if params else None for params in _params(layer))
    row = layer.one(
        "RESHAPE",
        [layer.inputs["input"], _shape(layer, _with_row(given))],
        _with_row(given),
        "ReshapeOptions",
        before,
    )
    found = layer.builder.value(f"{name}_row", _with_row(result), after)
    image = replace(
        layer,
        node=replace_node(layer.node, attributes=attributes, outputs=(_with_row(result),)),
        values={"input": _with_row(given)},
        inputs={"input": row},
        arrays={**layer.arrays, "weight": layer.arrays["weight"][:, :, None]},
        outputs=(found,),
    )
    write(image)
    layer.write("RESHAPE", [found, _shape(layer, result)], "ReshapeOptions")


def _params(layer: Layer) -> tuple[Any, Any]:
    return (layer.spec.inputs, layer.spec.outputs) if layer.spec is not None else (None, None)


def _with_row(value: Value) -> Value:
    (batch, *shape), (count, *example) = value.shape, value.example_shape
    return Value(value.dtype, (batch, 1, *shape), (count, 1, *example))


def _shape(layer: Layer, value: Value) -> int:
    sizes = [size if isinstance(size, int) else -1 for size in value.shape]
    if sizes.count(-1) > 1:
        raise layer.refusal("a convolution over one axis of free size", "a fixed size, or a fixed batch")
    return layer.numbers("shape", sizes)


def _conv_2d(layer: Layer) -> None:
    """Groups of more than one channel are told from the weight: it has fewer input channels than the input."""
    weight, groups = layer.arrays["weight"], layer.attribute("groups", 1)
    channels = layer.values["input"].example_shape[3]
    data, padding = padded(layer, weight.shape[2:])
    dilations = layer.attribute("dilations") or (1, 1)
    options: dict[str, Any] = {
        "padding": padding,
        "strideH": layer.attribute("strides")[0],
        "strideW": layer.attribute("strides")[1],
        "dilationHFactor": dilations[0],
        "dilationWFactor": dilations[1],
        "fusedActivationFunction": layer.activation,
    }
    is_depthwise = groups == channels and groups > 1
    order = (1, 2, 3, 0) if is_depthwise else (0, 2, 3, 1)
    operands = [data, layer.weight(weight, order), layer.bias(weight.shape[0])]
    if is_depthwise:
        options["depthMultiplier"] = weight.shape[0] // channels
        layer.write("DEPTHWISE_CONV_2D", operands, "DepthwiseConv2DOptions", **options)
    else:
        layer.write("CONV_2D", operands, "Conv2DOptions", **options)


def _conv_3d(layer: Layer) -> None:
    """In float; the weight is [depth, height, width, in, out]."""
    weight = layer.arrays["weight"]
    if layer.attribute("groups", 1) != 1:
        raise layer.refusal(
            f"a convolution over three axes in {layer.attribute('groups')} groups", "one group"
        )
    data, padding = padded(layer, weight.shape[2:])
    strides, dilations = layer.attribute("strides"), layer.attribute("dilations") or (1, 1, 1)
    layer.write(
        "CONV_3D",
        [data, layer.weight(weight, (2, 3, 4, 1, 0)), layer.bias(weight.shape[0])],
        "Conv3DOptions",
        padding=padding,
        strideD=strides[0],
        strideH=strides[1],
        strideW=strides[2],
        dilationDFactor=dilations[0],
        dilationHFactor=dilations[1],
        dilationWFactor=dilations[2],
        fusedActivationFunction=layer.activation,
    )


def _conv_transpose(layer: Layer) -> None:
    """Over one axis or two; the size of the result is an operand, its batch that of the input."""
    layer.needs_channels_last()
    if layer.arrays["weight"].ndim == 3:
        _as_images(layer, _conv_transpose)
        return
    weight, strides = layer.arrays["weight"], layer.attribute("strides")
    dilations = layer.attribute("dilations") or (1, 1)
    if weight.ndim != 4 or layer.attribute("groups", 1) != 1 or any(gap != 1 for gap in dilations):
        raise layer.refusal(
            f"a transposed convolution over {weight.ndim - 2} axes in {layer.attribute('groups', 1)} groups"
            f" with dilations {tuple(dilations)}",
            "one axis or two, one group, no dilation",
        )
    layer.write(
        "TRANSPOSE_CONV",
        [
            _size_of_result(layer),
            layer.weight(weight, (1, 2, 3, 0), channels=1),
            layer.inputs["input"],
            layer.bias(weight.shape[1]),
        ],
        "TransposeConvOptions",
        padding=_transposed_padding(layer, weight.shape[2:]),
        strideH=strides[0],
        strideW=strides[1],
    )


def _transposed_padding(layer: Layer, kernel: tuple[int, ...]) -> int:
    pads = tuple(tuple(pair) for pair in layer.attribute("padding"))
    strides, wanted = layer.attribute("strides"), layer.result.example_shape[1:3]
    if not any(map(any, pads)):
        return VALID
    if pads == same_padding(wanted, kernel, strides, None):
        return SAME
    raise layer.refusal(f"a transposed convolution with padding {pads}", "none, or as much as `same` gives")


def _size_of_result(layer: Layer) -> int:
    if isinstance(layer.result.shape[0], int):
        return layer.numbers("size", layer.result.example_shape)
    shape = layer.one("SHAPE", [layer.inputs["input"]], _integers(4), "ShapeOptions", outType=2)
    first, one = layer.numbers("first", [0]), layer.numbers("one", [1])
    batch = layer.one(
        "STRIDED_SLICE", [shape, first, one, one], _integers(1), "StridedSliceOptions", shrinkAxisMask=0
    )
    rest = layer.numbers("size", layer.result.example_shape[1:])
    return layer.one("CONCATENATION", [batch, rest], _integers(4), "ConcatenationOptions", axis=0)


def _integers(count: int) -> Value:
    return Value("int32", (count,), (count,))


def _linear(layer: Layer) -> None:
    weight = layer.arrays["weight"]
    layer.write(
        "FULLY_CONNECTED",
        [layer.inputs["input"], layer.weight(weight, (0, 1)), layer.bias(weight.shape[0])],
        "FullyConnectedOptions",
        keepNumDims=len(layer.values["input"].shape) > 2,
        fusedActivationFunction=layer.activation,
    )


def _matmul(layer: Layer) -> None:
    layer.write("BATCH_MATMUL", layer.operands(), "BatchMatMulOptions", adjX=False, adjY=False)


def _embedding(layer: Layer) -> None:
    layer.write("GATHER", layer.operands("weight", "indices"), "GatherOptions", axis=0)


WRITERS: dict[str, Writer] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "linear": _linear,
    "matmul": _matmul,
    "embedding": _embedding,
}
