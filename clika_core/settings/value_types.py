"""The types a setting can have: what each accepts, how it says so, and its JSON Schema.

One object per setting drives validation, error messages, the published schema and the documentation. `check`
returns the value in the one form that settings keep (`int`, `float`, `str`, tuples), or raises
`InvalidValueError`. Types of names live in `clika_core.settings.name_types`.
"""

from __future__ import annotations

import math
import numbers
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from clika_core.errors import SettingsError

JsonSchema: TypeAlias = dict[str, Any]
T_co = TypeVar("T_co", covariant=True)
Other_co = TypeVar("Other_co", covariant=True)

_PRINTED_BITS = 256  # Python refuses to print integers of thousands of digits

_YAML_1_1_BOOLEANS = frozenset({"yes", "no", "on", "off", "y", "n"})


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
        """`value` in the form that settings keep; raises InvalidValueError for what is not accepted."""

    @abstractmethod
    def schema(self) -> JsonSchema:
        """The accepted values as JSON Schema, draft 2020-12."""

    def refuse(self, value: object, fix: str | None = None) -> InvalidValueError:
        """The error for `value`, to be raised."""
        return InvalidValueError(describe(value), self.expected, fix)


@dataclass(frozen=True, slots=True)
class Boolean(ValueType[bool]):
    """`true` or `false`; numbers and words are refused."""

    @property
    def expected(self) -> str:
        """In words."""
        return "true or false"

    def check(self, value: object) -> bool:
        """`value` if it is a bool."""
        if isinstance(value, bool):
            return value
        is_word = isinstance(value, str) and value.lower() in _YAML_1_1_BOOLEANS
        raise self.refuse(
            value, "write true or false: yes, no, on and off are text here" if is_word else None
        )

    def schema(self) -> JsonSchema:
        """As JSON Schema."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Integer(ValueType[int]):
    """An integer in `minimum..maximum`, both included. A bool is none, and 10.0 is none."""

    minimum: int
    maximum: int | None = None

    @property
    def expected(self) -> str:
        """In words."""
        if self.maximum is None:
            return f"an integer of at least {self.minimum}"
        return f"an integer from {self.minimum} to {self.maximum}"

    def check(self, value: object) -> int:
        """`value` as int; integers of NumPy are accepted."""
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise self.refuse(value)
        number = int(value)
        if number < self.minimum or (self.maximum is not None and number > self.maximum):
            raise self.refuse(number)
        return number

    def schema(self) -> JsonSchema:
        """As JSON Schema."""
        upper = {} if self.maximum is None else {"maximum": self.maximum}
        return {"type": "integer", "minimum": self.minimum, **upper}


@dataclass(frozen=True, slots=True)
class Number(ValueType[float]):
    """A finite number of at least `minimum`, or above it where `is_exclusive`; a bool is none."""

    minimum: float
    is_exclusive: bool = False

    @property
    def expected(self) -> str:
        """In words."""
        return f"a finite number {'above' if self.is_exclusive else 'of at least'} {self.minimum:g}"

    def check(self, value: object) -> float:
        """`value` as float; integers and numbers of NumPy are accepted."""
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise self.refuse(value)
        try:
            number = float(value)
        except OverflowError:
            raise self.refuse(value) from None
        is_inside = number > self.minimum if self.is_exclusive else number >= self.minimum
        if not (math.isfinite(number) and is_inside):
            raise self.refuse(number)
        return number

    def schema(self) -> JsonSchema:
        """As JSON Schema."""
        return {"type": "number", "exclusiveMinimum" if self.is_exclusive else "minimum": self.minimum}


@dataclass(frozen=True, slots=True)
class Nullable(ValueType[T_co | None], Generic[T_co]):
    """What `inner` accepts, or null."""

    inner: ValueType[T_co]

    @property
    def reads_text(self) -> bool:
        """As `inner` does; null stays null."""
        return self.inner.reads_text

    @property
    def expected(self) -> str:
        """In words."""
        return f"{self.inner.expected}, or null"

    def check(self, value: object) -> T_co | None:
        """None, or what `inner` makes of `value`."""
        try:
            return None if value is None else self.inner.check(value)
        except InvalidValueError as error:
            raise InvalidValueError(str(error.found), self.expected, error.fix, error.item) from None

    def schema(self) -> JsonSchema:
        """As JSON Schema."""
        return {"anyOf": [{"type": "null"}, self.inner.schema()]}


@dataclass(frozen=True, slots=True)
class BooleanOr(ValueType[bool | Other_co], Generic[Other_co]):
    """`true`, `false`, or what `other` accepts."""

    other: ValueType[Other_co]

    @property
    def expected(self) -> str:
        """In words."""
        return f"true, false, or {self.other.expected}"

    def check(self, value: object) -> bool | Other_co:
        """A bool, or what `other` makes of `value`."""
        if not isinstance(value, (list, tuple)):
            try:
                return Boolean().check(value)
            except InvalidValueError as error:
                raise self.refuse(value, error.fix) from None
        return self.other.check(value)

    def schema(self) -> JsonSchema:
        """As JSON Schema."""
        return {"anyOf": [{"type": "boolean"}, self.other.schema()]}
