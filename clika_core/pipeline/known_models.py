"""Models that this process has compressed, so that it can resume them without being given them again.

A backend whose programs are code cannot write them into a saved state. A script that compresses and goes on still
holds its model: it is found here by the graph's fingerprint, for as long as the script keeps it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

from clika_core.backend.interface import TracedModel

_known: WeakValueDictionary[str, Any] = WeakValueDictionary()


def remember(traced: TracedModel, model: Any) -> None:
    """Know the model that was traced; not kept alive by this."""
    with suppress(TypeError):  # not every object can be referred to weakly
        _known[traced.graph.fingerprint] = model


def known_model(fingerprint: str) -> Any:
    """The model with this fingerprint, None where this process has none."""
    return _known.get(fingerprint)
