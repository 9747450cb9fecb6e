"""What tests of this project and of plugins are made of: graphs and recordings written in a few lines.

Start at `builder.GraphBuilder`; `recording_builder` is its counterpart for what a backend records; `strategies`
makes graphs by the thousand and needs `hypothesis`.
"""

from __future__ import annotations

from clika_core.testing.builder import Built, GraphBuilder
from clika_core.testing.recording_builder import RecordingBuilder

__all__ = ["Built", "GraphBuilder", "RecordingBuilder"]
