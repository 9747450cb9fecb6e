"""ONNX, run by onnxruntime: the format of every target that names no other writer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clika_core.backend.interface import TracedModel
from clika_core.backend.model_file import FileFormat
from clika_core.deployment.onnx_model import OnnxFile, float_onnx, quantized_onnx
from clika_core.deployment.onnx_runtime import OPTIMIZATION_LEVEL
from clika_core.deployment.shipped import load_shipped
from clika_core.deployment.verification import Verification, verify
from clika_core.deployment.writable import check_writable
from clika_core.ir.graph import Graph
from clika_core.planning.plan import Plan
from clika_core.simulation.visitor import Simulation


class OnnxFormat(FileFormat):
    """Files with QuantizeLinear/DequantizeLinear pairs."""

    runtime = "onnxruntime"
    optimization_level = OPTIMIZATION_LEVEL

    def quantized(self, model: TracedModel, plan: Plan, simulation: Simulation) -> OnnxFile:
        """See `onnx_model`."""
        return quantized_onnx(model, plan, simulation)

    def floating(self, model: TracedModel) -> OnnxFile:
        """The same operators without pairs."""
        return float_onnx(model)

    def check(self, graph: Graph) -> None:
        """See `writable`."""
        check_writable(graph)

    def verify(self, report: Mapping[str, Any], path: Path) -> Verification:
        """See `verification`."""
        return verify(report, load_shipped(path))
