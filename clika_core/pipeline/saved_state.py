"""`SavedState`: what a `.pompom` holds of a training, as objects. `clika_core.training.pompom` is the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from clika_core.backend.array_model import ArrayModel
from clika_core.backend.interface import TracedModel
from clika_core.backend.layer_parameters import of_every_size
from clika_core.backend.trainable import NativeState, StoredProgram
from clika_core.errors import ClikaError, StateError
from clika_core.ir.graph import Graph
from clika_core.ir.removals import removals
from clika_core.ir.snapshot import graph_from_json, graph_to_json
from clika_core.pipeline.environment import versions
from clika_core.planning.sensitivities import Sensitivity
from clika_core.settings.load import Format, parse_settings
from clika_core.settings.model import Settings
from clika_core.settings.save import json_text
from clika_core.simulation.parameters import Parameters
from clika_core.training.feed import Position
from clika_core.training.pompom import Pompom, grouped, read_pompom, write_pompom
from clika_core.training.randomness import RandomState
from clika_core.training.summary import History

T = TypeVar("T")
Weights = Mapping[str, Mapping[str, NDArray[Any]]]


@dataclass(frozen=True)
class SavedState:
    """A training after `epoch` epochs and `step` batches.

    `original` is the traced model before preprocessing, `weights` are those of the preprocessed one by layer and
    role, as trained; `native` is the backend's own state. `learning_rate` is what training went on with.
    """

    backend: str
    graph: Graph
    original: StoredProgram | None
    settings: Settings
    target: str
    sensitivities: Mapping[str, Sensitivity]
    parameters: Parameters
    weights: Weights
    native: NativeState
    position: Position
    random_state: RandomState
    evaluation_random_state: RandomState
    epoch: int = 0
    step: int = 0
    seed: int = 0
    learning_rate: float | None = None
    history: History = field(default_factory=History)
    written_with: Mapping[str, str] = field(default_factory=versions)

    def model(self) -> ArrayModel:
        """The preprocessed model as graph and arrays."""
        return ArrayModel(self.graph, removals(self.graph), self.weights)

    def save(self, path: Path) -> None:
        """Write the file. Raises OutputError."""
        content = {
            "backend": self.backend,
            "graph": graph_to_json(self.graph),
            "original": None if self.original is None else self.original.values,
            "settings": json_text(self.settings),
            "target": self.target,
            "sensitivities": {name: [s.qs, s.abs_l2] for name, s in self.sensitivities.items()},
            "parameters": self.parameters.to_json(),
            "weights": {layer: list(own) for layer, own in self.weights.items()},
            "native": self.native.values,
            "position": {"passes": list(self.position.passes), "is_open": self.position.is_open},
            "epoch": self.epoch,
            "step": self.step,
            "seed": self.seed,
            "learning_rate": self.learning_rate,
            "history": self.history.to_json(),
            "written_with": dict(self.written_with),
        }
        arrays = {
            **grouped("original", self.original.arrays if self.original else {}),
            **grouped("weights", {f"{n}/{r}": a for n, own in self.weights.items() for r, a in own.items()}),
            **grouped("native", self.native.arrays),
            **grouped("position", self.position.random_state),
            **grouped("random", self.random_state),
            **grouped("evaluation", self.evaluation_random_state),
        }
        write_pompom(path, Pompom(_finite(content), arrays))

    @classmethod
    def load(cls, path: str | Path) -> SavedState:
        """Read the file. Raises StateError for anything that `save` does not write."""
        pompom = read_pompom(path)
        try:
            return _state(pompom)
        except StateError:
            raise
        except (ClikaError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise StateError(
                f"{path} is damaged",
                found=f"{type(error).__name__}: {error}",
                fix="use the state of another epoch",
            ) from error


def weights_of(model: TracedModel) -> Weights:
    """The parametric operands of every layer that stays, by layer and role."""
    return {
        node.name: held
        for node in model.graph.layers
        if node.name not in model.removed and (held := of_every_size(model.parameters(node.name)))
    }


def _state(pompom: Pompom) -> SavedState:
    content = pompom.content
    values = content["original"]
    arrays = pompom.group("weights")
    return SavedState(
        backend=_a(str, content["backend"]),
        graph=graph_from_json(content["graph"], "the saved graph"),
        original=None if values is None else StoredProgram(values, pompom.group("original")),
        settings=parse_settings(content["settings"], "the saved settings", Format.JSON),
        target=_a(str, content["target"]),
        sensitivities={
            name: Sensitivity(*map(_number, pair)) for name, pair in content["sensitivities"].items()
        },
        parameters=Parameters.from_json(content["parameters"]),
        weights={
            layer: {r: arrays[f"{layer}/{r}"] for r in roles} for layer, roles in content["weights"].items()
        },
        native=NativeState(pompom.group("native"), content["native"]),
        position=Position(
            pompom.group("position"),
            tuple(_a(int, count) for count in content["position"]["passes"]),
            _a(bool, content["position"]["is_open"]),
        ),
        random_state=pompom.group("random"),
        evaluation_random_state=pompom.group("evaluation"),
        epoch=_a(int, content["epoch"]),
        step=_a(int, content["step"]),
        seed=_a(int, content["seed"]),
        learning_rate=content["learning_rate"],
        history=History.from_json(content["history"]),
        written_with=content["written_with"],
    )


def _a(kind: type[T], value: T) -> T:
    if type(value) is not kind:
        raise TypeError(f"{value!r:.40} where {kind} belongs")
    return value


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _finite(value: Any) -> Any:
    """Numbers that JSON does not have, as the strings that `float` reads."""
    if isinstance(value, float) and value - value != 0:
        return str(value)
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
