"""The user's settings: as Python objects, and as YAML, JSON or TOML files with the place of every key.

Imports `clika_core.errors` and `clika_core.schemes`; PyYAML only while a file is read.
Start reading at `model`.
"""

from clika_core.settings.model import LayerQuantizationSettings, LayerRule, LayerSettings, Settings

__all__ = ["LayerQuantizationSettings", "LayerRule", "LayerSettings", "Settings"]
