"""`WrappedCall`: a layer about to run, shown to a visitor with something changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clika_core.backend.interface import Array, LayerCall
from clika_core.ir.graph import Node


class WrappedCall:
    """The call itself; a subclass overrides what it changes. Implements `LayerCall`."""

    def __init__(self, call: LayerCall) -> None:
        """Stand for `call`."""
        self._call = call

    @property
    def node(self) -> Node:
        """The layer."""
        return self._call.node

    @property
    def inputs(self) -> tuple[Array, ...]:
        """Its inputs as they arrived."""
        return self._call.inputs

    @property
    def weights(self) -> Mapping[str, Array]:
        """Its own operands by role."""
        return self._call.weights

    def run(
        self, inputs: Sequence[Array] | None = None, weights: Mapping[str, Array] | None = None
    ) -> tuple[Array, ...]:
        """Compute the layer natively, as `LayerCall.run` does."""
        return self._call.run(inputs, weights)
