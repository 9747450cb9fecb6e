"""Layers that LiteRT rounds in a way of its own, or computes with several operators: codes are the simulation's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from keras import layers

import clika_core as clika
from clika_core.pipeline import deployment
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import quantize_traced
from clika_core.targets.tflite import TFLITE

IMAGE, SEQUENCE = (16, 16, 3), (24, 6)

MODELS: dict[str, tuple[Callable[[], Sequence[Any]], tuple[int, ...], str]] = {
    "silu": (
        lambda: [layers.Conv2D(8, 3, activation="silu"), layers.Conv2D(8, 3), layers.Activation("swish")],
        IMAGE,
        "LOGISTIC MUL",
    ),
    "prelu": (
        lambda: [
            *(layers.Conv2D(8, 3), layers.PReLU("uniform", shared_axes=[1, 2])),
            *(layers.Conv2D(8, 3, strides=2), layers.PReLU("uniform")),
        ],
        IMAGE,
        "PRELU",
    ),
    "conv_transpose": (
        lambda: [
            layers.Conv2DTranspose(13, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2DTranspose(8, 2, strides=2),
        ],
        IMAGE,
        "TRANSPOSE_CONV",
    ),
    "one_axis": (
        lambda: [
            layers.SeparableConv1D(8, 3),
            layers.Conv1DTranspose(8, 3, strides=2),
            layers.DepthwiseConv1D(3, activation="relu"),
            layers.SeparableConv1D(8, 3, padding="same", dilation_rate=2),
        ],
        SEQUENCE,
        "TRANSPOSE_CONV",
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_code_is_the_simulation_s(name: str) -> None:
    make, shape, operators = MODELS[name]
    keras.utils.set_random_seed(0)
    model = keras.Sequential(make())
    data = [(np.random.default_rng(s).standard_normal((6, *shape)).astype(np.float32),) for s in (1, 2)]
    model(data[0][0])
    settings = clika.Settings()
    settings.global_quantization_settings.skip_tail_quantization = False
    found = quantize_traced(clika.trace(model, data[0][0]), settings, TFLITE, Batches(data), lambda _: None)
    assert {str(decision.precision) for decision in found.plan.decisions} == {"quantized"}
    deployed = deployment.deploy(found)
    for layer, codes in deployment.agreement(found, deployed, data).items():
        assert codes.share_equal >= 0.9999, layer
        assert codes.largest_difference <= 1, layer
    assert set(operators.split()) <= set(integer_operators(deployed.quantized))


def integer_operators(file: Any) -> list[str]:
    """The operators of the file whose results are all int8."""
    interpreter = Interpreter(
        model_content=file._written.content,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    tensors = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    return [
        op["op_name"]
        for op in interpreter._get_ops_details()
        if all(tensors[index]["dtype"] == np.int8 for index in op["outputs"])
    ]
