"""QuantizeLinear/DequantizeLinear pairs. Scales and zero points of one value stay scalars of rank 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.deployment.onnx_builder import OnnxBuilder
from clika_core.numerics import QuantParams, bias_params, quantize, quantize_bias
from clika_core.schemes import PerChannel


def pair(builder: OnnxBuilder, value: str, params: QuantParams, stem: str) -> tuple[str, str]:
    """Quantize `value` and dequantize it again; returns the names of the codes and of the reals.

    The codes are named `<stem>_codes`, the reals `<stem>_dequantized`.
    """
    scale = builder.constant(params.scale, f"{stem}_scale")
    zero_point = builder.constant(params.zero_point.astype(params.format.storage_dtype), f"{stem}_zero_point")
    (codes,) = builder.op("QuantizeLinear", [value, scale, zero_point], f"{stem}_codes")
    (reals,) = builder.op("DequantizeLinear", [codes, scale, zero_point], f"{stem}_dequantized")
    return codes, reals


def stored(builder: OnnxBuilder, array: NDArray[Any], params: QuantParams, stem: str) -> str:
    """A weight stored as codes, with its DequantizeLinear; returns the name of the reals."""
    return _dequantized(builder, quantize(array, params), params, stem)


def stored_bias(
    builder: OnnxBuilder, bias: NDArray[Any], inputs: QuantParams, weight: QuantParams, stem: str
) -> str:
    """A bias stored as int32 codes at scale `scale_x * scale_w`, with its DequantizeLinear."""
    return _dequantized(builder, quantize_bias(bias, inputs, weight), bias_params(inputs, weight), stem)


def _dequantized(builder: OnnxBuilder, codes: NDArray[Any], params: QuantParams, stem: str) -> str:
    name = builder.constant(codes, f"{stem}_codes")
    scale = builder.constant(params.scale, f"{stem}_scale")
    inputs = [name, scale]
    if codes.dtype != np.int32:
        inputs.append(builder.constant(params.zero_point.astype(codes.dtype), f"{stem}_zero_point"))
    axis = params.granularity.axis if isinstance(params.granularity, PerChannel) else None
    return builder.op("DequantizeLinear", inputs, stem, {"axis": axis})[0]
