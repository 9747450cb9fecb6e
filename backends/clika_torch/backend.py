"""`TorchBackend`: finds PyTorch models and traces them. Torch is imported when a method needs it, not before."""

from __future__ import annotations

import copy
import importlib
import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from clika_core.backend.gaps import Gap, GapKind
from clika_core.backend.interface import Backend, BackendDescription, TracedModel
from clika_core.errors import MissingDependencyError, ModelError

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

    from clika_core.backend.dynamic_axes import DynamicAxes
    from clika_core.backend.trainable import StoredProgram
    from clika_core.backend.workers import Workers
    from clika_core.ir.graph import Graph

INSTALL: Final = 'pip install "clika-core[torch]"'

TESTED: Final = ("2.13", "2.13.0")
"""The oldest and the newest release that the tests ran with: the extra's lower bound, and the pinned one."""

CAPABILITIES: Final = ("trace", "run", "interpret", "preprocess", "native", "parameters")

GAPS: Final = (
    Gap("TorchScript modules", GapKind.FRAMEWORK, "torch.export does not trace them"),
    Gap(
        "loops of unknown length and branches on data",
        GapKind.FRAMEWORK,
        "torch.export records one path through the model",
    ),
    Gap(
        "state that a forward pass writes",
        GapKind.BY_DESIGN,
        "a traced model computes its results and keeps no state between calls",
    ),
    Gap(
        "dropout and batch statistics while training",
        GapKind.BY_DESIGN,
        "a traced model is the model in evaluation mode",
    ),
    Gap(
        "compiled quantizers on a GPU",
        GapKind.NOT_YET,
        "Triton's division is not IEEE unless told so: codes are exact eagerly",
    ),
)


class TorchBackend(Backend):
    """PyTorch models: `torch.nn.Module`, on the CPU or a GPU; several processes train together."""

    name = "torch"
    distribution = "clika-core[torch]"
    launching = "torchrun --nproc-per-node 2 your_program.py: as many processes as there are devices"

    def accepts(self, model: Any) -> bool:
        """Whether `model` is an `nn.Module`; where torch was never imported, nothing can be one."""
        torch = sys.modules.get("torch")
        return torch is not None and isinstance(model, torch.nn.Module)

    def trace(
        self,
        model: Any,
        example_inputs: Any,
        *,
        name: str | None = None,
        dynamic_axes: DynamicAxes | None = None,
    ) -> TracedModel:
        """Trace `model` in evaluation mode; see `clika_torch.tracing`.

        Raises `MissingDependencyError` without torch, `TraceError` for a model that cannot be traced.
        """
        _import_torch()
        from clika_torch.tracing import trace

        return trace(model, example_inputs, name=name, dynamic_axes=dynamic_axes)

    def part(self, model: Any, path: str) -> Any:
        """The submodule at `path`; see `clika_torch.parts`."""
        _import_torch()
        from clika_torch.parts import Part

        return Part.of(model, path)

    def calls(self, model: Any, path: str, inputs: Any) -> list[Any]:
        """What the submodule at `path` is given while `model` runs on `inputs`, one entry per call."""
        from clika_torch.parts import calls

        return calls(model, path, inputs)

    def with_parts(self, model: Any, parts: Mapping[str, Any]) -> Any:
        """A copy of the module with other modules in these places."""
        from clika_torch.parts import with_parts

        return with_parts(model, parts)

    def on_device(self, model: Any, device: str) -> Any:
        """The module on `device`, a copy where it has to move; `auto` is the first GPU, else the CPU."""
        torch = _import_torch()
        known = _devices(torch)
        wanted = {"auto": (*known[1:], "cpu")[0], "cuda": "cuda:0"}.get(device, device)
        if wanted not in known:
            raise ModelError(
                f"there is no device {device!r}",
                expected=", ".join(("auto", *known)),
                fix="see `clika backends`",
            )
        held = {str(tensor.device) for tensor in (*model.parameters(), *model.buffers())}
        return model if held <= {wanted} else copy.deepcopy(model).to(wanted)

    def widened(self, model: Any, inputs: Any) -> tuple[Any, Any] | None:
        """Copies of the module and its inputs in float32, where one holds float16 or bfloat16."""
        _import_torch()
        from clika_torch.widening import widened

        return widened(model, inputs)

    def restored(self, program: StoredProgram, graph: Graph) -> TracedModel:
        """The traced model that was stored. Raises StateError for anything else."""
        _import_torch()
        from clika_torch.stored_program import restored_model

        return restored_model(program, graph)

    def workers(self) -> Workers:
        """The process group that `torchrun` started this process for, or that the program made."""
        _import_torch()
        from clika_torch.workers import joined

        return joined()

    def on_own_device(self, model: Any, workers: Workers) -> Any:
        """The model on this worker's GPU where there are GPUs."""
        device = getattr(workers, "device", None)
        return model if device is None else self.on_device(model, str(device))

    def set_seed(self, seed: int) -> None:
        """Seed torch on all devices, where it is loaded."""
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.manual_seed(seed)

    def random_state(self) -> Mapping[str, NDArray[Any]]:
        """The state of torch's generators: the CPU's, and every GPU's that is in use."""
        from clika_torch.random_state import random_state

        return random_state()

    def set_random_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over a state that `random_state` gave."""
        from clika_torch.random_state import set_random_state

        set_random_state(state)

    def describe(self) -> BackendDescription:
        """Version and devices, or the problem that keeps torch from being imported."""
        try:
            version = metadata.version("torch")
            devices = _devices(_import_torch())
        except metadata.PackageNotFoundError:
            return _unusable(None, f"torch is not installed: {INSTALL}")
        except Exception as error:  # noqa: BLE001 - a broken installation raises whatever it likes
            return _unusable(None, f"torch cannot be imported: {error}")
        return BackendDescription(self.name, "PyTorch", version, devices, CAPABILITIES, GAPS, tested=TESTED)

    def demo_network(self, weights: Path | None = None) -> Any:
        """The demo's network in evaluation mode, with the shipped weights or those of a safetensors file."""
        _import_torch()
        from clika_torch.demo_network import demo_network

        return demo_network(weights or True)

    def train_demo_network(self, folder: Path, *, seed: int, progress: Callable[[str], None]) -> Path:
        """Train the demo's network anew; write weights and log into `folder` and return the weights' path."""
        _import_torch()
        from clika_core.demo.weights import WEIGHTS_FILE
        from clika_torch.demo_training import Recipe, train

        train(folder, recipe=Recipe(seed=seed), progress=progress)
        return folder / WEIGHTS_FILE


def _import_torch() -> ModuleType:
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise MissingDependencyError(
            "this model needs PyTorch, which cannot be imported", found=str(error), fix=INSTALL
        ) from error


def _devices(torch: ModuleType) -> tuple[str, ...]:
    return ("cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count())))


def _unusable(version: str | None, problem: str) -> BackendDescription:
    return BackendDescription("torch", "PyTorch", version, problem=problem)
