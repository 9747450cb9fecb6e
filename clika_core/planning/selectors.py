"""Selectors: which layers a rule means, and how specifically (spec: semantics, section 3).

`name:X`, `path:X`, `glob:X`, `re:X`, `op:X` force a reading. A plain string is a name or alias, else a path, else
(with `*` or `?`) a glob. A path also means every layer below it; a glob that matches a module means its subtree.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from clika_core.errors import MAX_COMPARED, SettingsError, nearest
from clika_core.frozen import frozen
from clika_core.ir.graph import Graph, Node, NodeKind
from clika_core.ir.paths import normalise_path
from clika_core.planning.globs import matching_words

if TYPE_CHECKING:
    from clika_core.planning.regular_expressions import Words


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
_MAX_COMPARISONS = 20_000  # of misspelt selectors with names, on one graph: a quarter of a second


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
        """Names, aliases, paths and types close to a selector that matched nothing.

        After some dozens of questions none: who misspelt that much has the wrong graph, and each takes long.
        """
        _, _, rest = selector.rpartition(":")
        candidates = [*self._words, *self._modules, *self._types]
        if len(self._asked) * min(len(candidates), MAX_COMPARED) > _MAX_COMPARISONS:
            return []
        self._asked.append(selector)
        close = nearest(rest, candidates)
        return [word if self._named(word) or word in self._modules else f"op:{word}" for word in close]

    @cached_property
    def _asked(self) -> list[str]:
        """The selectors for which suggestions were looked for."""
        return []

    @cached_property
    def _words(self) -> Sequence[str]:
        """Layer names and framework names. Source paths are found by `_modules`."""
        return [*[node.name for _, node in self._layers], *self._aliases]

    def _named(self, word: str) -> Sequence[int]:
        """The layers of that name or framework name."""
        return (self.graph.index[word],) if self._is_layer(word) else self._aliases.get(word, ())

    @cached_property
    def _aliases(self) -> dict[str, list[int]]:
        """Framework names, each with its layers.

        A framework counts from another number (its second `linear` is `linear_1`): where a framework's name is
        also a layer's, it means that layer alone.
        """
        found: dict[str, list[int]] = {}
        for position, node in self._layers:
            path = node.path
            for alias in node.aliases:
                if alias != path and not self._is_layer(alias):
                    positions = found.setdefault(alias, [])
                    if not positions or positions[-1] != position:
                        positions.append(position)
        return found

    def _is_layer(self, name: str) -> bool:
        position = self.graph.index.get(name)
        return position is not None and self.graph.nodes[position].kind is NodeKind.LAYER

    @cached_property
    def _paths(self) -> dict[str, list[int]]:
        """The layers at each path."""
        found: dict[str, list[int]] = {}
        for position, node in self._layers:
            path = node.path
            if path in found:
                found[path].append(position)
            elif path:
                found[path] = [position]
        return found

    @cached_property
    def _sorted_paths(self) -> list[str]:
        """What lies below a module is one stretch of these."""
        return sorted(self._paths)

    @cached_property
    def _modules(self) -> dict[str, None]:
        """Every path of a layer, and every path above it."""
        found = newest = dict.fromkeys(self._paths)
        while newest:
            above = dict.fromkeys([path.rpartition(".")[0] for path in newest])
            newest = {path: None for path in above if path and path not in found}
            found.update(newest)
        return found

    @cached_property
    def _types(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for position, node in self._layers:
            found.setdefault(node.type, []).append(position)
        return found

    @cached_property
    def _layers(self) -> list[tuple[int, Node]]:
        layer = NodeKind.LAYER
        return [pair for pair in enumerate(self.graph.nodes) if pair[1].kind is layer]

    @cached_property
    def _sorted_words(self) -> tuple[list[str], list[str]]:
        """What a glob is compared with: names, modules."""
        return sorted(self._words), sorted(self._modules)

    @cached_property
    def _whole_words(self) -> Words:
        """What a regular expression is compared with: names, and whole paths of layers."""
        from clika_core.planning.regular_expressions import Words

        return Words(list(dict.fromkeys([*self._words, *self._paths])))

    def _by_name(self, name: str) -> Matches:
        return dict.fromkeys(self._named(name), Specificity.NAME)

    def _by_path(self, text: str) -> Matches:
        path = normalise_path(text)
        at = self._paths.get(path, ())
        found = dict.fromkeys(at, Specificity.PATH)
        found.update(dict.fromkeys(self._below(path), Specificity.PREFIX_PATH))
        return found if not at or len(found) == len(at) else dict(sorted(found.items()))

    def _below(self, path: str) -> list[int]:
        """The layers whose path begins with `path` and goes on."""
        paths = self._sorted_paths
        first, last = bisect_left(paths, f"{path}."), bisect_left(paths, f"{path}/")  # "/" follows "."
        return sorted(position for below in paths[first:last] for position in self._paths[below])

    def _by_glob(self, pattern: str) -> Matches:
        names, modules = self._sorted_words
        pattern = normalise_path(pattern)
        found = [p for word in matching_words(pattern, names) for p in self._named(word)]
        for module in matching_words(pattern, modules):
            found += self._paths.get(module, ())
            found += self._below(module)
        return dict.fromkeys(sorted(found), Specificity.GLOB)

    def _by_regex(self, pattern: str) -> Matches:
        found = self._whole_words.matching(pattern)
        positions = (p for word in found for p in (*self._named(word), *self._paths.get(word, ())))
        return dict.fromkeys(sorted(positions), Specificity.REGEX)

    def _by_type(self, type_: str) -> Matches:
        return dict.fromkeys(self._types.get(type_, ()), Specificity.OP)

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
