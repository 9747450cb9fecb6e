"""OpenVINO on CPU: ONNX with QuantizeLinear/DequantizeLinear pairs, int8 weights, uint8 activations.

What is listed here was seen with an int8 kernel in the execution graph of OpenVINO's CPU plugin (2026.4). Sigmoid,
leaky relu, softmax and products of two activations were seen in float there, so they are not listed.
"""

from __future__ import annotations

from clika_core.schemes.named import ACTIVATION_UINT8, WEIGHT_INT8
from clika_core.targets.conditions import (
    absorbed_by_conv,
    all_of,
    average_of_whole_windows,
    float_operands,
    global_pool,
    mean_over_space,
    moves_data,
    only_input_computed,
    unscaled,
)
from clika_core.targets.target import CLAMPS, Arithmetic, Kernel, Target

_MOVES = "identity reshape flatten permute squeeze unsqueeze slice select split max_pool".split()

OV = Target(
    name="ov",
    description="OpenVINO, CPU",
    weights=WEIGHT_INT8,
    activations=ACTIVATION_UINT8,
    kernels={
        **dict.fromkeys(
            ("conv", "linear"),
            Kernel(Arithmetic.ACCUMULATE, weight_axis=0, condition=only_input_computed, needs_weight=True),
        ),
        "add": Kernel(Arithmetic.ELEMENTWISE, condition=all_of(float_operands, unscaled)),
        "mean": Kernel(Arithmetic.ELEMENTWISE, condition=mean_over_space),
        "adaptive_avg_pool": Kernel(Arithmetic.ELEMENTWISE, condition=global_pool),
        "avg_pool": Kernel(Arithmetic.ELEMENTWISE, condition=average_of_whole_windows),
        "concat": Kernel(Arithmetic.ELEMENTWISE),
        "pad": Kernel(Arithmetic.MOVE, condition=all_of(moves_data, absorbed_by_conv)),
        **dict.fromkeys(CLAMPS, Kernel(Arithmetic.ELEMENTWISE)),
        **dict.fromkeys(_MOVES, Kernel(Arithmetic.MOVE, condition=moves_data)),
    },
    fusions=dict.fromkeys(("conv", "linear", "add"), CLAMPS),
    has_half_range=True,
    reasons={
        "matmul": "OpenVINO multiplies two activations in float",
        "attention": "OpenVINO runs both of its products in float",
        "softmax": "OpenVINO runs it in float",
    },
)
