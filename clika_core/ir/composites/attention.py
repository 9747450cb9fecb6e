"""attention(q, k, v) = softmax(scale · q · kᵀ + mask) · v. Vaswani et al. 2017, arXiv:1706.03762, equation 1.

query [..., L, E], key [..., S, E], value [..., S, V]; mask broadcasts to [..., L, S], is added, and may be
missing. With an attribute `masked_value` the mask is boolean, and scores where it is true become that number, next to
which every other vanishes. The projections before and after are layers of their own.
"""

from __future__ import annotations

from clika_core.ir.composites.composite import Attributes, Composite
from clika_core.ir.composites.dsl import capture, either, op, passed_on, var
from clika_core.ir.composites.patterns import Pattern
from clika_core.ir.composites.trace_view import Match, TraceView
from clika_core.ir.graph import AttributeValue

QUERY, KEY, VALUE, MASK = var("query"), var("key"), var("value"), var("mask")
MASKING = -1e9  # a score as low as this, or lower, has no share
_FACTORS, _DIVISORS = ("factor", "query_factor", "key_factor"), ("divisor", "query_divisor")


def _times(value: Pattern, prefix: str) -> Pattern:
    return either(op("mul", value, capture(f"{prefix}factor")), op("div", value, capture(f"{prefix}divisor")))


def _transposed(key: Pattern) -> Pattern:
    return op("permute", key, axes=capture("axes"))


_SCORES = either(
    op(
        "matmul",
        _times(QUERY, "query_"),
        either(
            op("mul", _transposed(KEY), capture("key_factor")),
            _transposed(op("mul", KEY, capture("key_factor"))),
        ),
    ),
    op("matmul", _times(QUERY, "query_"), _transposed(KEY)),
    _times(op("matmul", QUERY, _transposed(KEY)), ""),
    op("matmul", QUERY, _transposed(KEY)),
)
_MASKED = either(op("masked_fill", _SCORES, MASK, capture("masked_value")), op("add", _SCORES, MASK), _SCORES)
_SOFTMAX = op("softmax", _MASKED, axis=capture("axis"))
_PROBABILITIES = passed_on(passed_on(_SOFTMAX))


def _attributes(match: Match, trace: TraceView) -> Attributes | None:
    """The scale, and what masked scores become where they are replaced.

    Refused unless the softmax runs over the keys, the permutation swaps the last two axes, and masks leave no share.
    """
    rank = len(trace.value(match.values["query"]).shape)
    swapped = (*range(rank - 2), rank - 1, rank - 2)
    axes, axis = match.attributes["axes"], match.attributes["axis"]
    if not isinstance(axes, tuple) or not isinstance(axis, int):
        return None
    if axis not in (-1, rank - 1) or _from_the_front(axes, rank) != swapped:
        return None
    scale = 1.0
    for name in _FACTORS:
        scale *= _number(match.attributes.get(name))
    for name in _DIVISORS:
        scale /= _number(match.attributes.get(name))
    masked = match.attributes.get("masked_value")
    if masked is None:
        return {"scale": scale, "is_causal": False}
    is_mask = isinstance(masked, float) and masked <= MASKING
    if not is_mask or trace.value(match.values["mask"]).dtype != "bool":
        return None
    return {"scale": scale, "is_causal": False, "masked_value": masked}


def _from_the_front(axes: tuple[AttributeValue, ...], rank: int) -> tuple[int, ...]:
    return tuple(axis % rank for axis in axes if isinstance(axis, int))


def _number(value: AttributeValue) -> float:
    return float(value) if isinstance(value, int | float) else 1.0


COMPOSITE = Composite("attention", (op("matmul", _PROBABILITIES, VALUE),), _attributes)
