"""TensorFlow's operations in neutral words, one module per family. A new operation is one new entry."""

from __future__ import annotations

from clika_tensorflow.operators import arithmetic, movement, weighted
from clika_tensorflow.operators.mapping import Call, Move, Rule, Wording

RULES: dict[str, Rule] = {**weighted.RULES, **arithmetic.RULES, **movement.RULES}

__all__ = ["RULES", "Call", "Move", "Rule", "Wording", "word"]


def word(call: Call) -> Wording:
    """One call in neutral words; one that has none keeps its own name and its tensors."""
    rule = RULES.get(call.flat.type)
    found = rule(call) if rule is not None else None
    return _verbatim(call) if found is None else found


def _verbatim(call: Call) -> Wording:
    roles = [
        (
            f"{name}*" if isinstance(call.flat.arguments[name], list) else ("input" if index == 0 else name),
            name,
        )
        for index, name in enumerate(call.names)
    ]
    return Wording(f"tf.{call.flat.type}", roles)
