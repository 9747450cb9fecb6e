"""Every operator type computes in onnxruntime what it computes in NumPy; what cannot be written says why."""

from __future__ import annotations

import numpy as np
import pytest

from clika_core.deployment.lowerings import LOWERINGS
from clika_core.deployment.onnx_model import float_onnx
from clika_core.deployment.onnx_runtime import Session
from clika_core.errors import OutputError
from clika_core.targets.ort import ORT
from clika_loopback.model import LoopbackModel
from clika_loopback.traced_model import trace
from tests.core.deployment.lowering_cases import (
    CASES,
    IMAGE,
    JUDGED_BY_A_FRAMEWORK,
    MADE_OF_SIZES,
    Build,
    one,
)
from tests.core.loopback.networks import Sketch, batches


def model_of(build: Build) -> LoopbackModel:
    return build(Sketch(11))


@pytest.mark.parametrize("case", CASES)
def test_the_runtime_computes_what_numpy_does(case: str) -> None:
    model = model_of(CASES[case])
    traced = trace(model, batches(model, size=2)[0])
    session = Session(float_onnx(traced).model)
    for size in (3, 1):  # neither is the batch of the trace
        inputs = batches(model, count=1, size=size, seed=4)[0]
        result = model(*inputs)
        expected = result if isinstance(result, tuple) else (result,)
        found = session.run(inputs)
        assert [array.dtype for array in found] == [array.dtype for array in expected]
        for ours, theirs in zip(expected, found, strict=True):
            np.testing.assert_allclose(theirs, ours, rtol=2e-5, atol=2e-6)


def test_every_lowering_is_tried() -> None:
    models = [model_of(build) for build in CASES.values()]
    layers = {node.type for model in models for node in trace(model, batches(model)[0]).graph.layers}
    assert set(LOWERINGS) - layers == JUDGED_BY_A_FRAMEWORK | MADE_OF_SIZES


def test_every_type_that_the_target_quantizes_can_be_written() -> None:
    assert set(ORT.kernels) - set(LOWERINGS) == set()


REFUSED = {
    "a divisor of its own": (one("avg_pool", kernel_size=(2, 2), divisor=3), "a divisor of its own"),
    "a scaled elu": (one("elu", scale=2.0), "scale and input_scale"),
    "an early softplus": (one("softplus", threshold=1), "linear above 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_written_is_named(case: str) -> None:
    build, found = REFUSED[case]
    model = model_of(build)
    with pytest.raises(OutputError, match=r"layer '\w+_1' cannot be written to ONNX") as error:
        float_onnx(trace(model, batches(model)[0]))
    assert error.value.found is not None
    assert found in error.value.found
    assert error.value.expected


def test_a_layer_that_cannot_be_written_is_named_with_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(LOWERINGS, "relu")
    s = Sketch()
    model = s.output(s.op("relu", s.input("x", *IMAGE), path="blocks.0.act"))
    with pytest.raises(OutputError, match=r"'relu_1' \(blocks\.0\.act\)"):
        float_onnx(trace(model, batches(model)[0]))
