"""onnxruntime on CPU: ONNX with QuantizeLinear/DequantizeLinear pairs, int8 weights, uint8 activations.

What is listed here was seen in onnxruntime's optimized graphs as an integer kernel; operators it leaves in
float between a pair (LayerNormalization, Gelu, ConvTranspose, ReduceMean, Div, Sub) are not listed.
"""

from __future__ import annotations

from clika_core.schemes.named import ACTIVATION_UINT8, WEIGHT_INT8
from clika_core.targets.conditions import (
    absorbed_by_conv,
    all_of,
    attends,
    average_of_whole_windows,
    float_operands,
    global_pool,
    mean_over_space,
    moves_data,
    only_input_computed,
    same_rank,
    serves_integers,
    unscaled,
    weight_on_the_right,
)
from clika_core.targets.target import CLAMPS, Arithmetic, FloatOrder, Kernel, Target

_MOVES = (
    "identity reshape flatten permute squeeze unsqueeze expand slice select split unbind flip gather max_pool "
    "pixel_shuffle pixel_unshuffle channel_shuffle resize_nearest"
).split()
_ELEMENTWISE = "leaky_relu relu relu6 sigmoid softmax".split()

_SERVES_INTEGERS = serves_integers(lambda: ORT.kernels)

ORT: Target = Target(
    name="ort",
    description="onnxruntime, CPU",
    weights=WEIGHT_INT8,
    activations=ACTIVATION_UINT8,
    kernels={
        "conv": Kernel(
            Arithmetic.ACCUMULATE,
            weight_axis=0,
            condition=only_input_computed,
            needs_weight=True,
            halves_for=("prelu",),
        ),
        "linear": Kernel(
            Arithmetic.ACCUMULATE,
            weight_axis=0,
            condition=only_input_computed,
            needs_weight=True,
            gives_floats=True,
        ),
        "matmul": Kernel(Arithmetic.ACCUMULATE, condition=all_of(float_operands, weight_on_the_right)),
        "attention": Kernel(Arithmetic.ATTEND, condition=attends),
        "add": Kernel(Arithmetic.SUM, condition=all_of(float_operands, unscaled, _SERVES_INTEGERS)),
        "mul": Kernel(Arithmetic.ACCUMULATE, condition=all_of(float_operands, _SERVES_INTEGERS)),
        "mean": Kernel(Arithmetic.AVERAGE, condition=mean_over_space),
        "adaptive_avg_pool": Kernel(Arithmetic.AVERAGE, condition=global_pool),
        "avg_pool": Kernel(Arithmetic.ELEMENTWISE, condition=average_of_whole_windows),
        "concat": Kernel(Arithmetic.ELEMENTWISE),
        "pad": Kernel(Arithmetic.MOVE, condition=all_of(moves_data, absorbed_by_conv)),
        "repeat": Kernel(Arithmetic.MOVE, condition=all_of(moves_data, same_rank)),
        **dict.fromkeys(_ELEMENTWISE, Kernel(Arithmetic.ELEMENTWISE)),
        **dict.fromkeys(_MOVES, Kernel(Arithmetic.MOVE, condition=moves_data)),
    },
    fixed_outputs={"softmax": (1 / 256, 0)},  # its kernel multiplies by floor(1 / scale)
    has_half_range=True,
    fusions=dict.fromkeys(("conv", "linear", "add"), CLAMPS),
    float_orders={"batch_norm": FloatOrder.SCALE_THEN_SHIFT, "resize": FloatOrder.FOUR_NEIGHBOURS},
)
