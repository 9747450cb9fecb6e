"""Values as a reader wants them: percentages, bytes, milliseconds, and numbers that are no numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from clika_core.pictures.dot import visible

MISSING: Final = "–"
_SPECIAL: Final = frozenset({"inf", "-inf", "nan"})


def number_of(value: object) -> float | None:
    """A number of a report, where `"inf"` and `"nan"` are strings; None for anything else."""
    if isinstance(value, str):
        return float(value) if value in _SPECIAL else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def plain_number(value: object) -> float | str | None:
    """The number as JSON can hold it: infinities and NaN as `"inf"`, `"-inf"`, `"nan"`."""
    number = number_of(value)
    return number if number is None or math.isfinite(number) else str(number)


def flat(value: Any) -> list[Any]:
    """The numbers of nested lists, in order; of a number, itself."""
    return [number for item in value for number in flat(item)] if isinstance(value, list) else [value]


def significant(value: object, digits: int = 3) -> str:
    """`0.0123`, `12,300`: `digits` significant digits, a thousands separator, never an exponent between."""
    number = number_of(value)
    if number is None:
        return MISSING
    if not math.isfinite(number):
        return "not a number" if math.isnan(number) else ("∞" if number > 0 else "−∞")
    if number and not 1e-5 <= abs(number) < 1e15:
        return f"{number:.{digits - 1}e}"
    places = max(0, digits - 1 - (math.floor(math.log10(abs(number))) if number else 0))
    return f"{number:,.{places}f}"


def percent(value: object, places: int = 2) -> str:
    """`99.60 %`; a share just below one is `> 99.99 %`, never rounded up to all."""
    number = number_of(value)
    if number is None or not math.isfinite(number):
        return significant(value)
    text = f"{number * 100:.{places}f}"
    return (
        f"> {100 - 10.0**-places:.{places}f} %" if number < 1 and text == f"{100:.{places}f}" else f"{text} %"
    )


def kilobytes(value: object) -> str:
    """`1,851 kB`, or bytes below one kilobyte, megabytes from ten thousand."""
    number = number_of(value)
    if number is None:
        return MISSING
    if number < 1_000:
        return f"{number:.0f} bytes"
    return f"{number / 1_000:,.0f} kB" if number < 10_000_000 else f"{number / 1_000_000:,.1f} MB"


def milliseconds(value: object) -> str:
    """`0.577 ms`, of seconds."""
    number = number_of(value)
    return MISSING if number is None else f"{significant(number * 1_000)} ms"


def printable(value: Any) -> Any:
    """A plain value with every character that does not print, in every text inside it, as its code."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {visible(str(key)): printable(item) for key, item in value.items()}
    return [printable(item) for item in value] if isinstance(value, list | tuple) else value
