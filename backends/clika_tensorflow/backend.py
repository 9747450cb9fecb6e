"""`TensorFlowBackend`: finds TensorFlow and Keras models and traces them. TensorFlow is imported when a method needs
it, not before."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from clika_core.backend.gaps import Gap, GapKind
from clika_core.backend.interface import Backend, BackendDescription, TracedModel
from clika_core.errors import MissingDependencyError, ModelError
from clika_tensorflow.quiet_import import import_tensorflow, when_imported

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

    from clika_core.backend.model_file import FileFormat
    from clika_core.backend.workers import Workers
    from clika_core.targets.target import Target

INSTALL: Final = 'pip install "clika-core[tensorflow]"'
DISTRIBUTIONS: Final = ("tensorflow", "tensorflow-cpu")

SAVED_MODEL: Final = "saved_model.pb"
"""What the folder of a SavedModel holds."""

TESTED: Final = ("2.21", "2.21.0")
"""The oldest and the newest release that the tests ran with: the extra's lower bound, and the pinned one."""

CAPABILITIES: Final = ("trace", "run", "interpret", "preprocess", "native", "parameters")

GAPS: Final = (
    Gap(
        "training the demo's network anew",
        GapKind.BY_DESIGN,
        "its shipped weights are those that the PyTorch backend trains",
    ),
    Gap(
        "loops and branches on data, recurrent layers with masks or initial states",
        GapKind.NOT_YET,
        "a graph has no node for While and If",
    ),
    Gap(
        "state that a call writes",
        GapKind.BY_DESIGN,
        "a traced model computes its results and keeps no state between calls",
    ),
    Gap(
        "dropout and batch statistics while training",
        GapKind.BY_DESIGN,
        "a traced model is the model in inference",
    ),
)


class TensorFlowBackend(Backend):
    """TensorFlow models: Keras models and layers, `tf.Module`, SavedModels that were loaded."""

    name = "tensorflow"
    distribution = "clika-core[tensorflow]"
    launching = (
        "start one process per device, with TF_CONFIG, and let it join the others: clika_tensorflow.workers"
    )

    def accepts(self, model: Any) -> bool:
        """Whether `model` is a Keras layer, a `tf.Module` or the folder of a SavedModel.

        Where neither Keras nor TensorFlow was imported, nothing but a folder can be one.
        """
        if isinstance(model, str | Path):
            return (Path(model) / SAVED_MODEL).is_file()
        keras, tensorflow = sys.modules.get("keras"), sys.modules.get("tensorflow")
        is_layer = hasattr(keras, "layers") and isinstance(model, keras.layers.Layer)  # type: ignore[union-attr]
        if is_layer or not hasattr(tensorflow, "Module"):
            return bool(is_layer)
        return isinstance(model, tensorflow.Module) or hasattr(model, "signatures")  # type: ignore[union-attr]

    def before_user_code(self) -> None:
        """TensorFlow's start-up messages stay off the console where the user's file imports it."""
        when_imported()

    def trace(self, model: Any, example_inputs: Any, *, name: str | None = None) -> TracedModel:
        """Trace `model` in inference, or the SavedModel in a folder; see `clika_tensorflow.tracing`.

        Raises `MissingDependencyError` without TensorFlow, `TraceError` for a model that cannot be traced.
        """
        _import()
        from clika_tensorflow.tracing import loaded, trace

        if isinstance(model, str | Path):
            return trace(loaded(Path(model)), example_inputs, name=name or Path(model).name)
        return trace(model, example_inputs, name=name)

    def workers(self) -> Workers:
        """The processes that this one joined, see `clika_tensorflow.workers`."""
        _import()
        from clika_tensorflow.workers import joined

        return joined()

    def set_seed(self, seed: int) -> None:
        """Seed TensorFlow and Keras, where they are loaded."""
        if hasattr(sys.modules.get("tensorflow"), "random"):
            from clika_tensorflow.random_state import set_seed

            set_seed(seed)

    def random_state(self) -> Mapping[str, NDArray[Any]]:
        """The state of TensorFlow's and Keras' global random numbers; those inside of graphs are not reached."""
        _import()
        from clika_tensorflow.random_state import random_state

        return random_state()

    def set_random_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over a state that `random_state` gave."""
        _import()
        from clika_tensorflow.random_state import set_random_state

        set_random_state(state)

    def describe(self) -> BackendDescription:
        """Version and devices, or the problem that keeps TensorFlow from being imported."""
        version = _version()
        if version is None:
            return _unusable(f"TensorFlow is not installed: {INSTALL}")
        try:
            devices = tuple(device.device_type.lower() for device in _import().config.list_physical_devices())
        except Exception as error:  # noqa: BLE001 - a broken installation raises whatever it likes
            return _unusable(f"TensorFlow cannot be imported: {error}")
        return BackendDescription(
            self.name, "TensorFlow", version, devices, CAPABILITIES, GAPS, tested=TESTED
        )

    def demo_network(self, weights: Path | None = None) -> Any:
        """The demo's network with the shipped weights or those of a safetensors file."""
        _import()
        from clika_tensorflow.demo_network import demo_network

        return demo_network(weights or True)

    def file_format(self, target: Target) -> FileFormat:
        """`.tflite` files; see `clika_tensorflow.tflite`. Raises TargetError for any other."""
        if target.file_suffix != ".tflite":
            return super().file_format(target)
        from clika_tensorflow.tflite.file_format import TfliteFormat

        return TfliteFormat()

    def demo_inputs(self, images: NDArray[Any]) -> NDArray[Any]:
        """Images [N, 1, 28, 28] with channels last."""
        return images.transpose(0, 2, 3, 1)

    def train_demo_network(self, folder: Path, *, seed: int, progress: Callable[[str], None]) -> Path:
        """Not here: the shipped weights are PyTorch's. Raises ModelError saying so."""
        raise ModelError(
            "the demo's network is trained by the PyTorch backend alone",
            found="--train with the backend tensorflow",
            fix="clika demo --backend torch --train, or leave --train out",
        )


def _version() -> str | None:
    for distribution in DISTRIBUTIONS:
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return None


def _unusable(problem: str) -> BackendDescription:
    return BackendDescription("tensorflow", "TensorFlow", None, problem=problem)


def _import() -> ModuleType:
    try:
        return import_tensorflow()
    except ImportError as error:
        raise MissingDependencyError(
            "this model needs TensorFlow, which cannot be imported", found=str(error), fix=INSTALL
        ) from error
