"""The user's settings: as Python objects, and as YAML, JSON or TOML files with the place of every key.

Imports `clika_core.errors` and `clika_core.schemes`; PyYAML only while a file is read.
Start reading at `model`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clika_core.settings.model import LayerQuantizationSettings as LayerQuantizationSettings
    from clika_core.settings.model import LayerRule as LayerRule
    from clika_core.settings.model import LayerSettings as LayerSettings
    from clika_core.settings.model import Settings as Settings

__all__ = ["LayerQuantizationSettings", "LayerRule", "LayerSettings", "Settings"]


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562): who reads a `Source` needs no table of keys."""
    if name in __all__:
        from clika_core.settings import model

        return getattr(model, name)
    raise AttributeError(f"module 'clika_core.settings' has no attribute {name!r}")
