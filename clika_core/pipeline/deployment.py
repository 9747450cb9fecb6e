"""Deploys a quantized model, and measures what was deployed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import TracedModel
from clika_core.backend.model_file import Arrays, FileFormat, ModelFile
from clika_core.deployment.agreement import layer_agreement
from clika_core.deployment.code_agreement import CodeAgreement
from clika_core.deployment.latency import latency_seconds
from clika_core.deployment.onnx_format import OnnxFormat
from clika_core.numerics import relative_l2, sum_of_squares
from clika_core.pipeline.quantization import Quantized
from clika_core.pipeline.sizes import float_weight_bytes, quantized_weight_bytes
from clika_core.plugins.registry import backends
from clika_core.targets.target import Target


@dataclass(frozen=True)
class Deployed:
    """The deployed file and the float baseline written by the same lowerings."""

    quantized: ModelFile
    floating: ModelFile
    file_name: str
    optimization_level: str | None

    def save(self, folder: Path) -> Path:
        """Write the deployed model into `folder`."""
        path = folder / self.file_name
        self.quantized.save(path)
        return path

    def sizes_bytes(self, quantized: Quantized) -> dict[str, int]:
        """Weights and whole files, float and int8."""
        return {
            "weights_float": float_weight_bytes(quantized.model),
            "weights_quantized": quantized_weight_bytes(quantized),
            "file_float": self.floating.num_bytes,
            "file_quantized": self.quantized.num_bytes,
        }


def file_format(target: Target) -> FileFormat:
    """What writes and runs the target's files. Raises TargetError where nothing does."""
    if target.written_by is None:
        return OnnxFormat()
    writer = backends().get(target.written_by)
    if writer is None:
        target.check_written()
    assert writer is not None
    return writer.file_format(target)


def deploy(quantized: Quantized) -> Deployed:
    """Write the plan for the runtime of its target. Raises OutputError naming a layer that cannot be written.

    Raises TargetError for a target whose files nothing writes.
    """
    chosen = file_format(quantized.target)
    return Deployed(
        chosen.quantized(quantized.model, quantized.plan, quantized.simulation),
        chosen.floating(quantized.floating),
        f"{quantized.plan.graph.name}{quantized.target.file_suffix}",
        chosen.optimization_level,
    )


def agreement(
    quantized: Quantized, deployed: Deployed, batches: Sequence[Arrays]
) -> dict[str, CodeAgreement]:
    """Codes of each quantized value, simulated against deployed, over batches of inputs as NumPy arrays."""
    return layer_agreement(quantized.model, quantized.simulation, deployed.quantized, batches)


def latencies(deployed: Deployed, inputs: Arrays) -> dict[str, float]:
    """Seconds per run on one thread, float and int8 taking turns."""
    return latency_seconds({"float": deployed.floating.runner(), "int8": deployed.quantized.runner()}, inputs)


def runners(
    traced: TracedModel, quantized: Quantized, deployed: Deployed | None
) -> dict[str, Callable[[Arrays], Arrays]]:
    """The float, the simulated and the deployed model as functions of NumPy inputs beside `graph.inputs`."""
    found: dict[str, Callable[[Arrays], Arrays]] = {
        "float": lambda batch: run_float(traced, [batch])[0],
        "quantized": lambda batch: run_simulation(quantized, [batch])[0],
    }
    return found if deployed is None else {**found, "deployed": deployed.quantized.runner()}


def run_simulation(quantized: Quantized, batches: Sequence[Arrays]) -> list[list[NDArray[Any]]]:
    """Outputs of the simulated model, batch by batch, as NumPy arrays."""
    return [
        _to_numpy(quantized.model, quantized.simulation.run(quantized.model, _native(quantized.model, batch)))
        for batch in batches
    ]


def run_float(model: TracedModel, batches: Sequence[Arrays]) -> list[list[NDArray[Any]]]:
    """Outputs of a traced model in float, batch by batch, as NumPy arrays."""
    return [
        _to_numpy(model, model.interpret(_native(model, batch), lambda call: call.run())) for batch in batches
    ]


def run_deployed(deployed: ModelFile, batches: Sequence[Arrays]) -> list[list[NDArray[Any]]]:
    """Outputs of a file in its runtime, batch by batch."""
    run = deployed.runner()
    return [run(batch) for batch in batches]


def relative_distance(found: Sequence[Arrays], reference: Sequence[Arrays]) -> float:
    """||found - reference||2 / ||reference||2 over all floating-point outputs of all batches."""
    pairs = [
        (a, b)
        for left, right in zip(found, reference, strict=True)
        for a, b in zip(left, right, strict=True)
        if np.issubdtype(b.dtype, np.floating)
    ]
    error = sum(sum_of_squares(a, b) for a, b in pairs)
    return relative_l2(error, sum(sum_of_squares(b) for _, b in pairs))


def top1(outputs: Sequence[Arrays]) -> NDArray[np.int64]:
    """The class with the largest score of the first output [N, C], for each sample."""
    return np.concatenate([batch[0].argmax(axis=-1) for batch in outputs])


def _native(model: TracedModel, batch: Arrays) -> list[Any]:
    return list(model.native_inputs(batch))


def _to_numpy(model: TracedModel, outputs: Sequence[Any]) -> list[NDArray[Any]]:
    return [model.arrays.to_numpy(value) for value in outputs]
