"""How each operator type is written. A new one is one new entry in `WRITERS`.

A writer is given the layer with its operands as tensors, all int8 in an integer layer and all float in a float one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from clika_core.errors import OutputError
from clika_core.ir.channels import channel_axis
from clika_core.ir.graph import Node, Value
from clika_core.numerics import QuantParams, bias_params, quantize, quantize_bias
from clika_core.simulation.layer_spec import LayerSpec
from clika_tensorflow.tflite.builder import TfliteBuilder

Writer: TypeAlias = Callable[["Layer"], None]

SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
_FUSED: Final = {
    "": schema.ActivationFunctionType.NONE,
    "relu": schema.ActivationFunctionType.RELU,
    "relu6": schema.ActivationFunctionType.RELU6,
}


@dataclass(frozen=True)
class Layer:
    """One layer about to be written; `fused` is the activation of its group, `output` the tensor it computes."""

    builder: TfliteBuilder
    node: Node
    values: dict[str, Value]
    inputs: dict[str, int]
    arrays: dict[str, NDArray[Any]]
    spec: LayerSpec | None
    fused: str
    output: int

    @property
    def activation(self) -> int:
        """The fused activation, as the format numbers it."""
        return int(_FUSED[self.fused])

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute of the layer."""
        return self.node.attributes.get(name, default)

    def refusal(self, found: str, expected: str) -> OutputError:
        """The error of a layer that cannot be written."""
        where = f" ({self.node.path})" if self.node.path else ""
        return OutputError(
            f"layer {self.node.name!r}{where} cannot be written to tflite", found=found, expected=expected
        )

    def weight(self, array: NDArray[Any], order: Sequence[int]) -> int:
        """The weight with its axes in another order; the channels of its scales are axis 0 before."""
        params = self.spec.weights["weight"] if self.spec is not None else None
        codes = array.astype(np.float32) if params is None else quantize(array, params)
        return self.builder.constant(
            f"{self.node.name}_weight", codes.transpose(order), params, axis=list(order).index(0)
        )

    def bias(self, channels: int) -> int:
        """The bias as int32 codes, or as float; zeros where there is none, which every kernel wants."""
        bias = self.arrays.get("bias", np.zeros(channels, np.float32))
        name = f"{self.node.name}_bias"
        if self.spec is None:
            return self.builder.constant(name, bias.astype(np.float32))
        inputs, weight = self.spec.inputs[0], self.spec.weights["weight"]
        assert inputs is not None
        codes = quantize_bias(bias, inputs, weight)
        return self.builder.constant(name, codes.astype(np.int32), bias_params(inputs, weight))

    def numbers(self, stem: str, numbers: Any) -> int:
        """A constant of int32 numbers."""
        return self.builder.constant(f"{self.node.name}_{stem}", np.asarray(numbers, np.int32))

    def operands(self) -> list[int]:
        """Two operands in order: values, constants and numbers."""
        return [self._operand(role) for role in ("input", "other")]

    def _operand(self, role: str) -> int:
        if role in self.inputs:
            return self.inputs[role]
        array = np.asarray(self.arrays.get(role, self.attribute(role)), np.float32)
        params: QuantParams | None = self.spec.weights.get(role) if self.spec is not None else None
        codes = array if params is None else quantize(array, params)
        return self.builder.constant(f"{self.node.name}_{role}", codes, params)


