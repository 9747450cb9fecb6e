"""The float model that a quantized one is compared with, and what its layers give for the samples."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, LayerCall, TracedModel, Visitor
from clika_core.backend.interpreter import run_natively
from clika_core.ir.channels import channel_axis
from clika_core.ir.graph import Node
from clika_core.quality.samples import chosen_rows

MAX_ROWS: Final = 1024  # of the outputs of a layer, chosen at random, from which variances are estimated


@dataclass(frozen=True)
class Reference:
    """A preprocessed float model and its samples: native `inputs`, one batch, beside `graph.inputs`.

    `heads` are the layers whose outputs quantized ones may be compared with.
    """

    model: TracedModel
    inputs: Sequence[Array]
    heads: Collection[str]
    _seen: dict[str, OutputSample] = field(default_factory=dict, repr=False, compare=False)

    @property
    def outputs(self) -> Mapping[str, OutputSample]:
        """Samples of the outputs of `heads`: of a pass that `sampling` went along with, else of one of its own."""
        if not self._seen.keys() >= set(self.heads):
            self.model.interpret(self.inputs, self.sampling(run_natively))
        return self._seen

    def sampling(self, visitor: Visitor) -> Visitor:
        """The visitor, which runs layers in float on the samples, with outputs sampled by the way."""

        def visit(call: LayerCall) -> Sequence[Array]:
            outputs = visitor(call)
            if call.node.name in self.heads:
                self._seen[call.node.name] = OutputSample.of(self.model, call.node, outputs[0])
            return outputs

        return visit

    def scaled(self, model: TracedModel, factors: Mapping[str, NDArray[np.float64]]) -> Reference:
        """The reference of a `model` with equal results, whose layers' channels are multiplied by `factors`."""
        seen = {
            name: sample.times(factors[name]) if name in factors else sample
            for name, sample in self._seen.items()
        }
        return Reference(model, self.inputs, self.heads, seen)


@dataclass(frozen=True, slots=True)
class OutputSample:
    """The mean of each channel of a layer's output, float64 [C], and some of its rows, [<= MAX_ROWS, C], as they are.

    The rows are the same for every output of the same shape; `owners` are the entries of axis 0, samples, that they
    come from, int64 [<= MAX_ROWS].
    """

    mean: NDArray[np.float64]
    rows: NDArray[Any]
    owners: NDArray[np.int64]

    @classmethod
    def of(cls, model: TracedModel, node: Node, output: Array) -> OutputSample:
        """The sample of a native output."""
        values = np.asarray(model.arrays.to_numpy(output))
        axis = channel_axis(node) % values.ndim
        by_row = np.moveaxis(values, axis, -1)
        places = by_row.shape[:-1]
        count = int(np.prod(places))
        chosen = np.unravel_index(chosen_rows(count, MAX_ROWS), places)
        return cls(_means(values, axis), by_row[chosen], chosen[0])

    def times(self, factors: NDArray[np.float64]) -> OutputSample:
        """The sample where channels are multiplied by these, [C]."""
        return OutputSample(self.mean * factors, (self.rows * factors).astype(self.rows.dtype), self.owners)


def _means(values: NDArray[np.float32], axis: int) -> NDArray[np.float64]:
    """The mean along all axes but one; neighbours in memory are summed in float32, pairwise, which is quick."""
    inner = values.mean(axis=tuple(range(axis + 1, values.ndim))) if axis + 1 < values.ndim else values
    return np.asarray(inner.mean(axis=tuple(range(axis)), dtype=np.float64))
