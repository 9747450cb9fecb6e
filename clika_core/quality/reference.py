"""The float model that a quantized one is compared with, and what its layers give for the samples."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, LayerCall, TracedModel
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

    @cached_property
    def outputs(self) -> Mapping[str, OutputSample]:
        """Samples of the outputs of `heads`, taken in one pass when they are first asked for."""
        return sampled_outputs(self.model, self.inputs, self.heads)


@dataclass(frozen=True, slots=True)
class OutputSample:
    """The mean of each channel of a layer's output, float64 [C], and some of its rows, float64 [<= MAX_ROWS, C].

    The rows are the same for every output of the same shape; `owners` are the entries of axis 0, samples, that they
    come from, int64 [<= MAX_ROWS].
    """

    mean: NDArray[np.float64]
    rows: NDArray[np.float64]
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
        return cls(_means(values, axis), by_row[chosen].astype(np.float64), chosen[0])


def _means(values: NDArray[np.float32], axis: int) -> NDArray[np.float64]:
    """The mean along all axes but one; neighbours in memory are summed in float32, pairwise, which is quick."""
    inner = values.mean(axis=tuple(range(axis + 1, values.ndim))) if axis + 1 < values.ndim else values
    return np.asarray(inner.mean(axis=tuple(range(axis)), dtype=np.float64))


def sampled_outputs(
    model: TracedModel, inputs: Sequence[Array], heads: Collection[str]
) -> Mapping[str, OutputSample]:
    """Samples of the outputs of these layers in a float pass over `inputs`."""
    seen: dict[str, OutputSample] = {}

    def visit(call: LayerCall) -> Sequence[Array]:
        outputs = call.run()
        if call.node.name in heads:
            seen[call.node.name] = OutputSample.of(model, call.node, outputs[0])
        return outputs

    model.interpret(inputs, visit)
    return seen
