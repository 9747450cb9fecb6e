"""Formats, granularities and schemes as plain JSON values, for reports and checkpoints.

Reading is strict: a missing, unknown or wrongly typed member raises `NumericsError` naming it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar

from clika_core.errors import NumericsError
from clika_core.schemes.formats import CodeRange, FloatFormat, Format, IntegerFormat
from clika_core.schemes.granularity import Granularity, PerChannel, PerGroup, PerTensor
from clika_core.schemes.scheme import QuantScheme

Json: TypeAlias = dict[str, Any]
T = TypeVar("T")

KINDS: Final[Mapping[str, type[Any]]] = MappingProxyType(
    {
        "integer": IntegerFormat,
        "float": FloatFormat,
        "per_tensor": PerTensor,
        "per_channel": PerChannel,
        "per_group": PerGroup,
    }
)
_KIND_OF: Final = MappingProxyType({kind: name for name, kind in KINDS.items()})
_FIELD_TYPES: Final[Mapping[str, type[Any]]] = MappingProxyType(
    {"code_range": str, "is_signed": bool, "has_infinity": bool}
)  # every other field is an int


def format_to_json(value: Format) -> Json:
    """`{"kind": "integer", "num_bits": 8, "is_signed": true, "code_range": "narrow"}`, or kind `float`."""
    return _to_json(value)


def format_from_json(data: object) -> Format:
    """The inverse of `format_to_json`."""
    value: Format = _from_json(data, ("integer", "float"), "format")
    return value


def granularity_to_json(value: Granularity) -> Json:
    """`{"kind": "per_channel", "axis": 0}`, `{"kind": "per_group", "axis": 1, "size": 32}`, ..."""
    return _to_json(value)


def granularity_from_json(data: object) -> Granularity:
    """The inverse of `granularity_to_json`."""
    value: Granularity = _from_json(data, ("per_tensor", "per_channel", "per_group"), "granularity")
    return value


def scheme_to_json(scheme: QuantScheme) -> Json:
    """Members `format`, `granularity`, `is_symmetric`."""
    return {
        "format": format_to_json(scheme.format),
        "granularity": granularity_to_json(scheme.granularity),
        "is_symmetric": scheme.is_symmetric,
    }


def scheme_from_json(data: object) -> QuantScheme:
    """The inverse of `scheme_to_json`."""
    members = take_members(data, "scheme", ("format", "granularity", "is_symmetric"))
    return QuantScheme(
        format_from_json(members["format"]),
        granularity_from_json(members["granularity"]),
        take_typed(members["is_symmetric"], bool, "is_symmetric"),
    )


def take_members(data: object, what: str, names: tuple[str, ...]) -> Json:
    """`data` as an object with exactly the members `names`, or `NumericsError`."""
    if not isinstance(data, dict) or set(data) != set(names):
        found = sorted(map(str, data)) if isinstance(data, dict) else type(data).__name__
        raise NumericsError(
            f"a stored {what} has the wrong members",
            found=str(found),
            expected=str(sorted(names)),
            fix="write the file again with this version",
        )
    return data


def take_typed(value: object, kind: type[T], name: str) -> T:
    """`value` if its type is exactly `kind` (a bool is no int), or `NumericsError`."""
    if type(value) is not kind:
        raise NumericsError(
            f"the stored member {name!r} has the wrong type",
            found=repr(value),
            expected=kind.__name__,
            fix="write the file again with this version",
        )
    return value


def _to_json(value: Format | Granularity) -> Json:
    plain = {name: str(item) if isinstance(item, CodeRange) else item for name, item in asdict(value).items()}
    return {"kind": _KIND_OF[type(value)], **plain}


def _from_json(data: object, kinds: tuple[str, ...], what: str) -> Any:
    kind = data.get("kind") if isinstance(data, dict) else None
    if kind not in kinds:
        raise NumericsError(
            f"this stored {what} is unknown",
            found=repr(kind),
            expected=", ".join(kinds),
            fix="write the file again with this version",
        )
    names = tuple(field.name for field in fields(KINDS[kind]))
    members = take_members(data, what, ("kind", *names))
    values = {name: take_typed(members[name], _FIELD_TYPES.get(name, int), name) for name in names}
    if "code_range" in values:
        values["code_range"] = _code_range(values["code_range"])
    return KINDS[kind](**values)


def _code_range(text: str) -> CodeRange:
    if text not in set(CodeRange):
        raise NumericsError(
            "this stored code range is unknown",
            found=repr(text),
            expected=", ".join(CodeRange),
            fix="write the file again with this version",
        )
    return CodeRange(text)
