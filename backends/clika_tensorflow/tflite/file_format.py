"""`TfliteFormat`: writes `.tflite` files and runs them in LiteRT."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import TracedModel
from clika_core.backend.model_file import Arrays, FileFormat, ModelFile, Runner
from clika_core.errors import MissingDependencyError
from clika_core.files import write_whole
from clika_core.ir.graph import ValueKey
from clika_core.planning.plan import Plan
from clika_core.simulation.visitor import Simulation
from clika_tensorflow.quiet_import import held_back

if TYPE_CHECKING:
    from clika_tensorflow.tflite.writer import Written


class TfliteFormat(FileFormat):
    """LiteRT on the CPU."""

    runtime, optimization_level = "ai-edge-litert", "default delegate"

    def __init__(self) -> None:
        """Raises MissingDependencyError where LiteRT is not installed."""
        if find_spec("ai_edge_litert") is None:
            raise MissingDependencyError(
                "tflite files need LiteRT", found="not installed", fix='pip install "clika-core[tensorflow]"'
            )

    def quantized(self, model: TracedModel, plan: Plan, simulation: Simulation) -> ModelFile:
        """Int8 where the plan says so."""
        from clika_tensorflow.tflite.writer import write

        return TfliteFile(write(model, plan, simulation))

    def floating(self, model: TracedModel) -> ModelFile:
        """The same operators in float32."""
        from clika_tensorflow.tflite.writer import write

        return TfliteFile(write(model))


class TfliteFile(ModelFile):
    """A file in memory, as `write` made it."""

    def __init__(self, written: Written) -> None:
        """Keep it."""
        self._written = written

    @property
    def num_bytes(self) -> int:
        """The size of the file."""
        return len(self._written.content)

    def save(self, path: Path) -> None:
        """Write the file."""
        write_whole(path, self._written.content, mode=0o644)

    def runner(self, *, num_threads: int = 1) -> Runner:
        """The model in LiteRT, resized where the batch changes."""
        return _Session(self._written.content, num_threads).run

    def codes(self, batches: Iterable[Arrays]) -> Iterator[Mapping[ValueKey, NDArray[Any]]]:
        """What LiteRT computed for every quantized value."""
        if not self._written.codes:
            return
        session = _Session(self._written.probe, 1)
        for batch in batches:
            session.run(batch)
            yield {key: session.tensor(index) for key, index in self._written.codes.items()}


class _Session:
    def __init__(self, content: bytes, num_threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_content=content, num_threads=num_threads)
        self._shapes: list[tuple[int, ...]] = []

    def run(self, batch: Arrays) -> list[NDArray[Any]]:
        """The outputs for inputs in order."""
        details = self._interpreter.get_input_details()
        shapes = [array.shape for array in batch]
        if shapes != self._shapes:
            for detail, shape in zip(details, shapes, strict=True):
                self._interpreter.resize_tensor_input(detail["index"], list(shape))
            with held_back():  # LiteRT tells on the console that it has a delegate
                self._interpreter.allocate_tensors()
            self._shapes = shapes
        for detail, array in zip(details, batch, strict=True):
            self._interpreter.set_tensor(detail["index"], np.ascontiguousarray(array))
        self._interpreter.invoke()
        return [self.tensor(detail["index"]) for detail in self._interpreter.get_output_details()]

    def tensor(self, index: int) -> NDArray[Any]:
        """A copy of a tensor's values."""
        return np.array(self._interpreter.get_tensor(index))
