"""What a setting's type is: `ValueType`, its error, and how messages name values.

One object per setting drives validation, error messages, the published schema and the documentation. The types
themselves live in `value_types` and `name_types`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeAlias, TypeVar

from clika_core.errors import SettingsError

JsonSchema: TypeAlias = dict[str, Any]
T_co = TypeVar("T_co", covariant=True)

_PRINTED_BITS = 256  # Python refuses to print integers of thousands of digits


class InvalidValueError(SettingsError):
    """A value that a setting does not take; `item` is the position of the list entry at fault, if any."""

    def __init__(self, found: str, expected: str, fix: str | None = None, item: int | None = None) -> None:
        """Say what was found and expected; whoever knows the setting's name puts it in front."""
        super().__init__("invalid value", found=found, expected=expected, fix=fix)
        self.item = item


def describe(value: object) -> str:
    """`value` as error messages name it: short, and with its type where the text alone would mislead."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f"the text {shorten(repr(value))}"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, int) and value.bit_length() > _PRINTED_BITS:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, (int, float)):
        return shorten(repr(value))
    return f"a value of type {type(value).__name__}"


def shorten(text: str) -> str:
    """At most 60 characters of `text`, so that a message stays a message."""
    return text if len(text) <= 60 else f"{text[:57]}..."


class ValueType(ABC, Generic[T_co]):
    """What a setting accepts."""

    @property
    def reads_text(self) -> bool:
        """Whether an unquoted `no` or `1.10` in a file stands for its characters."""
        return False

    @property
    @abstractmethod
    def expected(self) -> str:
        """The accepted values in words: `an integer from 2 to 16`."""

    @abstractmethod
    def check(self, value: object) -> T_co:
        """`value` in the one form that settings keep: int, float, str, tuples. Raises InvalidValueError."""

    @abstractmethod
    def schema(self) -> JsonSchema:
        """The accepted values as JSON Schema, draft 2020-12."""

    def refuse(self, value: object, fix: str | None = None) -> InvalidValueError:
        """The error for `value`, to be raised."""
        return InvalidValueError(describe(value), self.expected, fix)
