"""What tests of this project and of plugins are made of: graphs and recordings written in a few lines.

Start at `builder.GraphBuilder`; `recording_builder` is its counterpart for what a backend records; `strategies`
makes graphs by the thousand and needs `hypothesis`; `conformance` is the kit that defines what a backend, an
observer and a target are, and needs `pytest`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clika_core.testing.builder import Built, GraphBuilder
from clika_core.testing.recording_builder import RecordingBuilder

if TYPE_CHECKING:
    from clika_core.testing.conformance import (
        BackendConformance,
        BackendHarness,
        ObserverConformance,
        Subject,
        TargetConformance,
    )

__all__ = [
    "BackendConformance",
    "BackendHarness",
    "Built",
    "GraphBuilder",
    "ObserverConformance",
    "RecordingBuilder",
    "Subject",
    "TargetConformance",
]


def __getattr__(name: str) -> Any:
    """The conformance kit, imported when it is asked for: it needs pytest."""
    if name in __all__:
        from clika_core.testing import conformance

        return getattr(conformance, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
