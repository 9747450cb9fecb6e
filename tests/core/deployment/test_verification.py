"""`verify`: an honest file passes; every way in which a file can break a rule is found, and named by its layer."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from clika_core.deployment import onnx_model
from clika_core.deployment.fences import Fences
from clika_core.deployment.onnx_model import quantized_onnx
from clika_core.deployment.verification import Verification, verify
from clika_core.pipeline.quantization import Quantized
from clika_core.pipeline.report import Outcome, report_json
from tests.core.loopback.networks import Sketch, batches, image_network, sequence_network
from tests.core.loopback.quantizing import quantized, settings_with

Change = Callable[[onnx.ModelProto], None]


def network(skip: tuple[str, ...] = ("conv_2",)) -> tuple[Quantized, dict[str, Any]]:
    s = Sketch(3)
    h = s.op("relu", s.batch_norm(s.conv(s.input("x", 4, 6, 6), 4, 4), 4))
    h = s.op("leaky_relu", s.conv(h, 4, 4))
    h = s.op("flatten", s.op("adaptive_avg_pool", s.conv(h, 4, 4), output_size=(1, 1)))
    model = s.output(s.linear(h, 4, 3))
    settings = settings_with(skip=skip, tail=True)
    found = quantized(model, batches(model), settings=settings)
    return found, report_json(found, settings, Outcome(), 0)


FOUND, REPORT = network()
FILE = quantized_onnx(FOUND.model, FOUND.plan, FOUND.simulation).model


def verified(*changes: Change, report: dict[str, Any] = REPORT) -> Verification:
    model = copy.deepcopy(FILE)
    for change in changes:
        change(model)
    return verify(report, model)


def said(found: Verification) -> list[tuple[str, tuple[str, ...]]]:
    return [(finding.code, finding.related) for finding in found.findings]


def test_an_honest_file_passes_layer_by_layer() -> None:
    found = verified()
    assert found.findings == ()
    by_name = {layer.name: layer for layer in found.layers}
    assert by_name["conv_1"].kernels == {"QLinearConv": True}
    assert by_name["conv_1"].stored == ("int8", "int32")
    assert by_name["conv_2"].precision == "float"
    assert list(by_name["conv_2"].kernels.values()) == [False]
    assert by_name["conv_2"].stored == ()
    assert by_name["linear_1"].precision == "float"
    assert "batch_norm_1" not in by_name


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("make", [image_network, sequence_network])
def test_what_is_deployed_always_passes(make: Any, seed: int) -> None:
    model = make(seed)
    found = quantized(model, batches(model))
    report = report_json(found, settings_with(), Outcome(), 0)
    file = quantized_onnx(found.model, found.plan, found.simulation).model
    assert [str(finding) for finding in verify(report, file).findings] == []


def test_a_float_layer_that_the_runtime_would_quantize_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_model, "find_fences", lambda _: Fences((), ()))
    found, report = network(("conv_3",))
    unfenced = quantized_onnx(found.model, found.plan, found.simulation).model
    assert said(verify(report, unfenced)) == [("float-layer-quantized", ("conv_3",))]


def test_a_file_of_other_rules_is_found() -> None:
    other, _ = network(("conv_3",))
    file = quantized_onnx(other.model, other.plan, other.simulation).model
    codes = said(verify(REPORT, file))
    assert ("float-layer-quantized", ("conv_2",)) in codes
    assert ("quantized-layer-float", ("conv_3",)) in codes


def test_a_float_file_is_found() -> None:
    file = onnx_model.float_onnx(FOUND.model).model
    codes = said(verify(REPORT, file))
    for name in ("conv_1", "conv_3"):
        assert ("quantized-layer-float", (name,)) in codes
    assert ("other-fingerprint", ()) in codes


def constant(model: onnx.ModelProto, name: str) -> Any:
    return next(tensor for tensor in model.graph.initializer if tensor.name == name)


def scaled(name: str) -> Change:
    def change(model: onnx.ModelProto) -> None:
        tensor = constant(model, name)
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32(1.01), name))

    return change


def with_float_weight(model: onnx.ModelProto) -> None:
    """The weight of conv_1 dequantized once and for all, as a tool that folds constants does."""
    codes, scale = (numpy_helper.to_array(constant(model, f"conv_1_weight_{x}")) for x in ("codes", "scale"))
    pair = next(node for node in model.graph.node if node.name == "conv_1_weight")
    model.graph.node.remove(pair)
    array = (codes * scale.reshape(-1, 1, 1, 1)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(array, "conv_1_weight"))


def renamed(model: onnx.ModelProto) -> None:
    next(node for node in model.graph.node if node.name == "conv_1").name = "other"


def of_another_graph(model: onnx.ModelProto) -> None:
    next(entry for entry in model.metadata_props if entry.key == "clika.fingerprint").value = "0" * 64


CHANGES: dict[str, tuple[Change, tuple[str, tuple[str, ...]]]] = {
    "another scale of a weight": (scaled("conv_1_weight_scale"), ("other-parameters", ("conv_1",))),
    "another scale of a result": (scaled("relu_1_scale"), ("other-parameters", ("relu_1",))),
    "a weight in float": (with_float_weight, ("quantized-layer-float", ("conv_1",))),
    "a layer that is gone": (renamed, ("missing-layer", ("conv_1",))),
    "another graph": (of_another_graph, ("other-fingerprint", ())),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_changed_file_is_found(case: str) -> None:
    change, expected = CHANGES[case]
    assert expected in said(verified(change))
