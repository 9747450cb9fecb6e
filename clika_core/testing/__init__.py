"""What tests of this project and of plugins are made of: graphs written in a few lines.

Start at `builder.GraphBuilder`.
"""

from __future__ import annotations

from clika_core.testing.builder import Built, GraphBuilder

__all__ = ["Built", "GraphBuilder"]
