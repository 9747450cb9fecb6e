"""Deployed files: what the pipeline asks of a format, whoever writes it.

A `Target` names its file's suffix and, where it is not ONNX, the backend that writes it (`written_by`). The core
writes and runs ONNX (`clika_core.deployment.onnx_format`); a backend returns its formats from `Backend.file_format`.
Both get the same things: a preprocessed model, a plan, and the simulation whose parameters the file must hold.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from numpy.typing import NDArray

from clika_core.backend.interface import TracedModel
from clika_core.errors import OutputError
from clika_core.ir.graph import Graph, ValueKey
from clika_core.planning.plan import Plan

if TYPE_CHECKING:
    from clika_core.deployment.verification import Verification
    from clika_core.simulation.visitor import Simulation

Arrays: TypeAlias = Sequence[NDArray[Any]]
Runner: TypeAlias = Callable[[Arrays], "list[NDArray[Any]]"]


class ModelFile(ABC):
    """A model as its runtime reads it, in memory."""

    @property
    @abstractmethod
    def num_bytes(self) -> int:
        """The size of the file."""

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write the file."""

    @abstractmethod
    def runner(self, *, num_threads: int = 1) -> Runner:
        """The model in its runtime: NumPy inputs beside `graph.inputs` to outputs beside `graph.outputs`."""

    @abstractmethod
    def codes(self, batches: Iterable[Arrays]) -> Iterator[Mapping[ValueKey, NDArray[Any]]]:
        """What the runtime computed for every quantized value that can be read, batch by batch.

        Codes as they are stored, in the order of axes that the graph has. Empty for a float model.
        """


class FileFormat(ABC):
    """Writes files of one kind. `runtime` runs them; `optimization_level` is what the figures hold for."""

    runtime: str
    optimization_level: str | None = None

    @abstractmethod
    def quantized(self, model: TracedModel, plan: Plan, simulation: Simulation) -> ModelFile:
        """The quantized model; `model` is preprocessed and `simulation` made from it and `plan`.

        Raises OutputError naming a layer that cannot be written.
        """

    @abstractmethod
    def floating(self, model: TracedModel) -> ModelFile:
        """The preprocessed model in float32, written the same way: the baseline of every comparison."""

    def check(self, graph: Graph) -> None:
        """Raise OutputError where it is seen before any data is read that such files cannot hold `graph`."""
        return

    def verify(self, report: Mapping[str, Any], path: Path) -> Verification:
        """What the file at `path` makes of every layer of a `clika_report.json`, and what is not as that says.

        Raises OutputError where the file cannot be read, and where it cannot be seen what its runtime computes.
        """
        raise OutputError(
            f"{path} cannot be verified",
            found=f"suffix {path.suffix!r}",
            expected="an .onnx or .stablehlo file: of others it cannot be seen what their runtimes compute",
            fix="compare outputs instead: the agreement of simulation and runtime stands in the report",
        )
