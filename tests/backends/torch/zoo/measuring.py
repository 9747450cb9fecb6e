"""`measure`: one architecture through the whole of the main job, and what came of it."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from unittest import mock

import numpy as np
import torch

from clika_core.ir.operators import is_weighted
from clika_core.pipeline import deployment
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import quantize_traced
from clika_core.planning.tail import tails
from clika_core.settings.model import Settings
from clika_core.targets.ort import ORT
from clika_torch import tracing
from clika_torch.exporting import export
from clika_torch.structure import flatten
from clika_torch.traced_model import TorchTracedModel
from tests.backends.torch.zoo.entry import Entry


@dataclass(frozen=True)
class Row:
    """What the table says of one model; times are processor seconds, distances relative L2.

    `export_seconds` are torch.export's own part of `trace_seconds`. `floor` is what float32 costs against float64.
    """

    name: str
    family: str
    layers: int
    weighted: int
    quantized: int
    tail: int
    trace_seconds: float
    export_seconds: float
    faithful: float
    simulated: float
    deployed: float
    floor: float
    latency_ratio: float | None

    @property
    def own_share(self) -> float:
        """What tracing adds to torch.export, as a share of it."""
        return self.trace_seconds / self.export_seconds - 1

    def to_json(self) -> dict[str, Any]:
        """Plain members."""
        return asdict(self)


def measure(entry: Entry, *, with_latency: bool = True) -> Row:
    """Trace, run, quantize, simulate, deploy and run again. Raises what any step raises."""
    model = entry.model()
    traced, trace_seconds, export_seconds = _traced(model, entry.inputs(2))
    faithful = _distance(_leaves(traced.run(entry.inputs(3))), _leaves(_called(model, entry.inputs(3))))
    data = Batches([entry.inputs(4), entry.inputs(3)])
    quantized = quantize_traced(traced, Settings(), ORT, data, lambda _: None)
    batch = [np.asarray(x) for x in traced.flatten_inputs(entry.inputs(5))]
    simulated = deployment.run_simulation(quantized, [batch])
    file = deployment.deploy(quantized)
    shipped = deployment.run_deployed(file.quantized, [batch])
    graph = traced.graph
    latency = deployment.latencies(file, [array[:1] for array in batch]) if with_latency else None
    return Row(
        entry.name,
        entry.family,
        len(graph.layers),
        sum(map(is_weighted, graph.layers)),
        len(quantized.plan.quantized),
        len(tails(graph, [node.name for node in graph.outputs])),
        trace_seconds,
        export_seconds,
        faithful,
        deployment.relative_distance(simulated, deployment.run_float(traced, [batch])),
        deployment.relative_distance(shipped, simulated),
        _floor(model, entry.inputs(5)),
        latency["float"] / latency["int8"] if latency else None,
    )


def _traced(model: torch.nn.Module, inputs: Any) -> tuple[TorchTracedModel, float, float]:
    spent: list[float] = []
    with mock.patch("clika_torch.tracing.export", _timed(export, spent)):
        started = time.process_time()
        traced = tracing.trace(model, inputs)
        whole = time.process_time() - started
    return traced, whole, sum(spent)


def _timed(function: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        started = time.process_time()
        try:
            return function(*args)
        finally:
            spent.append(time.process_time() - started)

    return run


def _called(model: torch.nn.Module, inputs: Any) -> Any:
    with torch.no_grad():
        return model(**inputs) if isinstance(inputs, dict) else model(*inputs)


def _leaves(result: Any) -> list[torch.Tensor]:
    return [leaf for leaf in flatten(result).leaves.values() if leaf.is_floating_point()]


def _distance(found: list[torch.Tensor], expected: list[torch.Tensor]) -> float:
    pairs = list(zip(found, expected, strict=True))
    error = sum(float((a.double() - b.double()).square().sum()) for a, b in pairs)
    return float(np.sqrt(error / max(sum(float(b.double().square().sum()) for _, b in pairs), 1e-300)))


def _floor(model: torch.nn.Module, inputs: Any) -> float:
    """Relative L2 of the model in float32 to the model in float64; NaN where it does not run in float64."""

    def wide(value: Any) -> Any:
        return value.double() if isinstance(value, torch.Tensor) and value.is_floating_point() else value

    doubled = (
        {k: wide(v) for k, v in inputs.items()} if isinstance(inputs, dict) else tuple(map(wide, inputs))
    )
    try:
        exact = _leaves(_called(copy.deepcopy(model).double(), doubled))
    except (RuntimeError, TypeError):
        return float("nan")
    return _distance(_leaves(_called(model, inputs)), exact)
