"""What a setting's type is: `ValueType`, and its error.

One object per setting drives validation, error messages, the published schema and the documentation. The types
themselves live in `value_types` and `name_types`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeAlias, TypeVar

from clika_core.errors import SettingsError
from clika_core.settings.messages import describe

JsonSchema: TypeAlias = dict[str, Any]
T_co = TypeVar("T_co", covariant=True)


class InvalidValueError(SettingsError):
    """A value that a setting does not take; `item` is the position of the list entry at fault, if any."""

    def __init__(self, found: str, expected: str, fix: str | None = None, item: int | None = None) -> None:
        """Say what was found and expected; whoever knows the setting's name puts it in front."""
        super().__init__("invalid value", found=found, expected=expected, fix=fix)
        self.item = item


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
