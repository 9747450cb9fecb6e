"""What can be said about layers: `LayerQuantizationSettings`, and what contradicts itself in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clika_core.errors import SettingsError
from clika_core.frozen import frozen
from clika_core.settings.caller import caller_location
from clika_core.settings.name_types import Choice, Names
from clika_core.settings.sections import NUM_BITS
from clika_core.settings.setting import KeyHolder, Setting
from clika_core.settings.value_types import Boolean, Nullable


class LayerQuantizationSettings(KeyHolder, title="quantization_settings"):
    """How the layers of one selector are quantized, or that they stay float; a value that never changes.

    `skip_quantization_until` also takes a single name; it is kept as a tuple. Raises SettingsError for a
    value of the wrong type or range, and for `skip_quantization_until` or `skip_quantization_downstream=True`
    without `skip_quantization=True`, or both together.

    >>> LayerQuantizationSettings(skip_quantization=True, skip_quantization_until="linear_5")
    LayerQuantizationSettings(skip_quantization=True, skip_quantization_until=('linear_5',))
    """

    skip_quantization = Setting(
        Nullable(Boolean()),
        None,
        "True: the layers stay float; false: they are to be quantized in spite of tail and rules.",
    )
    skip_quantization_until = Setting(
        Nullable(Names(takes_single=True)),
        None,
        "Also every layer on a path from here to these layers, both ends included.",
    )
    skip_quantization_downstream = Setting(
        Nullable(Boolean()), None, "Also every layer that can be reached from here."
    )
    weights_num_bits = Setting(Nullable(NUM_BITS), None, "Bits of the weights; null: the global setting.")
    activations_num_bits = Setting(
        Nullable(NUM_BITS), None, "Bits of the activations; null: the global setting."
    )
    on_unmatched = Setting(
        Choice(("error", "warn", "ignore")),
        "error",
        "What it means that a name matches no layer of the model.",
    )

    def __init__(
        self,
        skip_quantization: bool | None = None,
        skip_quantization_until: str | Sequence[str] | None = None,
        skip_quantization_downstream: bool | None = None,
        weights_num_bits: int | None = None,
        activations_num_bits: int | None = None,
        on_unmatched: str = "error",
    ) -> None:
        """Check and keep the values."""
        super().__init__()
        location = caller_location()
        given = (
            ("skip_quantization", skip_quantization),
            ("skip_quantization_until", skip_quantization_until),
            ("skip_quantization_downstream", skip_quantization_downstream),
            ("weights_num_bits", weights_num_bits),
            ("activations_num_bits", activations_num_bits),
            ("on_unmatched", on_unmatched),
        )
        for name, value in given:
            if value is not self.keys[name].default:
                self.assign(name, value, location)
        contradiction = find_contradiction(self._values)
        if contradiction is not None:
            raise SettingsError(
                f"{contradiction.key} contradicts the other settings of the layer",
                found=contradiction.found,
                expected=contradiction.expected,
                fix=contradiction.fix,
                location=location,
            )

    @classmethod
    def from_checked(cls, values: Mapping[str, Any]) -> LayerQuantizationSettings:
        """Settings with `values` that were checked, one by one and for contradictions."""
        made = cls.__new__(cls)
        KeyHolder.__init__(made)
        made._values.update(values)
        return made

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: the same value may stand for several layers."""
        raise SettingsError(
            f"{type(self).__name__} cannot be changed",
            fix=f"make a new one with {name}={value!r} and set it for the layer again",
            location=caller_location(),
        )

    def to_json(self) -> dict[str, Any]:
        """The keys that were set."""
        return {name: value for name, value in super().to_json().items() if value != self.keys[name].default}


@frozen
class Contradiction:
    """Two settings of one layer that cannot both hold; `key` is the one to point at."""

    key: str
    found: str
    expected: str
    fix: str


def find_contradiction(values: Mapping[str, Any]) -> Contradiction | None:
    """The contradiction in the checked values of one layer, missing keys being unset."""
    ranges = [
        key
        for key in ("skip_quantization_until", "skip_quantization_downstream")
        if values.get(key) not in (None, False)
    ]
    if len(ranges) == 2:
        return Contradiction(
            key=ranges[1],
            found="skip_quantization_until and skip_quantization_downstream together",
            expected="one of them",
            fix="remove skip_quantization_until: downstream already contains every path from the layer",
        )
    if ranges and values.get("skip_quantization") is not True:
        return Contradiction(
            key=ranges[0],
            found=f"{ranges[0]} with skip_quantization {_word(values.get('skip_quantization'))}",
            expected="skip_quantization set to true",
            fix="add skip_quantization: true, or remove the range",
        )
    return None


def _word(value: bool | None) -> str:
    return "unset" if value is None else str(value).lower()
