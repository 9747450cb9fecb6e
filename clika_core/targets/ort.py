"""onnxruntime on CPU: ONNX with QuantizeLinear/DequantizeLinear pairs, int8 weights, uint8 activations.

What is listed here was seen in onnxruntime's optimized graphs as an integer kernel; operators it leaves in
float between a pair (LayerNormalization, Gelu, ConvTranspose, ReduceMean, Div, Sub) are not listed.
"""

from __future__ import annotations

from clika_core.schemes.named import ACTIVATION_UINT8, WEIGHT_INT8
from clika_core.targets.conditions import float_operands, global_pool, mean_over_space, zero_padding
from clika_core.targets.target import Arithmetic, Kernel, Target

_MOVES = (
    "identity reshape flatten permute squeeze unsqueeze expand slice select split unbind flip gather max_pool "
    "pixel_shuffle pixel_unshuffle channel_shuffle resize_nearest repeat"
).split()
_ELEMENTWISE = "avg_pool leaky_relu relu relu6 sigmoid softmax".split()
_CLAMPS = ("relu", "relu6")  # they start at zero, so saturation of the codes computes them

ORT = Target(
    name="ort",
    description="onnxruntime, CPU",
    weights=WEIGHT_INT8,
    activations=ACTIVATION_UINT8,
    kernels={
        "conv": Kernel(Arithmetic.ACCUMULATE, weight_axis=0, needs_weight=True),
        "linear": Kernel(Arithmetic.ACCUMULATE, weight_axis=0, needs_weight=True),
        "matmul": Kernel(Arithmetic.ACCUMULATE, condition=float_operands),
        "add": Kernel(Arithmetic.ELEMENTWISE, condition=float_operands),
        "mul": Kernel(Arithmetic.ELEMENTWISE, condition=float_operands),
        "mean": Kernel(Arithmetic.ELEMENTWISE, condition=mean_over_space),
        "adaptive_avg_pool": Kernel(Arithmetic.ELEMENTWISE, condition=global_pool),
        "concat": Kernel(Arithmetic.ELEMENTWISE),
        "pad": Kernel(Arithmetic.MOVE, condition=zero_padding),
        **{name: Kernel(Arithmetic.ELEMENTWISE) for name in _ELEMENTWISE},
        **{name: Kernel(Arithmetic.MOVE) for name in _MOVES},
    },
    has_half_range=True,
    fusions={"conv": _CLAMPS, "linear": _CLAMPS, "add": _CLAMPS},
)
