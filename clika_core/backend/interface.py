"""The contract of a backend: it traces and executes; every decision is the core's.

`Backend` finds its models and traces them. A `TracedModel` holds the neutral graph and can run it layer by
layer, letting a *visitor* see and replace what each layer computes. Calibration, sensitivity and the quantized
model are visitors, written once in the core over `ArrayOps`.

    visitor(call) -> outputs        call.node, call.inputs, call.weights; call.run(inputs, weights) -> outputs

`Array` stands for the framework's own tensor type.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from clika_core.backend.array_ops import Array as Array
from clika_core.backend.array_ops import ArrayOps as ArrayOps
from clika_core.backend.gaps import Gap
from clika_core.backend.trainable import Setup, StoredProgram, Trainable, no_training
from clika_core.backend.workers import ALONE, Workers
from clika_core.errors import ModelError, TargetError
from clika_core.ir.graph import Graph, Node

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from clika_core.backend.model_file import FileFormat
    from clika_core.targets.target import Target


class LayerCall(Protocol):
    """One layer about to run. `inputs` stand beside `node.inputs`; `weights` are by role, native arrays."""

    @property
    def node(self) -> Node:
        """The layer."""

    @property
    def inputs(self) -> tuple[Array, ...]:
        """The values of the node's input ports, as the visitor left them at their producers."""

    @property
    def weights(self) -> Mapping[str, Array]:
        """The parametric operands by role."""

    def run(
        self, inputs: Sequence[Array] | None = None, weights: Mapping[str, Array] | None = None
    ) -> tuple[Array, ...]:
        """Compute the layer natively, with other inputs or other weights where given.

        A role missing from `weights` keeps its own value; a role the layer did not have (`bias`) is added where
        the operator has that operand; a role mapped to None is left out where the operator allows it.
        """


Visitor: TypeAlias = Callable[[LayerCall], Sequence[Array]]


@dataclass(frozen=True)
class Removals:
    """What preprocessing takes out: removed layer -> host whose weights absorbed it, or None."""

    into: Mapping[str, str | None] = field(default_factory=dict)


class TracedModel(ABC):
    """A traced model: the neutral graph, and the means to run it. The user's object is never changed."""

    graph: Graph
    arrays: ArrayOps
    removed: Mapping[str, str | None]  # what `preprocess` took out; empty before
    learned: Mapping[str, Array] = MappingProxyType(
        {}
    )  # what a native model trains beside its weights, by name

    @abstractmethod
    def run(self, inputs: Any) -> Any:
        """The model's own result, with its own structure, for `inputs` as the model takes them."""

    def result(self, outputs: Sequence[Array], inputs: Sequence[Array]) -> Any:
        """Values beside `graph.outputs` with the structure of the model's own result.

        A result may also hold what depends on `inputs`, beside `graph.inputs`, alone. A backend that knows no more:
        one output as it is, several as a dict by their paths in the result.
        """
        names = [node.aliases[0] if node.aliases else node.name for node in self.graph.outputs]
        return outputs[0] if len(names) == 1 else dict(zip(names, outputs, strict=True))

    @abstractmethod
    def flatten_inputs(self, inputs: Any) -> tuple[Array, ...]:
        """Native arrays beside `graph.inputs` for inputs as the model takes them (NumPy arrays allowed).

        Raises DataError naming the input when a shape or dtype does not fit.
        """

    def native_inputs(self, arrays: Sequence[NDArray[Any]]) -> tuple[Array, ...]:
        """NumPy arrays beside `graph.inputs`, or outputs, as native arrays where the model runs."""
        return tuple(self.arrays.from_numpy(array) for array in arrays)

    @abstractmethod
    def interpret(self, inputs: Sequence[Array], visitor: Visitor) -> tuple[Array, ...]:
        """Run the graph, each layer through `visitor`; returns values beside `graph.outputs`.

        Removed layers are passed over (their value is their host's or their input's).
        """

    @abstractmethod
    def parameters(self, layer: str) -> MutableMapping[str, NDArray[Any]]:
        """The parametric operands of a layer by role, as NumPy arrays; assignment changes this traced model only.

        Assigning a role that the layer does not have yet (`bias`) adds it.
        """

    @abstractmethod
    def preprocess(self, removals: Removals) -> TracedModel:
        """A copy with own parameters that passes over the removed layers; the graph stays the traced one."""

    @abstractmethod
    def native(self, program: Program) -> Any:
        """A native, trainable model that takes inputs and returns results as the original does.

        Its forward computes the graph's outputs by `program(traced, inputs)`: native inputs beside `graph.inputs`,
        outputs beside `graph.outputs`; `traced` is this model over the native model's own trainable parameters.
        """

    def trainable(self, setup: Setup) -> Trainable:
        """The native model of `setup.program` with an optimizer. Raises ModelError where nothing can be trained."""
        raise no_training(self.graph.backend)

    def stored(self) -> StoredProgram:
        """This model as data, from which `Backend.restored` makes an equal one where the user's code is not.

        Raises ModelError where the backend cannot, naming what stands in the way.
        """
        raise ModelError(
            f"the {self.graph.backend} backend does not write traced models as data",
            found="operations that are code",
            fix="resume with the model itself: clika_resume(..., model=model)",
        )


Program: TypeAlias = Callable[[TracedModel, Sequence[Array]], tuple[Array, ...]]


