"""The gradient to a learned scale, eagerly and compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from clika_core.numerics import QuantParams
from clika_core.numerics.gradients import scale_gradient
from clika_core.numerics.native_params import NativeParams
from clika_core.schemes import PerChannel, PerTensor
from clika_core.schemes.formats import IntegerFormat
from clika_core.simulation.learning import quantized
from clika_tensorflow.arrays import TensorFlowArrays


@pytest.mark.parametrize("is_compiled", [False, True])
@pytest.mark.parametrize("granularity", [PerTensor(), PerChannel(0)])
def test_the_gradient_to_a_scale_is_that_of_the_paper(
    granularity: PerTensor | PerChannel, is_compiled: bool
) -> None:
    draws, arrays = np.random.default_rng(0), TensorFlowArrays()
    values, upstream = draws.normal(size=(2, 3, 40)).astype(np.float32)
    scale = np.asarray([0.3, 0.33, 0.36] if isinstance(granularity, PerChannel) else 0.3, np.float32)
    form = IntegerFormat(4, is_signed=True)
    params = QuantParams(scale, np.zeros(scale.shape, np.int32), form, granularity)
    factor = 1 / np.sqrt(values.size / scale.size * form.quant_max)

    def gradient(learned: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(learned)
            own: Any = NativeParams(
                tf.stop_gradient(learned), params.zero_point, form, granularity, learned, factor
            )
            real = arrays.dequantize(quantized(tf.constant(values), own, arrays), own)
            loss = tf.reduce_sum(real * upstream)
        return tape.gradient(loss, learned)

    chosen = tf.function(gradient, jit_compile=True) if is_compiled else gradient
    expected = scale_gradient(values, upstream, params)
    np.testing.assert_allclose(chosen(tf.constant(params.scale)), expected, rtol=1e-5, atol=1e-6)
