"""Selectors: which layers a rule means, and how specifically (spec: semantics, section 3).

`name:X`, `path:X`, `glob:X`, `re:X`, `op:X` force a reading. A plain string is a name or alias, else a path, else
(with `*` or `?`) a glob. A path also means every layer below it; a glob that matches a module means its subtree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from functools import cached_property
from typing import TypeAlias

from clika_core.errors import SettingsError, nearest
from clika_core.frozen import frozen
from clika_core.ir.graph import Graph, Node
from clika_core.ir.paths import normalise_path
from clika_core.planning.globs import glob_matcher


class Specificity(IntEnum):
    """How closely a selector names a layer; the more specific rule wins."""

    OP = 0
    REGEX = 1
    GLOB = 2
    PREFIX_PATH = 3
    PATH = 4
    NAME = 5


Matches: TypeAlias = Mapping[int, Specificity]  # position of the layer in graph.nodes -> how it was matched

_EMPTY: Matches = {}


@frozen(slots=False)
class SelectorIndex:
    """Finds the layers that a selector means. Made once per graph; every lookup is at most linear in it."""

    graph: Graph

    def match(self, selector: str) -> Matches:
        """The layers that `selector` means; empty where it matches nothing.

        Raises SettingsError where a plain string is both a name and a path of different layers, or where a
        regular expression is malformed.
        """
        prefix, colon, rest = selector.partition(":")
        forced = _READINGS.get(prefix) if colon else None
        if forced is not None:
            return forced(self, rest)
        by_name, by_path = self._by_name(selector), self._by_path(selector)
        if by_name and by_path and by_name.keys() != by_path.keys():
            raise self._ambiguous(selector, by_name, by_path)
        found = by_name or by_path
        if found or not ("*" in selector or "?" in selector):
            return found
        return self._by_glob(selector)

    def suggestions(self, selector: str) -> list[str]:
        """Names, aliases, paths and types close to a selector that matched nothing."""
        _, _, rest = selector.rpartition(":")
        known = [*self._names, *self._modules, *(f"op:{type_}" for type_ in self._types)]
        close = nearest(rest, [*self._names, *self._modules, *self._types])
        return [word if word in known else f"op:{word}" for word in close]

    @cached_property
    def _names(self) -> dict[str, list[int]]:
        """Layer names and framework names, each with its layers. Source paths are found by `_modules`.

        A framework counts from another number (its second `linear` is `linear_1`): where a framework's name is
        also a layer's, it means that layer alone.
        """
        own = {node.name: [position] for position, node in self._layers()}
        others: dict[str, list[int]] = {}
        for position, node in self._layers():
            for alias in dict.fromkeys(node.aliases):
                if alias not in own and alias != node.path:
                    others.setdefault(alias, []).append(position)
        return own | others

    @cached_property
    def _modules(self) -> dict[str, list[int]]:
        """Every module path, and every path above it, with the layers at it or below it."""
        found: dict[str, list[int]] = {}
        for position, node in self._layers():
            for module in _ancestors(node.path):
                found.setdefault(module, []).append(position)
        return found

    @cached_property
    def _types(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for position, node in self._layers():
            found.setdefault(node.type, []).append(position)
        return found

    def _layers(self) -> Iterable[tuple[int, Node]]:
        index = self.graph.index
        return ((index[node.name], node) for node in self.graph.layers)

    def _by_name(self, name: str) -> Matches:
        return dict.fromkeys(self._names.get(name, ()), Specificity.NAME)

    def _by_path(self, text: str) -> Matches:
        path = normalise_path(text)
        return {
            position: Specificity.PATH if self.graph.nodes[position].path == path else Specificity.PREFIX_PATH
            for position in self._modules.get(path, ())
        }

    def _by_glob(self, pattern: str) -> Matches:
        matches = glob_matcher(normalise_path(pattern))
        words = (*self._names.items(), *self._modules.items())
        return self._all(matches, words, Specificity.GLOB)

    def _by_regex(self, pattern: str) -> Matches:
        from clika_core.planning.regular_expressions import regex_matcher

        return self._all(regex_matcher(pattern), (*self._names.items(), *self._paths()), Specificity.REGEX)

    def _by_type(self, type_: str) -> Matches:
        return dict.fromkeys(self._types.get(type_, ()), Specificity.OP)

    def _paths(self) -> Iterable[tuple[str, list[int]]]:
        """Only whole paths of layers: a regular expression matches whole names."""
        for position, node in self._layers():
            if node.path:
                yield node.path, [position]

    @staticmethod
    def _all(
        matches: Callable[[str], bool], words: Iterable[tuple[str, list[int]]], specificity: Specificity
    ) -> Matches:
        return {p: specificity for word, positions in words if matches(word) for p in positions}

    def _ambiguous(self, selector: str, by_name: Matches, by_path: Matches) -> SettingsError:
        def names(found: Matches) -> str:
            shown = [self.graph.nodes[position].name for position in sorted(found)]
            return ", ".join(shown[:4]) + (f" and {len(shown) - 4} more" if len(shown) > 4 else "")

        return SettingsError(
            f"{selector!r} is both a name and a path, of different layers",
            found=f"as a name: {names(by_name)}; as a path: {names(by_path)}",
            expected="a selector with one meaning",
            fix=f"write 'name:{selector}' or 'path:{selector}'",
        )


_READINGS: Mapping[str, Callable[[SelectorIndex, str], Matches]] = {
    "name": SelectorIndex._by_name,
    "path": SelectorIndex._by_path,
    "glob": SelectorIndex._by_glob,
    "re": SelectorIndex._by_regex,
    "op": SelectorIndex._by_type,
}


def _ancestors(path: str | None) -> Iterable[str]:
    """`a.b.c` gives `a`, `a.b`, `a.b.c`."""
    if not path:
        return
    cut = path.find(".")
    while cut != -1:
        yield path[:cut]
        cut = path.find(".", cut + 1)
    yield path
