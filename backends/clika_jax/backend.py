"""`JaxBackend`: finds models of JAX and traces them. JAX is imported when a method needs it, not before."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from clika_core.backend.gaps import Gap, GapKind
from clika_core.backend.interface import Backend, BackendDescription, TracedModel
from clika_core.errors import MissingDependencyError, ModelError
from clika_jax.model import Model

if TYPE_CHECKING:
    from types import ModuleType

    from clika_core.backend.model_file import FileFormat
    from clika_core.backend.workers import Workers
    from clika_core.targets.target import Target

INSTALL: Final = 'pip install "clika-core[jax]"'

TESTED: Final = ("0.10.2", "0.10.2")
"""The oldest and the newest release that the tests ran with: the extra's lower bound, and the pinned one."""

CAPABILITIES: Final = ("trace", "run", "interpret", "preprocess", "native", "parameters")

GAPS: Final = (
    Gap(
        "loops of unknown length and branches on data",
        GapKind.BY_DESIGN,
        "each stays one layer that no target quantizes",
    ),
    Gap(
        "a program's own derivatives (custom_jvp, custom_vjp)",
        GapKind.NOT_YET,
        "a traced model is made of the operations inside, with their derivatives",
    ),
    Gap(
        "dropout and batch statistics while training",
        GapKind.BY_DESIGN,
        "a traced model is the model in evaluation mode",
    ),
    Gap(
        "running an unrolled scan as a scan again",
        GapKind.NOT_YET,
        "it compiles as many blocks as it has iterations: each has ranges of its own",
    ),
    Gap(
        "constants repeated for every sample of a batch, as masks of attention in Linen and Equinox are",
        GapKind.NOT_YET,
        "where a quantized layer reads one, the ONNX file takes the example's batch alone",
    ),
    Gap(
        "recurrent layers that run backwards by `reverse=True`, drop out, or have other gates",
        GapKind.NOT_YET,
        "such a scan is unrolled: every step is layers of its own",
    ),
    Gap(
        "training the demo's network",
        GapKind.NOT_YET,
        "the weights that ship were trained with PyTorch: clika demo --train",
    ),
)

_MODULES: Final = (("flax.nnx", "Module"), ("flax.linen", "Module"), ("equinox", "Module"))


class JaxBackend(Backend):
    """Models of JAX: `clika_jax.Model(fn, params)`, Flax and Equinox modules."""

    name = "jax"
    distribution = "clika-core[jax]"
    launching = "call jax.distributed.initialize(...) first, in every process: one for each device"

    def accepts(self, model: Any) -> bool:
        """Whether `model` is one of these; a library that was never imported made no model."""
        if isinstance(model, Model):
            return True
        loaded = ((sys.modules.get(module), name) for module, name in _MODULES)
        return any(module is not None and isinstance(model, getattr(module, name)) for module, name in loaded)

    def trace(self, model: Any, example_inputs: Any, *, name: str | None = None) -> TracedModel:
        """Trace `model`; see `clika_jax.tracing`.

        Raises `MissingDependencyError` without JAX, `TraceError` for a model that cannot be traced.
        """
        _import_jax()
        from clika_jax.tracing import trace

        return trace(model, example_inputs, name=name)

    def describe(self) -> BackendDescription:
        """Version and devices, or the problem that keeps JAX from being imported."""
        try:
            version = metadata.version("jax")
            devices = tuple(str(device) for device in _import_jax().devices())
        except metadata.PackageNotFoundError:
            return _unusable(None, f"jax is not installed: {INSTALL}")
        except Exception as error:  # noqa: BLE001 - a broken installation raises whatever it likes
            return _unusable(None, f"jax cannot be imported: {error}")
        return BackendDescription(self.name, "JAX", version, devices, CAPABILITIES, GAPS, tested=TESTED)

    def workers(self) -> Workers:
        """The processes that `jax.distributed.initialize` connected."""
        _import_jax()
        from clika_jax.workers import joined

        return joined()

    def demo_network(self, weights: Path | None = None) -> Any:
        """The demo's network, with the shipped weights or those of a safetensors file."""
        _import_jax()
        from clika_jax.demo_network import demo_network

        return demo_network(weights)

    def file_format(self, target: Target) -> FileFormat:
        """`.stablehlo` files; see `clika_jax.stablehlo`. Raises TargetError for any other."""
        if target.file_suffix != ".stablehlo":
            return super().file_format(target)
        _import_jax()
        from clika_jax.stablehlo.file_format import StableHloFormat

        return StableHloFormat()

    def train_demo_network(self, folder: Path, *, seed: int, progress: Callable[[str], None]) -> Path:
        """Refuse: a stated gap."""
        raise ModelError(
            "the demo's network is not trained in JAX yet",
            found="--train with --backend jax",
            fix="train it in PyTorch, clika demo --train, or leave out --train: the weights are the same",
        )


def _import_jax() -> ModuleType:
    try:
        return importlib.import_module("jax")
    except ImportError as error:
        raise MissingDependencyError(
            "this model needs JAX, which cannot be imported", found=str(error), fix=INSTALL
        ) from error


def _unusable(version: str | None, problem: str) -> BackendDescription:
    return BackendDescription("jax", "JAX", version, problem=problem)
