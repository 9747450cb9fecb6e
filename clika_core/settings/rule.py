"""What a selector and its settings become: `LayerRule`, which planning reads."""

from __future__ import annotations

from collections.abc import Mapping

from clika_core.errors import Location
from clika_core.frozen import field, frozen
from clika_core.settings.layer import LayerQuantizationSettings


@frozen
class LayerRule:
    """The settings of one selector, with the places they were written at; equality ignores the places.

    `field_locations` maps a key, or a list entry such as `skip_quantization_until[0]`, to its value's place;
    it is empty for a rule made in Python.
    """

    selector: str
    settings: LayerQuantizationSettings
    location: Location | None = field(default=None, compare=False)
    field_locations: Mapping[str, Location] = field(default_factory=dict, compare=False)

    def location_of(self, key: str) -> Location | None:
        """The place of a key's value or list entry, as exactly as it is known."""
        whole_key = key.partition("[")[0]
        return self.field_locations.get(key) or self.field_locations.get(whole_key) or self.location


@frozen
class LayerSettings:
    """One entry of `layer_settings`, as the settings file nests it."""

    quantization_settings: LayerQuantizationSettings
