"""The option `--dynamic input_ids:1`: axes of inputs that are free to change beside the batch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from clika_core.backend.dynamic_axes import DynamicAxes

_FORM = re.compile(r"(?P<input>[^:\s]+):(?P<axes>-?\d{1,3}(,-?\d{1,3})*)")


def dynamic_axes(options: Sequence[str]) -> DynamicAxes | None:
    """The axes by input, None without options; an input that is a number is a position."""
    found: dict[str | int, list[int]] = {}
    for option in options:
        match = _FORM.fullmatch(option.strip())
        if match is None:
            raise click.BadParameter(
                f"{option!r}; expected an input and its axes, for example input_ids:1 or image:2,3",
                param_hint="--dynamic",
            )
        key: Any = int(match["input"]) if match["input"].isdecimal() else match["input"]
        found.setdefault(key, []).extend(int(axis) for axis in match["axes"].split(","))
    return found or None