@runtime_checkable
class RangedProgram(Protocol):
    """A program that computes with the scales in `traced.learned` where they are there.

    `ranges` are those scales by name, float32: a native model may hold them beside its weights.
    """

    @property
    def ranges(self) -> Mapping[str, NDArray[Any]]:
        """The scales."""

    def __call__(self, traced: TracedModel, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """The graph's outputs."""


class Backend(ABC):
    """A framework's plugin. Registration imports no framework; the methods may."""

    name: str
    distribution: str  # what to install: the install line is built from it
    launching: str = "set multi_gpu: false"  # how to start several workers, for an error's "fix"

    @abstractmethod
    def accepts(self, model: Any) -> bool:
        """Whether `model` is this backend's, decided without importing a framework that is not loaded."""

    def before_user_code(self) -> None:
        """Called by the command line before it imports the user's file; imports no framework.

        The place to arrange how the framework will start, where importing it writes messages to the console.
        """
        return

    @abstractmethod
    def trace(self, model: Any, example_inputs: Any, *, name: str | None = None) -> TracedModel:
        """Trace `model` on `example_inputs` (a tuple, list or dict of arrays; a single array is one input).

        A backend that can leave more than the batch free takes `dynamic_axes: DynamicAxes | None = None` as well; it
        is given only where somebody asks for it. See `clika_core.backend.dynamic_axes`.
        """

    def part(self, model: Any, path: str) -> Any:
        """The submodule at `path`, as a model whose layers have the paths that they have in the whole.

        Raises ModelError for an unknown path, and for a backend that takes no models apart.
        """
        raise _in_one_piece(self.name)

    def calls(self, model: Any, path: str, inputs: Any) -> list[Any]:
        """What the submodule at `path` is given while `model` runs on `inputs`: as `trace` takes it, one per call."""
        raise _in_one_piece(self.name)

    def with_parts(self, model: Any, parts: Mapping[str, Any]) -> Any:
        """A copy of the model with native models in these places."""
        raise _in_one_piece(self.name)

    def on_device(self, model: Any, device: str) -> Any:
        """The model on `device` (`auto`: a GPU where there is one), a copy where it has to move.

        Raises ModelError for a device that is not there. A backend that says nothing here runs on the CPU.
        """
        if device not in ("auto", "cpu"):
            raise ModelError(f"{self.name} models run on the CPU", found=f"device {device!r}", fix="use cpu")
        return model

    def widened(self, model: Any, inputs: Any) -> tuple[Any, Any] | None:
        """Copies in float32 of a model in half precision and its inputs; None where it is in none.

        Quantization computes in float32. A backend that says nothing here has such models refused, with what to do.
        """
        return None

    def set_seed(self, seed: int) -> None:
        """Seed the framework's own random numbers, where it is loaded. By default there are none."""
        return

    def workers(self) -> Workers:
        """The processes that a launcher started together, connected; by default this one is alone."""
        return ALONE

    def on_own_device(self, model: Any, workers: Workers) -> Any:
        """The model on the device of this worker, a copy where it has to move; by default as it is."""
        return model

    @abstractmethod
    def describe(self) -> BackendDescription:
        """What is installed. Never raises."""

    @abstractmethod
    def demo_network(self, weights: Path | None = None) -> Any:
        """The demo's network as a native model, with the shipped weights or those of a safetensors file."""

    def file_format(self, target: Target) -> FileFormat:
        """What writes and runs the files of a target that names this backend; TargetError where nothing does."""
        raise TargetError(
            f"files for target {target.name} cannot be written yet",
            found=f"{target.file_suffix} files, which the backend {self.name!r} does not write",
            expected="a target whose files are ONNX",
            fix=f"choose another target, or plan without deploying: clika plan --target {target.name}",
        )

    def demo_inputs(self, images: NDArray[Any]) -> NDArray[Any]:
        """The demo's images, [N, 1, 28, 28], as the demo's network takes them."""
        return images

    @abstractmethod
    def train_demo_network(self, folder: Path, *, seed: int, progress: Callable[[str], None]) -> Path:
        """Train the demo's network anew; write weights and log into `folder` and return the weights' path."""

    def restored(self, program: StoredProgram, graph: Graph) -> TracedModel:
        """The traced model of `graph` that `TracedModel.stored` gave. Raises StateError for anything else."""
        raise no_training(self.name)

    def random_state(self) -> Mapping[str, NDArray[Any]]:
        """The state of the framework's global random numbers; empty where it has none."""
        return {}

    def set_random_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over a state that `random_state` gave."""
        return


@dataclass(frozen=True, slots=True)
class BackendDescription:
    """What `clika backends` shows: version None means not installed, with `problem` saying why.

    `tested` are the oldest and the newest release of the framework that the backend's tests ran with.
    """

    name: str
    framework: str
    version: str | None
    devices: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    problem: str | None = None
    tested: tuple[str, str] | None = None

    @property
    def caution(self) -> str | None:
        """One sentence where the installed release is outside the tested range."""
        if self.version is None or self.tested is None:
            return None
        oldest, newest = self.tested
        if _release(oldest) <= _release(self.version) <= _release(newest, self.version):
            return None
        tried = newest if oldest == newest else f"{oldest} to {newest}"
        return f"{self.framework} {self.version} is outside the tested range ({tried}): results may differ"


def _in_one_piece(backend: str) -> ModelError:
    return ModelError(
        f"the {backend} backend takes no models apart",
        found="only=[...]",
        fix="give the submodule itself, with the inputs that it gets in the whole",
    )


def _release(version: str, like: str | None = None) -> tuple[int, ...]:
    """`2.13.1+cpu` as (2, 13, 1); patch releases are in range, so that `like` lends its third part.

    A part that is no number counts as 0: a pre-release is as good as the release.
    """

    def numbers(text: str) -> list[int]:
        found = re.findall(r"\d+", text.partition("+")[0])[:3]
        return [int(part) for part in found] + [0] * (3 - len(found))

    own = numbers(version)
    return (*own[:2], max(own[2], numbers(like)[2])) if like else tuple(own)
