"""Which channels of a model are one and the same, so that they can only be scaled together.

Every output channel of a convolution or dense layer gets a number. It goes with the channel through what keeps
channels apart and lets a positive factor pass: relu, pooling, movements, sums of two values (whose channels become
the same), up to the layers that read it. A channel that anything else reads, that leaves the model, or whose weights
are shared keeps its scale: it is *fixed*.

Channels are followed through movements by moving their numbers: the layer itself runs on an array of them, in any
framework and for any movement.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, LayerCall, TracedModel, Visitor
from clika_core.ir.channels import channel_axis
from clika_core.ir.graph import Graph, Node, ValueKey
from clika_core.planning.wiring import Wiring
from clika_core.quality.disjoint import Disjoint

Numbers = NDArray[np.int64]

WEIGHTED: Final = ("conv", "linear")
_EACH_ELEMENT: Final = frozenset(("relu", "leaky_relu", "prelu"))
_POOLING: Final = frozenset(("max_pool", "avg_pool", "adaptive_avg_pool", "adaptive_max_pool", "sum_pool"))
_MOVING: Final = frozenset(
    "identity reshape flatten permute squeeze unsqueeze expand repeat slice select split unbind flip roll "
    "channel_shuffle resize_nearest concat".split()
)


@dataclass(frozen=True)
class Tagged:
    """The channels of a value: numbers along one axis, alike over all others."""

    axis: int
    numbers: Numbers

    def spread(self, shape: Sequence[int]) -> NDArray[np.float32]:
        """The numbers as an array of the value's shape."""
        along = [1] * len(shape)
        along[self.axis] = -1
        return np.broadcast_to(self.numbers.reshape(along).astype(np.float32), shape)

    @classmethod
    def of(cls, spread: NDArray[Any]) -> Tagged | None:
        """What `spread` gives for these numbers; None where they are not alike over all axes but one."""
        for axis in range(spread.ndim):
            by_channel = np.moveaxis(spread, axis, 0).reshape(spread.shape[axis], -1)
            if np.array_equal(by_channel, np.broadcast_to(by_channel[:, :1], by_channel.shape)):
                return cls(axis, by_channel[:, 0].astype(np.int64))
        return None


@dataclass(frozen=True)
class Extent:
    """How large each channel of a value is over the samples: channels' numbers, and sizes beside them, float64."""

    numbers: Numbers
    sizes: NDArray[np.float64]


@dataclass
class Channels:
    """What one float pass found. `made` and `read` are the channels of the outputs and inputs of weighted layers.

    Numbers are of classes: channels that can only be scaled together have the same one.
    """

    classes: Disjoint = field(default_factory=Disjoint)
    made: dict[str, Numbers] = field(default_factory=dict)
    read: dict[str, Numbers] = field(default_factory=dict)
    extents: dict[ValueKey, Extent] = field(default_factory=dict)

    def free(self) -> NDArray[np.bool_]:
        """Per channel ever numbered, whether its class is read by a weighted layer, and by nothing that fixes it."""
        is_read = np.zeros(len(self.classes), bool)
        for numbers in self.read.values():
            is_read[self.classes.roots[numbers]] = True
        return (is_read & ~self.classes.marked)[self.classes.roots]


def may_be_scaled(graph: Graph) -> bool:
    """Whether channels of one weighted layer reach another by layers that let them pass, as far as types tell."""
    wiring, passing = Wiring(graph), {*_EACH_ELEMENT, *_POOLING, *_MOVING, "add", "pad"}
    reached: set[str] = set()
    for node in graph.layers:
        is_reached = any(name in reached for name, _ in wiring.sources[graph.index[node.name]])
        if node.type in WEIGHTED and is_reached:
            return True
        if node.type in WEIGHTED or (node.type in passing and is_reached):
            reached.add(node.name)
    return False


def follow_channels(
    model: TracedModel,
    inputs: Sequence[Array],
    measured: Collection[ValueKey],
    measure: Measure,
    around: Callable[[Visitor], Visitor] = lambda visitor: visitor,
) -> Channels:
    """The channels of a preprocessed model, `measured` values being measured over the native `inputs`.

    `around` gives the visitor that runs, from the one that follows.
    """
    visitor = _Following(model, measured, measure)
    model.interpret(inputs, around(visitor))
    for node in model.graph.outputs:
        visitor.fix(node)
    return visitor.found


Measure = Callable[[NDArray[np.float32]], NDArray[np.float64]]
"""The sizes of channels, [C], of an array [M, C, N]: what is before and behind their axis runs together."""


