"""A target's files are ONNX, or what the backend that it names writes; a backend that writes none says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clika_core.backend.interface import Backend, TracedModel
from clika_core.backend.model_file import Arrays, FileFormat, ModelFile, Runner
from clika_core.deployment.onnx_format import OnnxFormat
from clika_core.errors import TargetError
from clika_core.ir.graph import ValueKey
from clika_core.pipeline import deployment
from clika_core.planning.plan import Plan
from clika_core.simulation.visitor import Simulation
from clika_core.targets.ort import ORT
from clika_core.targets.target import Target
from clika_loopback.backend import LoopbackBackend
from tests.core.loopback.networks import batches, image_network
from tests.core.loopback.quantizing import quantized

EDGE = replace(ORT, name="edge", file_suffix=".edge", written_by="loopback")


class EchoFile(ModelFile):
    """Runs the simulation itself: what a runtime that agrees in every code would do."""

    def __init__(self, model: TracedModel, simulation: Simulation) -> None:
        self._model, self._simulation = model, simulation

    @property
    def num_bytes(self) -> int:
        return 7

    def save(self, path: Path) -> None:
        path.write_text("edge", encoding="utf-8")

    def runner(self, *, num_threads: int = 1) -> Runner:
        return lambda arrays: list(self._simulation.run(self._model, arrays))

    def codes(self, batches: Iterable[Arrays]) -> Iterator[Mapping[ValueKey, NDArray[Any]]]:
        for batch in batches:
            seen: dict[ValueKey, NDArray[Any]] = {}
            visitor = self._simulation.visitor(self._model.arrays)

            def tap(call: Any, visitor: Any = visitor, seen: Any = seen) -> Any:
                outputs = visitor(call)
                for port, value in enumerate(outputs):
                    params = self._simulation.coded.get((call.node.name, port))
                    if params is not None:
                        seen[call.node.name, port] = np.asarray(value) + float(params.zero_point)
                return outputs

            self._model.interpret(batch, tap)
            yield seen


class EchoFormat(FileFormat):
    runtime, optimization_level = "echo", "none"

    def quantized(self, model: TracedModel, plan: Plan, simulation: Simulation) -> ModelFile:
        return EchoFile(model, simulation)

    def floating(self, model: TracedModel) -> ModelFile:
        return EchoFile(model, Simulation(_wiring(model), {}, (), {}, {}))


def _wiring(model: TracedModel) -> Any:
    from clika_core.planning.wiring import Wiring

    return Wiring(model.graph)


class Writing(LoopbackBackend):
    def file_format(self, target: Target) -> FileFormat:
        return EchoFormat() if target.name == "edge" else super().file_format(target)


def with_backends(monkeypatch: pytest.MonkeyPatch, **found: Backend) -> None:
    monkeypatch.setattr(deployment, "backends", lambda: found)


def test_a_target_that_names_no_writer_is_onnx() -> None:
    chosen = deployment.file_format(ORT)
    assert isinstance(chosen, OnnxFormat)
    assert (chosen.runtime, chosen.optimization_level) == ("onnxruntime", "all")


def test_a_backend_writes_runs_and_agrees(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_backends(monkeypatch, loopback=Writing())
    model = image_network(1)
    data = batches(model)
    found = quantized(model, data, EDGE)
    deployed = deployment.deploy(found)
    assert deployed.save(tmp_path).name == "image_1.edge"
    assert (deployed.quantized.num_bytes, deployed.optimization_level) == (7, "none")
    agreement = deployment.agreement(found, deployed, data)
    assert set(agreement) == {name for name, _ in found.simulation.coded}
    assert all(layer.different == 0 for layer in agreement.values())
    simulated, run = deployment.run_simulation(found, data), deployment.run_deployed(deployed.quantized, data)
    assert deployment.relative_distance(simulated, run) == 0
    assert set(deployment.latencies(deployed, data[0])) == {"float", "int8"}


def test_a_backend_that_writes_no_such_file_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with_backends(monkeypatch, loopback=Writing())
    with pytest.raises(TargetError, match=r"\.other files, which the backend 'loopback' does not write"):
        deployment.file_format(replace(EDGE, name="other", file_suffix=".other"))


def test_a_backend_that_is_not_there_cannot_write(monkeypatch: pytest.MonkeyPatch) -> None:
    with_backends(monkeypatch)
    with pytest.raises(TargetError, match="cannot be written"):
        deployment.file_format(EDGE)
