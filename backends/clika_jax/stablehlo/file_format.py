"""`StableHloFormat`: writes `.stablehlo` files with their description, and runs them by XLA."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax import export
from numpy.typing import NDArray

from clika_core.backend.interface import TracedModel
from clika_core.backend.model_file import Arrays, FileFormat, ModelFile, Runner
from clika_core.digests import sha256
from clika_core.errors import MissingDependencyError, ModelError
from clika_core.files import write_whole
from clika_core.ir.graph import ValueKey
from clika_core.planning.plan import Plan
from clika_core.simulation.visitor import Simulation
from clika_jax.stablehlo.writer import Written, described, write
from clika_jax.traced_model import JaxTracedModel

if TYPE_CHECKING:
    from clika_core.deployment.verification import Verification


class StableHloFormat(FileFormat):
    """XLA on the CPU, or wherever JAX runs."""

    runtime, optimization_level = "jax", "XLA's own, on as many threads as it likes"

    def __init__(self) -> None:
        """Raises MissingDependencyError where `jax.export` cannot write."""
        if find_spec("flatbuffers") is None:
            raise MissingDependencyError(
                "stablehlo files need flatbuffers", found="not installed", fix='pip install "clika-core[jax]"'
            )

    def quantized(self, model: TracedModel, plan: Plan, simulation: Simulation) -> ModelFile:
        """The integer program, with weights as int8."""
        own = _own(model)
        written = write(own, simulation)
        said = {
            "fingerprint": plan.graph.fingerprint,
            "target": plan.target,
            "jax": jax.__version__,
            "platforms": list(written.platforms),
            "inputs": described(own, written),
            "outputs": [node.aliases[0] if node.aliases else node.name for node in plan.graph.outputs],
            "precision": {decision.name: str(decision.precision) for decision in plan.decisions},
        }
        return StableHloFile(written, said)

    def floating(self, model: TracedModel) -> ModelFile:
        """The same layers in float."""
        return StableHloFile(write(_own(model)), {})

    def verify(self, report: Mapping[str, Any], path: Path) -> Verification:
        """See `verification`."""
        from clika_jax.stablehlo.verification import verify

        return verify(report, path)


def _own(model: TracedModel) -> JaxTracedModel:
    if not isinstance(model, JaxTracedModel):
        raise ModelError(
            "stablehlo files are written from models of JAX",
            found=f"a model of {model.graph.backend}",
            fix="set deployment_settings.target_framework to ort",
        )
    return model


class StableHloFile(ModelFile):
    """A file in memory, as `write` made it, and what stands beside it."""

    def __init__(self, written: Written, said: Mapping[str, Any]) -> None:
        """Keep both."""
        self._written, self._said = written, said

    @property
    def num_bytes(self) -> int:
        """The size of the file."""
        return len(self._written.content)

    def save(self, path: Path) -> None:
        """Write the file, and beside it `<file>.json` with the plan and the file's digest."""
        write_whole(path, self._written.content, mode=0o644)
        digest = sha256(self._written.content).hexdigest()
        text = json.dumps({"sha256": digest, **self._said}, indent=1) + "\n"
        write_whole(beside(path), text.encode(), mode=0o644)

    def runner(self, *, num_threads: int = 1) -> Runner:
        """The model compiled by XLA, which shares its threads among all models of the process."""
        return _runner(self._written.content)

    def codes(self, batches: Iterable[Arrays]) -> Iterator[Mapping[ValueKey, NDArray[Any]]]:
        """What XLA computed for every quantized value."""
        if not self._written.codes:
            return
        run = _runner(self._written.probe)
        for batch in batches:
            yield dict(zip(self._written.codes, run(batch), strict=True))


def beside(path: Path) -> Path:
    """Where the description of a file is."""
    return path.with_name(path.name + ".json")


def _runner(content: bytes) -> Runner:
    compiled = jax.jit(export.deserialize(bytearray(content)).call)
    return lambda batch: [np.array(value) for value in compiled(*batch)]
