"""The import name of the product guide: its names, re-exported from `clika_core`, and nothing else.

Fine-tuning and what goes with it are not part of this release; their names say so when they are used.
"""

from __future__ import annotations

from typing import NoReturn

from clika_core.settings import LayerQuantizationSettings, Settings

__all__ = ["LayerQuantizationSettings", "Settings"]

_NOT_YET = frozenset({"TensorBoardCallback", "clika_compress", "clika_deploy", "clika_resume"})


def __getattr__(name: str) -> NoReturn:
    """Say that a name of the product is missing; by ImportError, because `from ... import` shows its text."""
    if name in _NOT_YET:
        raise ImportError(
            f"clika_compression.{name} is not in this release: it has no fine-tuning yet.\n"
            "  fix: clika_core.compress quantizes a trained model and deploys it, with the same Settings",
            name=__name__,
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
