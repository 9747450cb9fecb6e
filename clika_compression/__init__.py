"""The import name of the product guide: its names, re-exported from `clika_core`, and nothing else.

What trains is imported on first use, so that settings can be written without NumPy or a framework.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from clika_core.settings import LayerQuantizationSettings, Settings

if TYPE_CHECKING:
    from clika_core.pipeline.deploying import clika_deploy as clika_deploy
    from clika_core.pipeline.fine_tuning import clika_compress as clika_compress
    from clika_core.pipeline.resuming import clika_resume as clika_resume
    from clika_core.training.tensorboard import TensorBoardCallback as TensorBoardCallback

_HOME = {
    "TensorBoardCallback": "clika_core.training.tensorboard",
    "clika_compress": "clika_core.pipeline.fine_tuning",
    "clika_deploy": "clika_core.pipeline.deploying",
    "clika_resume": "clika_core.pipeline.resuming",
}

__all__ = [
    "LayerQuantizationSettings",
    "Settings",
    "TensorBoardCallback",
    "clika_compress",
    "clika_deploy",
    "clika_resume",
]


def __getattr__(name: str) -> Any:
    """Import a name from its home on first use (PEP 562)."""
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