def _padding(layer: Layer, kernel: Sequence[int]) -> int:
    """`SAME` or `VALID`, whichever gives the layer's padding; refused where neither does."""
    pads = tuple(layer.attribute("padding"))
    if not any(map(any, pads)):
        return int(VALID)
    sizes = layer.values["input"].example_shape[1:3]
    dilations = layer.attribute("dilations") or (1, 1)
    same = []
    for size, width, step, gap in zip(sizes, kernel, layer.attribute("strides"), dilations, strict=True):
        total = max((-(-size // step) - 1) * step + (width - 1) * gap + 1 - size, 0)
        same.append((total // 2, total - total // 2))
    if tuple(same) == pads:
        return int(SAME)
    raise layer.refusal(f"padding {pads}", "none, or as much as keeps sizes; pad with a layer of its own")


def _needs_channels_last(layer: Layer) -> None:
    if channel_axis(layer.node) != 3:
        raise layer.refusal("channels that are not on the last axis", "a model with channels last")


def _conv(layer: Layer) -> None:
    _needs_channels_last(layer)
    weight, groups = layer.arrays["weight"], layer.attribute("groups", 1)
    if weight.ndim != 4:
        raise layer.refusal(f"a convolution over {weight.ndim - 2} axes", "two")
    strides, dilations = layer.attribute("strides"), layer.attribute("dilations")
    options: dict[str, Any] = {
        "padding": _padding(layer, weight.shape[2:]),
        "strideH": strides[0],
        "strideW": strides[1],
        "dilationHFactor": dilations[0],
        "dilationWFactor": dilations[1],
        "fusedActivationFunction": layer.activation,
    }
    channels = layer.values["input"].example_shape[3]
    if groups == 1:
        operands = [layer.inputs["input"], layer.weight(weight, (0, 2, 3, 1)), layer.bias(weight.shape[0])]
        layer.builder.op("CONV_2D", operands, [layer.output], "Conv2DOptions", **options)
    elif groups == channels:
        operands = [layer.inputs["input"], layer.weight(weight, (1, 2, 3, 0)), layer.bias(weight.shape[0])]
        options["depthMultiplier"] = weight.shape[0] // channels
        layer.builder.op("DEPTHWISE_CONV_2D", operands, [layer.output], "DepthwiseConv2DOptions", **options)
    else:
        raise layer.refusal(f"{groups} groups of {channels} channels", "one group, or one for each channel")


def _linear(layer: Layer) -> None:
    weight = layer.arrays["weight"]
    operands = [layer.inputs["input"], layer.weight(weight, (0, 1)), layer.bias(weight.shape[0])]
    layer.builder.op(
        "FULLY_CONNECTED",
        operands,
        [layer.output],
        "FullyConnectedOptions",
        keepNumDims=len(layer.values["input"].shape) > 2,
        fusedActivationFunction=layer.activation,
    )


def _binary(kind: str, options: str) -> Writer:
    return lambda layer: layer.builder.op(
        kind, layer.operands(), [layer.output], options, fusedActivationFunction=layer.activation
    )


def _plain(kind: str, options: str = "", **attributes: Any) -> Writer:
    return lambda layer: layer.builder.op(
        kind, [layer.inputs["input"]], [layer.output], options, **attributes
    )


def _global_pool(layer: Layer) -> None:
    _needs_channels_last(layer)
    if any(size != 1 for size in layer.attribute("output_size")):
        raise layer.refusal(f"a pool to {layer.attribute('output_size')}", "a global pool")
    _reduced(layer, (1, 2), layer.attribute("keep_dims", True))


def _mean(layer: Layer) -> None:
    _reduced(layer, layer.attribute("axes"), layer.attribute("keep_dims"))


def _reduced(layer: Layer, axes: Sequence[int], keep_dims: bool) -> None:
    operands = [layer.inputs["input"], layer.numbers("axes", axes)]
    layer.builder.op("MEAN", operands, [layer.output], "ReducerOptions", keepDims=keep_dims)


def _max_pool(layer: Layer) -> None:
    _needs_channels_last(layer)
    kernel, strides = layer.attribute("kernel_size"), layer.attribute("strides")
    layer.builder.op(
        "MAX_POOL_2D",
        [layer.inputs["input"]],
        [layer.output],
        "Pool2DOptions",
        padding=_padding(layer, kernel),
        filterHeight=kernel[0],
        filterWidth=kernel[1],
        strideH=strides[0],
        strideW=strides[1],
    )


def _reshape(layer: Layer) -> None:
    shape = [size if isinstance(size, int) else -1 for size in layer.node.outputs[0].shape]
    if shape.count(-1) > 1:
        raise layer.refusal(f"a shape with {shape.count(-1)} free sizes", "one")
    operands = [layer.inputs["input"], layer.numbers("shape", shape)]
    layer.builder.op("RESHAPE", operands, [layer.output], "ReshapeOptions", newShape=shape)


def _permute(layer: Layer) -> None:
    operands = [layer.inputs["input"], layer.numbers("axes", layer.attribute("axes"))]
    layer.builder.op("TRANSPOSE", operands, [layer.output], "TransposeOptions")


def _pad(layer: Layer) -> None:
    if layer.attribute("mode", "constant") != "constant" or layer.attribute("value", 0):
        raise layer.refusal(f"padding of mode {layer.attribute('mode')}", "padding with zeros")
    operands = [layer.inputs["input"], layer.numbers("pads", layer.attribute("pads"))]
    layer.builder.op("PAD", operands, [layer.output], "PadOptions")


def _concat(layer: Layer) -> None:
    operands = [layer.inputs[role] for role in sorted(layer.inputs, key=lambda role: int(role.split(".")[1]))]
    layer.builder.op(
        "CONCATENATION", operands, [layer.output], "ConcatenationOptions", axis=layer.attribute("axis", 0)
    )


def _softmax(layer: Layer) -> None:
    if layer.attribute("axis", -1) not in (-1, len(layer.node.outputs[0].shape) - 1):
        raise layer.refusal(f"a softmax over axis {layer.attribute('axis')}", "the last axis")
    layer.builder.op("SOFTMAX", [layer.inputs["input"]], [layer.output], "SoftmaxOptions", beta=1.0)


def _resize(layer: Layer) -> None:
    _needs_channels_last(layer)
    operands = [layer.inputs["input"], layer.numbers("size", layer.attribute("size"))]
    layer.builder.op("RESIZE_NEAREST_NEIGHBOR", operands, [layer.output], "ResizeNearestNeighborOptions")


WRITERS: dict[str, Writer] = {
    "conv": _conv,
    "linear": _linear,
    "add": _binary("ADD", "AddOptions"),
    "mul": _binary("MUL", "MulOptions"),
    "sub": _binary("SUB", "SubOptions"),
    "adaptive_avg_pool": _global_pool,
    "mean": _mean,
    "max_pool": _max_pool,
    **dict.fromkeys(("reshape", "flatten", "squeeze", "unsqueeze"), _reshape),
    "permute": _permute,
    "pad": _pad,
    "concat": _concat,
    "resize_nearest": _resize,
    "relu": _plain("RELU"),
    "relu6": _plain("RELU6"),
    "sigmoid": _plain("LOGISTIC"),
    "tanh": _plain("TANH"),
    "softmax": _softmax,
}
