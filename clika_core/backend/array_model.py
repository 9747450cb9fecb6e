"""`ArrayModel`: a preprocessed model as graph and arrays, with nothing to run it: what deployment needs."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from numpy.typing import NDArray

from clika_core.backend.interface import Array, Program, Removals, TracedModel, Visitor
from clika_core.errors import ModelError
from clika_core.ir.graph import Graph


class ArrayModel(TracedModel):
    """The weights of every layer that stays, by role. Running it raises ModelError."""

    def __init__(
        self,
        graph: Graph,
        removed: Mapping[str, str | None],
        weights: Mapping[str, Mapping[str, NDArray[Any]]],
    ) -> None:
        """`weights` are by layer and role, after preprocessing."""
        self.graph = graph
        self.removed = removed
        self._weights = {layer: dict(own) for layer, own in weights.items()}

    def parameters(self, layer: str) -> MutableMapping[str, NDArray[Any]]:
        """The parametric operands of a layer by role."""
        return self._weights.setdefault(layer, {})

    def run(self, inputs: Any) -> Any:
        """Refuse."""
        raise _cannot_run()

    def flatten_inputs(self, inputs: Any) -> tuple[Array, ...]:
        """Refuse."""
        raise _cannot_run()

    def interpret(self, inputs: Sequence[Array], visitor: Visitor) -> tuple[Array, ...]:
        """Refuse."""
        raise _cannot_run()

    def preprocess(self, removals: Removals) -> TracedModel:
        """Refuse: it is preprocessed."""
        raise _cannot_run()

    def native(self, program: Program) -> Any:
        """Refuse."""
        raise _cannot_run()


def _cannot_run() -> ModelError:
    return ModelError(
        "this model is weights alone and cannot be run", fix="deploy it, and run what was deployed"
    )
