"""What the linter reads of a `clika_report.json`, strictly and without NumPy. The file may be hostile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from clika_core.errors import GraphError, SettingsError
from clika_core.ir.strict_json import read_json_file
from clika_core.planning.sensitivities import Sensitivity

_NON_FINITE = {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}
_FIX = "write it again with `clika compress` or `clika sensitivity`"


class Calibration(NamedTuple):
    """What calibration saw of a layer's first output."""

    samples: int | None = None
    min_value: float | None = None
    max_value: float | None = None
    is_constant: bool | None = None
    non_finite: int | None = None


class LayerReport(NamedTuple):
    """What a report says of one layer; None for what was not measured."""

    name: str
    type: str = ""
    precision: str | None = None
    group: str | None = None
    qs: float | None = None
    abs_l2: float | None = None
    sqnr_db: float | None = None
    calibration: Calibration | None = None
    share_of_codes_used: float | None = None
    quantization: Mapping[str, Any] = MappingProxyType({})


class Report(NamedTuple):
    """What a report says of a model; `fingerprint` is that of the graph it belongs to."""

    file: str
    fingerprint: str
    layers: Mapping[str, LayerReport]
    target: str | None = None
    calibration_samples: int | None = None
    calibration_batches: int | None = None
    cpu_flags: tuple[str, ...] | None = None
    learning_rate: float | None = None

    def sensitivities(self) -> dict[str, Sensitivity]:
        """What planning takes: QS and absolute error of every measured layer."""
        layers = self.layers.values()
        return {layer.name: Sensitivity(layer.qs, layer.abs_l2) for layer in layers if layer.qs is not None}


def read_report(path: str | Path) -> Report:
    """The report in a file. Raises SettingsError naming the place in it that is wrong."""
    try:
        document = read_json_file(path, fix=_FIX)
    except GraphError as problem:
        raise SettingsError(
            problem.message,
            found=problem.found,
            expected=problem.expected,
            fix=problem.fix,
            location=problem.location,
        ) from None
    return report_from_json(document, str(path))


def report_from_json(document: Any, file: str) -> Report:
    """The report that `document` holds. Raises SettingsError naming the place in it that is wrong."""
    top = _Place(document, file, "")
    if not isinstance(document, dict) or document.get("format") != "clika-report":
        raise SettingsError(
            f"{file} is no report", expected='an object with "format": "clika-report"', fix=_FIX
        )
    layers = [_layer(place) for place in top.inside("layers").items()]
    calibration = top.inside("calibration")
    flags = top.value.get("cpu_flags")
    return Report(
        file,
        top.inside("graph").text("fingerprint") or "",
        {layer.name: layer for layer in layers},
        top.text("target"),
        calibration.count("samples"),
        calibration.count("batches"),
        tuple(flag for flag in flags if isinstance(flag, str)) if isinstance(flags, list) else None,
        top.number("learning_rate"),
    )


def _layer(place: _Place) -> LayerReport:
    name = place.text("name")
    if name is None:
        raise place.wrong("name", None, "the name of a layer")
    seen = place.inside("calibration")
    calibration = Calibration(
        seen.count("samples"),
        seen.number("min"),
        seen.number("max"),
        seen.flag("constant"),
        seen.count("non_finite"),
    )
    return LayerReport(
        name,
        place.text("type") or "",
        place.text("precision"),
        place.text("group"),
        place.number("qs"),
        place.number("abs_l2"),
        place.number("sqnr_db"),
        calibration if seen.value else None,
        place.number("share_of_codes_used"),
        place.inside("quantization").value,
    )


class _Place:
    """A value of the report and the way to it, for messages."""

    def __init__(self, value: Any, file: str, path: str) -> None:
        self.value = value
        self._file, self._path = file, path

    def inside(self, key: str) -> _Place:
        """The value of a key; an empty object where there is none."""
        found = self.value.get(key)
        place = _Place({} if found is None else found, self._file, f"{self._path}.{key}".lstrip("."))
        if key != "layers" and not isinstance(place.value, dict):
            raise self.wrong(key, found, "an object")
        return place

    def items(self) -> list[_Place]:
        """The objects of a list."""
        if self.value == {}:
            return []
        if not isinstance(self.value, list):
            raise _Place({}, self._file, "").wrong(self._path, self.value, "a list")
        places = [_Place(item, self._file, f"{self._path}[{i}]") for i, item in enumerate(self.value)]
        for place in places:
            if not isinstance(place.value, dict):
                raise _Place({}, self._file, "").wrong(place._path, place.value, "an object")
        return places

    def text(self, key: str) -> str | None:
        """Text, or None."""
        found = self.value.get(key)
        if found is not None and not isinstance(found, str):
            raise self.wrong(key, found, "text")
        return found

    def number(self, key: str) -> float | None:
        """A number, which may be written `"inf"`, `"-inf"`, `"nan"`; or None."""
        found = self.value.get(key)
        if isinstance(found, str) and found in _NON_FINITE:
            return _NON_FINITE[found]
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise self.wrong(key, found, 'a number, "inf", "-inf" or "nan"')
        try:
            return float(found)
        except OverflowError:
            raise self.wrong(key, found, "a number that a float64 holds") from None

    def count(self, key: str) -> int | None:
        """An integer of at least 0, or None."""
        found = self.value.get(key)
        if found is not None and (type(found) is not int or found < 0):
            raise self.wrong(key, found, "an integer of at least 0")
        return found

    def flag(self, key: str) -> bool | None:
        """A bool, or None."""
        found = self.value.get(key)
        if found is not None and not isinstance(found, bool):
            raise self.wrong(key, found, "true or false")
        return found

    def wrong(self, key: str, found: object, expected: str) -> SettingsError:
        """The error for the value of `key`, to be raised."""
        from clika_core.settings.messages import describe

        where = f"{self._path}.{key}".strip(".")
        return SettingsError(
            f"{self._file} is wrong at {where}", found=describe(found), expected=expected, fix=_FIX
        )
