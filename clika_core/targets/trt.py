"""TensorRT: ONNX with QuantizeLinear/DequantizeLinear pairs, int8 symmetric weights and activations.

What is listed here has an int8 kernel by TensorRT's documentation of explicit quantization; it was written, and run
in onnxruntime, but not in TensorRT. Every zero point is 0, so a relu is no saturation of codes: TensorRT fuses it
into the convolution all the same, onnxruntime runs such a convolution in float.
"""

from __future__ import annotations

from clika_core.schemes.named import ACTIVATION_INT8_SYMMETRIC, WEIGHT_INT8
from clika_core.targets.conditions import (
    all_of,
    average_of_whole_windows,
    float_operands,
    global_pool,
    moves_data,
    only_input_computed,
    unscaled,
    weight_on_the_right,
)
from clika_core.targets.target import CLAMPS, Arithmetic, Kernel, Target

_MOVES = (
    "identity reshape flatten permute squeeze unsqueeze slice select split max_pool resize_nearest".split()
)

TRT = Target(
    name="trt",
    description="TensorRT, GPU",
    weights=WEIGHT_INT8,
    activations=ACTIVATION_INT8_SYMMETRIC,
    kernels={
        **dict.fromkeys(
            ("conv", "linear"),
            Kernel(Arithmetic.ACCUMULATE, weight_axis=0, condition=only_input_computed, needs_weight=True),
        ),
        "matmul": Kernel(Arithmetic.ACCUMULATE, condition=all_of(float_operands, weight_on_the_right)),
        "add": Kernel(Arithmetic.ELEMENTWISE, condition=all_of(float_operands, unscaled)),
        "adaptive_avg_pool": Kernel(Arithmetic.ELEMENTWISE, condition=global_pool),
        "avg_pool": Kernel(Arithmetic.ELEMENTWISE, condition=average_of_whole_windows),
        "concat": Kernel(Arithmetic.ELEMENTWISE),
        **dict.fromkeys(CLAMPS, Kernel(Arithmetic.ELEMENTWISE)),
        **dict.fromkeys(_MOVES, Kernel(Arithmetic.MOVE, condition=moves_data)),
    },
    fusions=dict.fromkeys(("conv", "linear", "add"), CLAMPS),
    reasons={
        "attention": "TensorRT fuses attention by patterns of its own, which were not seen at work",
    },
)
