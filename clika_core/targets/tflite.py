"""LiteRT (TensorFlow Lite): a `.tflite` file with int8 weights and activations and int32 biases.

What is listed here has an int8 kernel in LiteRT's specification of 8-bit quantization. A file holds one scale for all
operands and the output of `same_scales`; softmax, sigmoid and tanh have the outputs that their kernels demand. silu
is two operators there, a sigmoid and a product, both on codes.
"""

from __future__ import annotations

from clika_core.schemes.named import ACTIVATION_INT8, WEIGHT_INT8
from clika_core.targets.conditions import (
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

_MOVES = (
    "identity reshape flatten permute squeeze unsqueeze expand slice select split unbind gather max_pool pad "
    "resize_nearest"
).split()
_ELEMENTWISE = "relu relu6 sigmoid tanh softmax leaky_relu hard_swish".split()

TFLITE = Target(
    name="tflite",
    description="LiteRT, CPU",
    weights=WEIGHT_INT8,
    activations=ACTIVATION_INT8,
    kernels={
        **dict.fromkeys(
            ("conv", "linear"),
            Kernel(Arithmetic.ACCUMULATE, weight_axis=0, condition=only_input_computed, needs_weight=True),
        ),
        "conv_transpose": Kernel(
            Arithmetic.ACCUMULATE,
            weight_axis=1,
            condition=only_input_computed,
            needs_weight=True,
            lanes=8,
        ),
        "add": Kernel(Arithmetic.ELEMENTWISE, condition=all_of(float_operands, unscaled)),
        "mul": Kernel(Arithmetic.ACCUMULATE, condition=float_operands),
        "mean": Kernel(Arithmetic.ELEMENTWISE, condition=mean_over_space),
        "adaptive_avg_pool": Kernel(Arithmetic.ELEMENTWISE, condition=global_pool),
        "avg_pool": Kernel(Arithmetic.ELEMENTWISE, condition=average_of_whole_windows),
        "silu": Kernel(Arithmetic.GATE),
        "prelu": Kernel(Arithmetic.SLOPE, condition=only_input_computed),
        "concat": Kernel(Arithmetic.ELEMENTWISE),
        **dict.fromkeys(_ELEMENTWISE, Kernel(Arithmetic.ELEMENTWISE)),
        **dict.fromkeys(_MOVES, Kernel(Arithmetic.MOVE, condition=moves_data)),
    },
    fusions=dict.fromkeys(("conv", "linear", "add"), CLAMPS),
    fixed_outputs={"softmax": (1 / 256, -128), "sigmoid": (1 / 256, -128), "tanh": (1 / 128, 0)},
    reasons={
        "matmul": "BATCH_MATMUL of LiteRT rounds its sums twice, and one code in 300 would not be the simulation's",
        "attention": "BATCH_MATMUL of LiteRT gives codes, or sums without zero points, and scores are never codes",
    },
    same_scales=("concat", "pad", "max_pool", "reshape"),
    file_suffix=".tflite",
    written_by="tensorflow",
)
