"""What globs and regular expressions match beside the name they begin with: `mlp.gate*` also hits `mlp.gate_proj`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeAlias

from clika_core.frozen import frozen
from clika_core.ir.graph import Graph, Node
from clika_core.ir.paths import normalise_path
from clika_core.planning.globs import glob_matcher
from clika_linter.mentions import reading_of

_REPEATS = frozenset("*+?{")
_Slot: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]  # the components before and after


@frozen
class Overreach:
    """A name that a pattern spells out in full, and longer ones next to it that it matches too."""

    meant: str
    others: tuple[str, ...]


def overreach(text: str, layers: Iterable[Node], graph: Graph) -> Overreach | None:
    """What the pattern `text`, which matches `layers`, matches beyond the first name; None for other selectors.

    None too where it matches every sibling: `blocks.*` is meant for all of them.
    """
    matches = _matcher(text)
    if matches is None:
        return None
    words = {word for node in layers for word in _words(node) if matches(word)}
    for slot, found in _slots(words).items():
        shortest = min(found, key=len)
        others = sorted(component for component in found if component != shortest)
        is_start = all(component.startswith(shortest) for component in others)
        if others and is_start and not _fills(slot, found, graph):
            return Overreach(found[shortest], tuple(found[component] for component in others))
    return None


def _matcher(text: str) -> Callable[[str], bool] | None:
    """What tells whether a word matches; None where `text` leaves nothing open."""
    prefix, pattern = reading_of(text)
    if prefix == "re:" and _REPEATS & set(pattern):
        from clika_core.planning.regular_expressions import regex_matcher

        return regex_matcher(pattern)
    is_glob = prefix in ("", "glob:") and ("*" in pattern or "?" in pattern)
    return glob_matcher(normalise_path(pattern)) if is_glob else None


def _words(node: Node) -> Iterator[str]:
    """Everything a pattern may match a layer by: its names, its path, the modules above it."""
    yield node.name
    yield from node.aliases
    path = node.path or ""
    yield from (path[:end] for end in range(1, len(path)) if path[end] == ".")


def _slots(words: Iterable[str]) -> dict[_Slot, dict[str, str]]:
    """The words that differ in one component, by that component."""
    found: dict[_Slot, dict[str, str]] = {}
    for word in sorted(words):
        for slot, component in _slots_of(word):
            found.setdefault(slot, {})[component] = word
    return found


def _slots_of(word: str) -> Iterator[tuple[_Slot, str]]:
    """Each component of a word, with the rest of it."""
    parts = tuple(word.split("."))
    for position, component in enumerate(parts):
        yield (parts[:position], parts[position + 1 :]), component


def _fills(slot: _Slot, found: Collection[str], graph: Graph) -> bool:
    """Whether the model has no other component there."""
    words = {word for node in graph.layers for word in _words(node)}
    return all(component in found for word in words for other, component in _slots_of(word) if other == slot)
