"""attention(q, k, v) = softmax(scale · q · kᵀ + mask) · v. Vaswani et al. 2017, arXiv:1706.03762, equation 1.

query [..., L, E], key [..., S, E], value [..., S, V]; mask broadcasts to [..., L, S], is added, and may be
missing. The projections before and after are layers of their own.
"""

from __future__ import annotations

from clika_core.ir.composites.composite import Attributes, Composite
from clika_core.ir.composites.dsl import capture, either, op, passed_on, var
from clika_core.ir.composites.patterns import Pattern
from clika_core.ir.composites.trace_view import Match, TraceView
from clika_core.ir.graph import AttributeValue

QUERY, KEY, VALUE, MASK = var("query"), var("key"), var("value"), var("mask")
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
_SOFTMAX = op("softmax", either(op("add", _SCORES, MASK), _SCORES), axis=capture("axis"))
_PROBABILITIES = passed_on(passed_on(_SOFTMAX))


def _attributes(match: Match, trace: TraceView) -> Attributes | None:
    """The scale; refused unless the softmax runs over the keys and the permutation swaps the last two axes."""
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
    return {"scale": scale, "is_causal": False}


def _from_the_front(axes: tuple[AttributeValue, ...], rank: int) -> tuple[int, ...]:
    return tuple(axis % rank for axis in axes if isinstance(axis, int))


def _number(value: AttributeValue) -> float:
    return float(value) if isinstance(value, int | float) else 1.0


COMPOSITE = Composite("attention", (op("matmul", _PROBABILITIES, VALUE),), _attributes)
