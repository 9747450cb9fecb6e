"""Convolutions, dense layers, look-ups, recurrent layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clika_core.ir.graph import AttributeValue
from clika_torch.operators.mapping import Attributes, Call, Mapping, roles

_AFFINE = roles("input weight bias")


def _padding(call: Call, kernel: Sequence[Any], dilations: Sequence[Any]) -> AttributeValue:
    """(before, after) per axis; `same` puts the odd one behind."""
    given = call["padding"]
    if given == "valid":
        return ((0, 0),) * len(kernel)
    if given == "same":
        totals = [step * (width - 1) for width, step in zip(kernel, dilations, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    return tuple((pad, pad) for pad in call.numbers("padding", len(kernel)))


def _conv(call: Call) -> Attributes:
    kernel = call.shape("weight")[2:]
    rank = len(kernel)
    dilations = call.numbers("dilation", rank)
    return {
        "kernel_size": kernel,
        "strides": call.numbers("stride", rank),
        "padding": _padding(call, kernel, dilations),
        "dilations": dilations,
        "groups": call["groups"],
    }


def _conv_transpose(call: Call) -> Attributes:
    output_padding = call.numbers("output_padding", call.tensor("weight").dim() - 2)
    return {**_conv(call), "output_padding": output_padding, "weight_output_axis": 1}


def _convolution(call: Call) -> Attributes:
    return _conv_transpose(call) if call["transposed"] else _conv(call)


def _recurrent(call: Call) -> Attributes:
    return {name: call[name] for name in ("num_layers", "bidirectional", "batch_first")}


_RECURRENT = roles("input states*=hx weights*=params")

NATIVE = {
    **{f"aten.conv{n}d": Mapping("conv", _AFFINE, _conv) for n in (1, 2, 3)},
    **{f"aten.conv_transpose{n}d": Mapping("conv_transpose", _AFFINE, _conv_transpose) for n in (1, 2, 3)},
    "aten.convolution": Mapping(
        lambda call: "conv_transpose" if call["transposed"] else "conv", _AFFINE, _convolution
    ),
    "aten.linear": Mapping("linear", _AFFINE),
    "aten.bilinear": Mapping("bilinear", roles("input=input1 other=input2 weight bias")),
    "aten.matmul": Mapping("matmul", roles("input=self other")),
    "aten.mm": Mapping("matmul", roles("input=self other=mat2")),
    "aten.bmm": Mapping("matmul", roles("input=self other=mat2")),
    "aten.mv": Mapping("matmul", roles("input=self other=vec")),
    "aten.dot": Mapping("matmul", roles("input=self other=tensor")),
    "aten.einsum": Mapping("einsum", roles("inputs*=tensors"), lambda call: {"equation": call["equation"]}),
    "aten.embedding": Mapping("embedding", roles("indices weight")),
    "aten.lstm.input": Mapping("lstm", _RECURRENT, _recurrent),
    "aten.gru.input": Mapping("gru", _RECURRENT, _recurrent),
}
