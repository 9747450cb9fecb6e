"""Which layers a selector means, and how specific it is about each of them."""

from __future__ import annotations

import re
from enum import IntEnum
from fnmatch import fnmatchcase

from clika_core.ir.graph import Graph, Node


class ContradictionError(Exception):
    """The rules or the settings are an error on this graph."""


class Specificity(IntEnum):
    """From the least to the most specific."""

    OPERATOR_TYPE = 1
    REGEX = 2
    GLOB = 3
    PREFIX = 4
    PATH = 5
    NAME = 6


Selection = dict[str, Specificity]


def select(graph: Graph, selector: str) -> Selection:
    """The layers that `selector` matches; empty where it matches none."""
    kind, separator, text = selector.partition(":")
    if separator and kind in _READINGS:
        return _READINGS[kind](graph, text)
    as_name, as_path = by_name(graph, selector), by_path(graph, selector)
    if as_name and as_path and set(as_name) != set(as_path):
        raise ContradictionError(f"{selector} is a name and a path")
    return as_name or as_path or (by_glob(graph, selector) if re.search(r"[*?]", selector) else {})


def by_name(graph: Graph, text: str) -> Selection:
    """By name, else by alias; the path is an alias too, but read as a path."""
    named = {node.name: Specificity.NAME for node in graph.layers if text == node.name}
    return named or {
        node.name: Specificity.NAME for node in graph.layers if text in node.aliases and text != node.path
    }


def by_path(graph: Graph, text: str) -> Selection:
    """By path: the layers at it and every layer below it."""
    path = _normalised(text)
    exact = {node.name: Specificity.PATH for node in graph.layers if node.path == path}
    below = {
        node.name: Specificity.PREFIX
        for node in graph.layers
        if node.path is not None and node.path.startswith(path + ".")
    }
    return exact | below


def by_glob(graph: Graph, text: str) -> Selection:
    """By a glob over names, aliases, paths, and modules with all that is below them."""
    wanted = _normalised(text).split(".")
    names = {node.name for node in graph.layers}
    return {
        node.name: Specificity.GLOB
        for node in graph.layers
        if any(_fits(wanted, candidate) for candidate in _candidates(node, names))
    }


def _fits(wanted: list[str], parts: list[str]) -> bool:
    """Whether the components fit one by one; `**` stands for any number of them, none included."""
    if not wanted:
        return not parts
    if wanted[0] == "**":
        return any(_fits(wanted[1:], parts[skipped:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], wanted[0]) and _fits(wanted[1:], parts[1:])


def _candidates(node: Node, names: set[str]) -> list[list[str]]:
    """Name, aliases that are nobody's name, path and every module around it, as components."""
    parts = node.path.split(".") if node.path else []
    modules = [parts[:length] for length in range(1, len(parts) + 1)]
    return [[node.name], *(alias.split(".") for alias in node.aliases if alias not in names), *modules]


def _normalised(path: str) -> str:
    return re.sub(r"\[(\w+)\]", r".\1", path).replace("/", ".")


def by_regex(graph: Graph, text: str) -> Selection:
    """By a regular expression that matches the whole of a name, an alias that is nobody's name, or a path."""
    names = {node.name for node in graph.layers}
    return {
        node.name: Specificity.REGEX
        for node in graph.layers
        if any(
            re.fullmatch(text, word)
            for word in (node.name, node.path, *(alias for alias in node.aliases if alias not in names))
            if word is not None
        )
    }


def by_type(graph: Graph, text: str) -> Selection:
    """By operator type."""
    return {node.name: Specificity.OPERATOR_TYPE for node in graph.layers if node.type == text}


_READINGS = {"name": by_name, "path": by_path, "glob": by_glob, "re": by_regex, "op": by_type}