class _Following:
    """Runs a float pass and follows the channels of every value."""

    def __init__(self, model: TracedModel, measured: Collection[ValueKey], measure: Measure) -> None:
        self._model, self._measured, self._measure = model, measured, measure
        self._wiring = Wiring(model.graph)
        self._shared = _layers_with_shared_weights(model)
        self._tags: dict[ValueKey, Tagged] = {}
        self.found = Channels()

    def __call__(self, call: LayerCall) -> Sequence[Array]:
        outputs = call.run()
        node = call.node
        for port, tag in enumerate(self._outgoing(call, outputs)):
            if tag is not None:
                self._tags[node.name, port] = tag
                if (node.name, port) in self._measured:
                    self._measure_value((node.name, port), tag, outputs[port])
        return outputs

    def fix(self, node: Node) -> None:
        """Fix the channels of everything that a node reads."""
        for tag in self._incoming(node):
            self._fix(tag)

    def _incoming(self, node: Node) -> list[Tagged | None]:
        return [self._tags.get(key) for key in self._wiring.sources[self._wiring.graph.index[node.name]]]

    def _fix(self, tag: Tagged | None) -> None:
        if tag is not None:
            self.found.classes.mark(tag.numbers)

    def _outgoing(self, call: LayerCall, outputs: Sequence[Array]) -> Sequence[Tagged | None]:
        """The channels of each output; those of inputs are read, go on, or are fixed."""
        node, tags = call.node, self._incoming(call.node)
        shapes = [tuple(output.shape) for output in outputs]
        if node.type in WEIGHTED and len(tags) == 1 and self._is_own(node):
            return [self._weighted(node, tags[0], shapes[0])]
        found: Sequence[Tagged | None] = [None] * len(outputs)
        if tags and all(tag is not None for tag in tags):
            known = [tag for tag in tags if tag is not None]
            if node.type in _EACH_ELEMENT or _pads_with_zeros(node):
                found = [known[0] if shapes[0][known[0].axis] == len(known[0].numbers) else None]
            elif node.type in _POOLING:
                found = [_pooled(node, known[0], len(call.inputs[0].shape), len(shapes[0]))]
            elif node.type == "add" and len(known) == len(node.inputs) == 2:
                found = [self._added(known[0], known[1], call)]
            elif node.type in _MOVING and len(known) == len(node.inputs):
                found = self._moved(call, known)
        if any(tag is None for tag in found):
            self.fix(node)
        return found

    def _is_own(self, node: Node) -> bool:
        weight = node.weight("weight")
        return weight is not None and weight.dtype == "float32" and node.name not in self._shared

    def _weighted(self, node: Node, tag: Tagged | None, shape: Sequence[int]) -> Tagged:
        axis = channel_axis(node) % len(shape)
        if tag is not None and tag.axis == axis:
            self.found.read[node.name] = tag.numbers
        else:
            self._fix(tag)
        made = self.found.classes.add(shape[axis])
        self.found.made[node.name] = made
        return Tagged(axis, made)

    def _added(self, first: Tagged, second: Tagged, call: LayerCall) -> Tagged | None:
        """Channels that are added become the same."""
        if first.axis != second.axis or tuple(call.inputs[0].shape) != tuple(call.inputs[1].shape):
            return None
        self.found.classes.join(first.numbers, second.numbers)
        return first

    def _moved(self, call: LayerCall, tags: Sequence[Tagged]) -> Sequence[Tagged | None]:
        """What the layer does to arrays of numbers."""
        arrays = self._model.arrays
        pairs = zip(tags, call.inputs, strict=True)
        spread = [arrays.from_numpy(np.array(tag.spread(tuple(x.shape))), like=x) for tag, x in pairs]
        return [Tagged.of(np.asarray(arrays.to_numpy(output))) for output in call.run(spread)]

    def _measure_value(self, key: ValueKey, tag: Tagged, output: Array) -> None:
        values = np.asarray(self._model.arrays.to_numpy(output), np.float32)
        before = prod(values.shape[: tag.axis])
        by_channel = values.reshape(before, values.shape[tag.axis], prod(values.shape[tag.axis + 1 :]))
        self.found.extents[key] = Extent(tag.numbers, self._measure(by_channel))


def _pads_with_zeros(node: Node) -> bool:
    mode, value = (node.attributes.get(name) for name in ("mode", "value"))
    return node.type == "pad" and mode in (None, "constant") and value in (None, 0)


def _pooled(node: Node, tag: Tagged, rank: int, rank_after: int) -> Tagged | None:
    """The channels behind pooling, which may leave out the axes of space."""
    if tag.axis != channel_axis(node) % rank:
        return None
    return tag if rank_after == rank else Tagged(1, tag.numbers) if rank_after == 2 else None


def _layers_with_shared_weights(model: TracedModel) -> Collection[str]:
    users: dict[str, list[str]] = {}
    for node in model.graph.layers:
        for weight in node.weights:
            users.setdefault(weight.identity, []).append(node.name)
    return {name for names in users.values() if len(names) > 1 for name in names}
