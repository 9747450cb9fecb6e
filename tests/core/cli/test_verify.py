"""`clika verify`: exit codes, both forms, and files that are none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import onnx
import pytest

from docs.generators.files import VERIFICATION, VERIFICATION_LAYER
from tests.core.cli import my_network
from tests.core.cli.conftest import Clika
from tests.core.loopback.registered import loopback_registered

REPORT, FILE = "outputs/clika_report.json", "outputs/rater.onnx"


@pytest.fixture(autouse=True)
def _compressed(clika: Clika, tmp_path: Path) -> Iterator[None]:
    my_network.write_npz(str(tmp_path / "data.npz"))
    with loopback_registered():
        outcome = clika("compress", "tests.core.cli.my_network:make", "--data", "data.npz")
        assert outcome.code == 0, outcome.err
        yield


def test_what_compress_wrote_is_verified(clika: Clika) -> None:
    outcome = clika("verify", REPORT, FILE)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.endswith("11 layers: the file honours the report\n")
    assert "linear_3             float      Gemm\n" in outcome.out
    assert "conv_1               quantized  QLinearConv; stores int8, int32\n" in outcome.out


def test_a_finding_exits_with_1_and_names_the_layer(clika: Clika) -> None:
    model = onnx.load_model(FILE)
    next(node for node in model.graph.node if node.name == "linear_1").name = "other"
    onnx.save_model(model, FILE)
    outcome = clika("verify", REPORT, FILE)
    assert outcome.code == 1
    assert "error[missing-layer]: linear_1 is quantized in the report, and not in the file" in outcome.err
    shown = clika("verify", REPORT, FILE, "--format", "json")
    assert shown.code == 1
    found = json.loads(shown.out)
    assert [(item["code"], item["related"]) for item in found["diagnostics"]] == [
        ("missing-layer", ["linear_1"])
    ]
    assert {layer["name"]: layer["precision"] for layer in found["layers"]}["linear_3"] == "float"
    assert found["layers"][0]["kernels"] == [{"type": "QLinearConv", "integer": True}]
    assert (list(found), list(found["layers"][0])) == (list(VERIFICATION), list(VERIFICATION_LAYER))


WITH_LITERT = pytest.mark.skipif(not find_spec("ai_edge_litert"), reason="LiteRT is not installed")


@pytest.mark.parametrize(
    ("report", "deployed", "said"),
    [
        ("model.json", FILE, "is no report"),
        ("empty.json", FILE, "is no complete report"),
        (REPORT, "broken.onnx", "cannot be read as ONNX"),
        pytest.param(REPORT, "model.tflite", "suffix '.tflite'", marks=WITH_LITERT),
    ],
)
def test_a_file_that_is_none_is_told(clika: Clika, report: str, deployed: str, said: str) -> None:
    Path("model.json").write_text("{}")
    Path("empty.json").write_text('{"format": "clika-report"}')
    Path("broken.onnx").write_bytes(b"\x00nothing like it")
    Path("model.tflite").write_bytes(b"")
    outcome = clika("verify", report, deployed)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err
