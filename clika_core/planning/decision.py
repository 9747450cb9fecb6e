"""What planning says of one layer: its precision and every cause (spec: semantics, section 4)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from clika_core.errors import Location
from clika_core.frozen import frozen


class Precision(StrEnum):
    """How a layer computes after quantization."""

    QUANTIZED = "quantized"
    FLOAT = "float"
    REMOVED = "removed"


class CauseKind(StrEnum):
    """Why a layer is float, in the order in which causes are listed."""

    FLOAT_ONLY = "float_only"
    UNSUPPORTED = "unsupported"
    TAIL = "tail"
    RULE = "rule"
    SENSITIVITY = "sensitivity"
    INHERITED = "inherited"


class How(StrEnum):
    """How a rule reaches a layer."""

    SELECTED = "selected"
    UNTIL = "until"
    DOWNSTREAM = "downstream"


_ORDER = {kind: position for position, kind in enumerate(CauseKind)}


@frozen
class Cause:
    """One reason for a layer to stay float.

    `of` names outputs (tail), the targets reached (until), producers (inherited), or the reason (unsupported).
    """

    kind: CauseKind
    how: How | None = None
    selector: str | None = None
    location: Location | None = None
    of: tuple[str, ...] = ()

    def sort_key(self) -> tuple[int, str, tuple[str, int, int], str]:
        """By kind, then selector, then location."""
        place = (
            (self.location.file, self.location.line, self.location.column) if self.location else ("", 0, 0)
        )
        return (_ORDER[self.kind], self.selector or "", place, self.how or "")

    def to_json(self) -> dict[str, Any]:
        """The form of `clika plan --format json`."""
        return {
            "kind": str(self.kind),
            "how": str(self.how) if self.how else None,
            "selector": self.selector,
            "location": self.location.to_json() if self.location else None,
            "of": list(self.of),
        }


@frozen
class Decision:
    """The verdict on one layer.

    `group` names the head of the fused group the layer belongs to. `overridden` holds the causes that an explicit
    `skip_quantization: false` took away. `into` names the layer whose weights absorbed a removed layer.
    `qs` is the measured quantization sensitivity of the group, where a measurement was given.
    """

    name: str
    precision: Precision
    causes: tuple[Cause, ...] = ()
    overridden: tuple[Cause, ...] = ()
    group: str | None = None
    into: str | None = None
    weights_num_bits: int = 8
    activations_num_bits: int = 8
    qs: float | None = None

    def to_json(self) -> dict[str, Any]:
        """What `clika plan --format json` and the report say of the decision itself."""
        return {
            "precision": str(self.precision),
            "group": self.group,
            "into": self.into,
            "causes": [cause.to_json() for cause in self.causes],
            "overridden": [cause.to_json() for cause in self.overridden],
            "weights_num_bits": self.weights_num_bits,
            "activations_num_bits": self.activations_num_bits,
        }


class BorderKind(StrEnum):
    """Which way a value crosses."""

    QUANTIZE = "quantize"
    DEQUANTIZE = "dequantize"


@frozen
class Border:
    """Where a value changes between float and the integer grid: once per value, shared by its consumers."""

    name: str
    producer: str
    port: int
    kind: BorderKind
    consumers: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The form of `clika plan --format json`."""
        return {
            "name": self.name,
            "producer": self.producer,
            "port": self.port,
            "kind": str(self.kind),
            "consumers": list(self.consumers),
        }


@frozen
class Group:
    """Layers the target computes as one kernel: `head` decides; `members` are in order, the head first.

    Only the value after the last member is a quantization point. Removed layers between members belong to it.
    """

    head: str
    members: tuple[str, ...]

    @property
    def end(self) -> str:
        """The layer whose output is the group's."""
        return self.members[-1]
