"""`measure`: one architecture through the whole of the main job, and what came of it."""

from __future__ import annotations

import pkgutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import ArrayOps, TracedModel
from clika_core.backend.model_file import Arrays
from clika_core.ir.operators import is_weighted
from clika_core.pipeline import deployment
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import Quantized, quantize_traced
from clika_core.planning.tail import tails
from clika_core.settings.model import Settings
from clika_core.targets.ort import ORT
from tests.backends.zoo.entry import Entry, Zoo
from tests.backends.zoo.exact_floats import run_with_exact_floats


@dataclass(frozen=True)
class Row:
    """What the table says of one model; times are processor seconds, distances relative L2.

    `capture_seconds` are the framework's own part of `trace_seconds`. `floor` is what float32 costs the float model
    against float64, `turned` what it costs the quantized one: see `exact_floats`.
    """

    name: str
    family: str
    layers: int
    weighted: int
    quantized: int
    tail: int
    trace_seconds: float
    capture_seconds: float
    faithful: float
    simulated: float
    deployed: float
    floor: float | None
    turned: float | None
    latency_ratio: float | None

    @property
    def own_share(self) -> float:
        """What tracing adds to the framework's capture, as a share of it."""
        return self.trace_seconds / self.capture_seconds - 1

    def to_json(self) -> dict[str, Any]:
        """Plain members."""
        return asdict(self)


def measure(zoo: Zoo, entry: Entry, *, with_latency: bool = True) -> Row:
    """Trace, run, quantize, simulate, deploy and run again. Raises what any step raises."""
    model = zoo.model(entry)
    traced, trace_seconds, capture_seconds = _traced(zoo, model, entry.inputs(2))
    arrays = traced.arrays
    faithful = deployment.relative_distance(
        [_floats(zoo, arrays, traced.run(entry.inputs(3)))],
        [_floats(zoo, arrays, zoo.call(model, entry.inputs(3)))],
    )
    data = Batches([entry.inputs(4), entry.inputs(3)])
    quantized = quantize_traced(traced, Settings(), ORT, data, lambda _: None)
    batch = [arrays.to_numpy(x) for x in traced.flatten_inputs(entry.inputs(5))]
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
        capture_seconds,
        faithful,
        deployment.relative_distance(simulated, deployment.run_float(traced, [batch])),
        deployment.relative_distance(shipped, simulated),
        _floor(zoo, arrays, model, entry.inputs(5)),
        _turned(quantized, batch, simulated),
        latency["float"] / latency["int8"] if latency else None,
    )


def _traced(zoo: Zoo, model: Any, inputs: Any) -> tuple[TracedModel, float, float]:
    spent: list[float] = []
    with mock.patch(zoo.capture, _timed(pkgutil.resolve_name(zoo.capture), spent)):
        started = time.process_time()
        traced = zoo.harness.backend.trace(model, inputs)
        whole = time.process_time() - started
    return traced, whole, sum(spent)


def _timed(function: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        started = time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            spent.append(time.process_time() - started)

    return run


def _floats(zoo: Zoo, arrays: ArrayOps, result: Any) -> Sequence[NDArray[Any]]:
    found = map(arrays.to_numpy, zoo.leaves(result))
    return [array for array in found if np.issubdtype(array.dtype, np.floating)]


def _turned(quantized: Quantized, batch: Arrays, simulated: Sequence[Arrays]) -> float | None:
    """Relative L2 of the simulation to that with float layers in float64; None where one does not run in it."""
    try:
        exact = run_with_exact_floats(quantized, batch)
    except (RuntimeError, TypeError, ValueError):
        return None
    return deployment.relative_distance(simulated, [exact])


def _floor(zoo: Zoo, arrays: ArrayOps, model: Any, inputs: Any) -> float | None:
    """Relative L2 of the model in float32 to the model in float64; None where it does not run in float64."""
    try:
        wide = zoo.widened(model, inputs)
        if wide is None:
            return None
        exact = _floats(zoo, arrays, zoo.call(*wide))
    except (RuntimeError, TypeError):
        return None
    return deployment.relative_distance([_floats(zoo, arrays, zoo.call(model, inputs))], [exact])
