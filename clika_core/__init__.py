"""Quantize neural networks, and explain every layer's decision.

Start reading at `clika_core.ir` (what a graph is) and `clika_core.planning` (what is quantized and why).
The names below are imported on first use, so that `import clika_core` loads no framework and no NumPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from clika_core.errors import ClikaError as ClikaError
    from clika_core.ir.graph import Graph as Graph
    from clika_core.ir.snapshot import load_graph as load_graph
    from clika_core.pipeline.compress import compress as compress
    from clika_core.pipeline.dataset import Dataset as Dataset
    from clika_core.pipeline.parts import compress_parts as compress_parts
    from clika_core.pipeline.sensitivity import measure_sensitivity as measure_sensitivity
    from clika_core.pipeline.tracing import trace as trace
    from clika_core.planning.plan import Plan as Plan
    from clika_core.plugins.planning import plan as plan
    from clika_core.settings.load import load_settings as load_settings
    from clika_core.settings.model import LayerQuantizationSettings as LayerQuantizationSettings
    from clika_core.settings.model import Settings as Settings

_HOME = {
    "ClikaError": "clika_core.errors",
    "Dataset": "clika_core.pipeline.dataset",
    "Graph": "clika_core.ir.graph",
    "LayerQuantizationSettings": "clika_core.settings.model",
    "Plan": "clika_core.planning.plan",
    "Settings": "clika_core.settings.model",
    "compress": "clika_core.pipeline.compress",
    "compress_parts": "clika_core.pipeline.parts",
    "load_graph": "clika_core.ir.snapshot",
    "load_settings": "clika_core.settings.load",
    "measure_sensitivity": "clika_core.pipeline.sensitivity",
    "plan": "clika_core.plugins.planning",
    "trace": "clika_core.pipeline.tracing",
}

__all__ = [
    "ClikaError",
    "Dataset",
    "Graph",
    "LayerQuantizationSettings",
    "Plan",
    "Settings",
    "compress",
    "compress_parts",
    "load_graph",
    "load_settings",
    "measure_sensitivity",
    "plan",
    "trace",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use (PEP 562)."""
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'clika_core' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return [*__all__, "__version__"]
