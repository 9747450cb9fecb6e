"""Which outputs have a tail: `skip_tail_quantization`."""

from __future__ import annotations

from clika_core.errors import SettingsError, nearest
from clika_core.ir.graph import Graph
from clika_core.planning.globs import glob_matcher
from clika_core.settings.model import Settings


def tail_outputs(graph: Graph, settings: Settings) -> tuple[str, ...]:
    """The outputs that have a tail: all, none, or those listed.

    Raises SettingsError for an entry that names no output.
    """
    wanted = settings.global_quantization_settings.skip_tail_quantization
    names = tuple(node.name for node in graph.outputs)
    if not isinstance(wanted, list | tuple):
        return () if wanted is False else names
    known = {word: node.name for node in graph.outputs for word in (*node.aliases, node.name)}
    chosen: set[str] = set()
    for entry in wanted:
        matches = glob_matcher(entry)
        found = {name for word, name in known.items() if word == entry or matches(word)}
        if not found:
            raise _unknown_output(entry, list(known), settings)
        chosen |= found
    return tuple(name for name in names if name in chosen)


def _unknown_output(entry: str, known: list[str], settings: Settings) -> SettingsError:
    close = nearest(entry, known)
    return SettingsError(
        f"skip_tail_quantization names {entry!r}, which is no output",
        expected=f"outputs of the graph: {', '.join(known[:8])}",
        fix=f"did you mean {' or '.join(map(repr, close))}?" if close else "use true for all outputs",
        location=settings.location_of("global_quantization_settings", "skip_tail_quantization"),
    )
