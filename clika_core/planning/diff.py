"""What differs between two plans: layers that flipped, QS that moved, and what that costs.

The two sides are plans, or reports of compressions; of the same graph or of two versions of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clika_core.frozen import frozen
from clika_core.ir.costs import multiply_accumulates, weight_bytes
from clika_core.planning.plan import Plan

QS_TOLERANCE = 0.1  # relative; a smaller move of QS is no difference


@frozen
class Layer:
    """What is compared of one layer. `bits` are None unless it is quantized."""

    name: str
    type: str
    precision: str
    bits: tuple[int, int] | None
    reasons: tuple[str, ...]
    qs: float | None
    multiply_accumulates: int
    weight_bytes: int


@frozen
class Side:
    """One of the two things compared."""

    name: str
    target: str
    layers: Mapping[str, Layer]

    def total(self, attribute: str, precision: str) -> int:
        """The sum of a cost over the layers of one precision."""
        return sum(
            getattr(layer, attribute) for layer in self.layers.values() if layer.precision == precision
        )


@frozen
class Difference:
    """`flipped`, `rebits` and `moved` are layers of both sides, as they are there."""

    before: Side
    after: Side
    flipped: tuple[tuple[Layer, Layer], ...]
    rebits: tuple[tuple[Layer, Layer], ...]
    moved: tuple[tuple[Layer, Layer], ...]
    added: tuple[Layer, ...]
    removed: tuple[Layer, ...]
    changed: tuple[tuple[Layer, Layer], ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is no difference, in a layer or in the target."""
        parts = (self.flipped, self.rebits, self.moved, self.added, self.removed, self.changed)
        return not any(parts) and self.before.target == self.after.target

    def to_json(self) -> dict[str, Any]:
        """The form of `clika diff --format json`."""
        return {
            "before": self.before.name,
            "after": self.after.name,
            "target": [self.before.target, self.after.target],
            "flipped": [
                {
                    "name": a.name,
                    "type": a.type,
                    "precision": [a.precision, b.precision],
                    "reasons": [[*a.reasons], [*b.reasons]],
                }
                for a, b in self.flipped
            ],
            "bits": [{"name": a.name, "bits": [a.bits, b.bits]} for a, b in self.rebits],
            "qs": [{"name": a.name, "qs": [_number(a.qs), _number(b.qs)]} for a, b in self.moved],
            "added": [layer.name for layer in self.added],
            "removed": [layer.name for layer in self.removed],
            "changed": [a.name for a, _ in self.changed],
            "totals": {
                cost: {
                    precision: [side.total(cost, precision) for side in (self.before, self.after)]
                    for precision in ("quantized", "float")
                }
                for cost in ("multiply_accumulates", "weight_bytes")
            },
        }


def side_of_plan(name: str, plan: Plan) -> Side:
    """A plan as one side."""
    from clika_core.planning.sentences import reason

    layers = {}
    for decision in plan.decisions:
        node = plan.graph[decision.name]
        is_quantized = decision.precision == "quantized"
        layers[decision.name] = Layer(
            decision.name,
            node.type,
            str(decision.precision),
            (decision.weights_num_bits, decision.activations_num_bits) if is_quantized else None,
            tuple(reason(cause) for cause in decision.causes),
            decision.qs,
            multiply_accumulates(node),
            weight_bytes(node),
        )
    return Side(name, plan.target, layers)


def differences(before: Side, after: Side) -> Difference:
    """What differs, in the order of `after`; what is gone, in the order of `before`."""
    both = [(before.layers[name], layer) for name, layer in after.layers.items() if name in before.layers]
    return Difference(
        before,
        after,
        flipped=_where(both, lambda a, b: a.precision != b.precision),
        rebits=_where(both, lambda a, b: a.precision == b.precision and a.bits != b.bits),
        moved=_where(both, lambda a, b: _has_moved(a.qs, b.qs)),
        added=tuple(layer for name, layer in after.layers.items() if name not in before.layers),
        removed=tuple(layer for name, layer in before.layers.items() if name not in after.layers),
        changed=_where(both, lambda a, b: _cost(a) != _cost(b)),
    )


def _where(both: Sequence[tuple[Layer, Layer]], is_one: Any) -> tuple[tuple[Layer, Layer], ...]:
    return tuple(pair for pair in both if is_one(*pair))


def _cost(layer: Layer) -> Iterable[object]:
    return layer.type, layer.multiply_accumulates, layer.weight_bytes


def _has_moved(a: float | None, b: float | None) -> bool:
    if a is None or b is None or a == b or (a != a and b != b):
        return False
    return not abs(a - b) <= QS_TOLERANCE * max(abs(a), abs(b)) or abs(a) != abs(a) or float("inf") in (a, b)


def _number(value: float | None) -> float | str | None:
    """Non-finite numbers as the strings that the project's JSON has for them."""
    if value is None or abs(value) < float("inf"):
        return value
    return "nan" if value != value else ("inf" if value > 0 else "-inf")
