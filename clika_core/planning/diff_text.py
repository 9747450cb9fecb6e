"""A difference as text: what flipped and why, what moved, and the totals."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.planning.diff import Difference, Layer

_TOTALS = (("multiply_accumulates", "multiply-accumulates"), ("weight_bytes", "bytes of weights"))


def lines_of(found: Difference) -> list[str]:
    """Lines for people; one line where nothing differs."""
    if found.is_empty:
        return [f"{found.before.name} and {found.after.name} decide the same."]
    return [*_head(found), *_layers(found), "", *_totals(found)]


def _head(found: Difference) -> Iterator[str]:
    yield f"--- {found.before.name}"
    yield f"+++ {found.after.name}"
    if found.before.target != found.after.target:
        yield f"target {found.before.target} -> {found.after.target}"


def _layers(found: Difference) -> Iterator[str]:
    for before, after in found.flipped:
        yield f"{after.name} ({after.type}): {before.precision} -> {after.precision}{_why(before, after)}"
    for before, after in found.rebits:
        yield f"{after.name} ({after.type}): bits {_bits(before)} -> {_bits(after)}"
    for before, after in found.moved:
        yield f"{after.name} ({after.type}): QS {before.qs:.4g} -> {after.qs:.4g}"
    for layer in found.removed:
        yield f"- {layer.name} ({layer.type}), {layer.precision}"
    for layer in found.added:
        yield f"+ {layer.name} ({layer.type}), {layer.precision}"
    for before, after in found.changed:
        types = [] if before.type == after.type else [f"{before.type} -> {after.type}"]
        yield f"~ {after.name}: " + ", ".join([*types, *_costs(before, after)])


def _costs(before: Layer, after: Layer) -> Iterator[str]:
    """What a layer costs, where that is not what it was."""
    for attribute, words in _TOTALS:
        was, now = getattr(before, attribute), getattr(after, attribute)
        if was != now:
            yield f"{was:,} -> {now:,} {words}"


def _why(before: Layer, after: Layer) -> str:
    """The reasons of the side that is float."""
    if after.precision == "float":
        return f", because {' and because '.join(after.reasons)}" if after.reasons else ""
    if before.precision == "float" and before.reasons:
        return f"; it was float because {' and because '.join(before.reasons)}"
    return ""


def _bits(layer: Layer) -> str:
    return "none" if layer.bits is None else f"{layer.bits[0]}/{layer.bits[1]}"


def _totals(found: Difference) -> Iterator[str]:
    for attribute, words in _TOTALS:
        sides = [
            (side.total(attribute, "quantized"), side.total(attribute, "float"))
            for side in (found.before, found.after)
        ]
        shares = [f"{part:,} ({part / max(part + rest, 1):.1%})" for part, rest in sides]
        yield f"quantized {words}: {shares[0]} -> {shares[1]}"
    flips = [(a.precision, b.precision) for a, b in found.flipped]
    to_float = sum(b == "float" for _, b in flips)
    yield f"{len(flips)} flipped: {to_float} to float, {sum(b == 'quantized' for _, b in flips)} to quantized"
