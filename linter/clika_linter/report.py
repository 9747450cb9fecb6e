"""What the linter reads of a `clika_report.json`, strictly and without NumPy. The file may be hostile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from clika_core.errors import GraphError, SettingsError
from clika_core.ir.collection import paused_collection
from clika_core.ir.strict_json import read_json_file
from clika_core.planning.sensitivities import Sensitivity
from clika_core.settings.messages import describe

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")
_Object: TypeAlias = Mapping[str, Any]

_EMPTY: _Object = MappingProxyType({})
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
    with paused_collection():
        try:
            document = read_json_file(path, fix=_FIX)
        except GraphError as problem:
            parts = {"found": problem.found, "expected": problem.expected, "fix": problem.fix}
            raise SettingsError(problem.message, location=problem.location, **parts) from None
        return report_from_json(document, str(path))


def report_from_json(document: Any, file: str) -> Report:
    """The report that `document` holds. Raises SettingsError naming the place in it that is wrong."""
    if not isinstance(document, dict) or document.get("format") != "clika-report":
        raise SettingsError(
            f"{file} is no report", expected='an object with "format": "clika-report"', fix=_FIX
        )
    try:
        return _report(document, file)
    except _WrongError as problem:
        where = ".".join(problem.path).replace(".[", "[")
        found, expected = describe(problem.found), problem.expected
        raise SettingsError(f"{file} is wrong at {where}", found=found, expected=expected, fix=_FIX) from None


class _WrongError(Exception):
    """A value that cannot be used; `path` grows on the way up."""

    def __init__(self, key: str, found: object, expected: str) -> None:
        super().__init__(key)
        self.path = [key]
        self.found, self.expected = found, expected


def _report(document: _Object, file: str) -> Report:
    calibration = _object(document, "calibration")
    flags = document.get("cpu_flags")
    return Report(
        file,
        _inside("graph", _object(document, "graph"), _fingerprint),
        _layers(document),
        _text(document, "target"),
        _inside("calibration", calibration, lambda found: _count(found, "samples")),
        _inside("calibration", calibration, lambda found: _count(found, "batches")),
        tuple(flag for flag in flags if isinstance(flag, str)) if isinstance(flags, list) else None,
        _number(document, "learning_rate"),
    )


def _fingerprint(graph: _Object) -> str:
    return _text(graph, "fingerprint") or ""


def _layers(document: _Object) -> dict[str, LayerReport]:
    found = document.get("layers")
    if found is not None and not isinstance(found, list):
        raise _WrongError("layers", found, "a list")
    layers: dict[str, LayerReport] = {}
    for number, item in enumerate(found or ()):
        try:
            layer = _layer(item)
        except _WrongError as problem:
            problem.path[:0] = ["layers", f"[{number}]"]
            raise
        layers[layer.name] = layer
    return layers


def _layer(item: Any) -> LayerReport:
    if not isinstance(item, dict):
        raise _WrongError("", item, "an object")
    name = _text(item, "name")
    if name is None:
        raise _WrongError("name", None, "the name of a layer")
    return LayerReport(
        name,
        _text(item, "type") or "",
        _text(item, "precision"),
        _text(item, "group"),
        _number(item, "qs"),
        _number(item, "abs_l2"),
        _number(item, "sqnr_db"),
        _inside("calibration", _object(item, "calibration"), _calibration),
        _number(item, "share_of_codes_used"),
        _object(item, "quantization"),
    )


def _calibration(seen: _Object) -> Calibration | None:
    if not seen:
        return None
    return Calibration(
        _count(seen, "samples"),
        _number(seen, "min"),
        _number(seen, "max"),
        _flag(seen, "constant"),
        _count(seen, "non_finite"),
    )


def _inside(key: str, found: _Object, read: Callable[[_Object], T]) -> T:
    """What `read` makes of the object at `key`; its mistakes are named with the key."""
    try:
        return read(found)
    except _WrongError as problem:
        problem.path.insert(0, key)
        raise


def _object(owner: _Object, key: str) -> _Object:
    found = owner.get(key)
    if found is None:
        return _EMPTY
    if not isinstance(found, dict):
        raise _WrongError(key, found, "an object")
    return found


def _text(owner: _Object, key: str) -> str | None:
    found = owner.get(key)
    if found is None or isinstance(found, str):
        return found
    raise _WrongError(key, found, "text")


def _number(owner: _Object, key: str) -> float | None:
    """A number, which may be written `"inf"`, `"-inf"`, `"nan"`; or None."""
    found = owner.get(key)
    if found is None or type(found) is float:
        return found
    if isinstance(found, str) and found in _NON_FINITE:
        return _NON_FINITE[found]
    if type(found) is not int:
        raise _WrongError(key, found, 'a number, "inf", "-inf" or "nan"')
    try:
        return float(found)
    except OverflowError:
        raise _WrongError(key, found, "a number that a float64 holds") from None


def _count(owner: _Object, key: str) -> int | None:
    found = owner.get(key)
    if found is None or (type(found) is int and found >= 0):
        return found
    raise _WrongError(key, found, "an integer of at least 0")


def _flag(owner: _Object, key: str) -> bool | None:
    found = owner.get(key)
    if found is None or isinstance(found, bool):
        return found
    raise _WrongError(key, found, "true or false")
