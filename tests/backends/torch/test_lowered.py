"""What onnxruntime computes of a deployed float model is what torch computes, operator by operator."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from clika_core.deployment.onnx_model import float_onnx
from clika_core.deployment.onnx_runtime import Session
from clika_torch.structure import flatten
from clika_torch.tracing import trace
from tests.backends.torch.lowered import LAYERS
from tests.core.deployment.lowering_cases import JUDGED_BY_A_FRAMEWORK


@pytest.mark.parametrize("name", LAYERS)
def test_the_runtime_computes_what_torch_does(name: str) -> None:
    make, shape = LAYERS[name]
    model = make().eval()
    torch.manual_seed(1)
    traced = trace(model, (torch.randn(2, *shape),))
    session = Session(float_onnx(traced).model)
    for size in (3, 1):
        x = torch.randn(size, *shape)
        with torch.no_grad():
            expected = list(flatten(model(x)).leaves.values())
        found = session.run([x.numpy()])
        assert [array.shape for array in found] == [tuple(leaf.shape) for leaf in expected]
        for ours, theirs in zip(expected, found, strict=True):
            np.testing.assert_allclose(theirs, ours.numpy(), rtol=2e-5, atol=1e-5)


def test_every_type_that_numpy_does_not_judge_is_judged_here() -> None:
    found = {
        node.type
        for make, shape in LAYERS.values()
        for node in trace(make().eval(), (torch.randn(2, *shape),)).graph.layers
    }
    assert JUDGED_BY_A_FRAMEWORK - found == set()
