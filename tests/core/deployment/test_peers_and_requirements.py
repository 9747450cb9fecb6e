"""onnxruntime's own quantization of the same model, and what is said where the extra is missing."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable

import numpy as np
import pytest

from clika_core.deployment import requirements
from clika_core.deployment.onnx_model import float_onnx
from clika_core.deployment.onnx_runtime import Session
from clika_core.deployment.quantize_static import quantized_by_onnxruntime
from clika_core.errors import MissingDependencyError
from clika_loopback.traced_model import trace
from tests.core.loopback.networks import Sketch, batches


def test_the_peer_is_an_int8_model_close_to_the_float_one() -> None:
    s = Sketch()
    model = s.output(s.linear(s.op("relu", s.conv(s.input("x", 4, 6, 6), 4, 4)), 6, 3))
    data = batches(model, size=16)
    before = logging.root.manager.disable
    peer = quantized_by_onnxruntime(float_onnx(trace(model, data[0])).model, data)
    assert logging.root.manager.disable == before
    assert any(tensor.data_type == 3 for tensor in peer.graph.initializer)  # INT8
    expected = model(*data[0])
    (found,) = Session(peer).run(data[0])
    assert np.linalg.norm(found - expected) < 0.1 * np.linalg.norm(expected)


def without(*names: str) -> Callable[[str], object]:
    real = importlib.util.find_spec
    return lambda name: None if name in names else real(name)


@pytest.mark.parametrize("missing", [("onnx",), ("onnxruntime",), ("onnx", "onnxruntime")])
def test_what_is_missing_is_named_with_the_install_line(
    missing: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "find_spec", without(*missing))
    with pytest.raises(MissingDependencyError, match=f"deployment needs {' and '.join(missing)}") as error:
        requirements.require_onnx()
    assert error.value.fix == 'pip install "clika-core[onnx]"'


def test_nothing_is_said_where_nothing_is_missing() -> None:
    requirements.require_onnx()
