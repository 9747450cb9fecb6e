"""Qualcomm's QNN: ONNX with QuantizeLinear/DequantizeLinear pairs, int8 weights, uint8 or uint16 activations.

What is listed here is in onnxruntime's table of operators that its QNN provider runs on the HTP; it was written, and
run in onnxruntime on CPU, but not on a device. The HTP has no float fallback worth the name, so it lists more.
"""

from __future__ import annotations

from clika_core.schemes.named import ACTIVATION_UINT8, WEIGHT_INT8
from clika_core.targets.conditions import (
    all_of,
    average_of_whole_windows,
    float_operands,
    global_pool,
    mean_over_space,
    moves_data,
    only_input_computed,
    unscaled,
    weight_on_the_right,
)
from clika_core.targets.target import CLAMPS, Arithmetic, Kernel, Target

_MOVES = (
    "identity reshape flatten permute squeeze unsqueeze expand slice select split unbind gather max_pool "
    "pixel_shuffle resize_nearest"
).split()
_ELEMENTWISE = "relu relu6 sigmoid tanh softmax leaky_relu elu hard_swish gelu".split()

QNN = Target(
    name="qnn",
    description="Qualcomm QNN, HTP",
    weights=WEIGHT_INT8,
    activations=ACTIVATION_UINT8,
    kernels={
        **dict.fromkeys(
            ("conv", "linear"),
            Kernel(Arithmetic.ACCUMULATE, weight_axis=0, condition=only_input_computed, needs_weight=True),
        ),
        "matmul": Kernel(Arithmetic.ACCUMULATE, condition=all_of(float_operands, weight_on_the_right)),
        "add": Kernel(Arithmetic.ELEMENTWISE, condition=all_of(float_operands, unscaled)),
        "mul": Kernel(Arithmetic.ACCUMULATE, condition=float_operands),
        "mean": Kernel(Arithmetic.ELEMENTWISE, condition=mean_over_space),
        "adaptive_avg_pool": Kernel(Arithmetic.ELEMENTWISE, condition=global_pool),
        "avg_pool": Kernel(Arithmetic.ELEMENTWISE, condition=average_of_whole_windows),
        "concat": Kernel(Arithmetic.ELEMENTWISE),
        **dict.fromkeys(_ELEMENTWISE, Kernel(Arithmetic.ELEMENTWISE)),
        **dict.fromkeys(_MOVES, Kernel(Arithmetic.MOVE, condition=moves_data)),
    },
    fusions=dict.fromkeys(("conv", "linear", "add"), CLAMPS),
    activation_bits=(8, 16),
    reasons={
        "attention": "the HTP computes on integers alone, and scores are never codes",
    },
)
