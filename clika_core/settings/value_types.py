"""Types of settings that hold truth values and numbers, and the two that widen another type.

Types of names live in `clika_core.settings.name_types`.
"""

from __future__ import annotations

import math
import numbers
import re
from typing import Generic, TypeVar

from clika_core.frozen import frozen
from clika_core.settings.value_type import InvalidValueError, JsonSchema, T_co, ValueType

Other_co = TypeVar("Other_co", covariant=True)

_YAML_1_1_BOOLEANS = frozenset({"yes", "no", "on", "off", "y", "n"})
_NUMBER_LIKE = re.compile(r"[-+]?[0-9_.]{1,40}(?:[eE][-+]?[0-9]{1,4})?")


@frozen
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


@frozen
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
            raise self.refuse(value, _number_advice(value))
        number = int(value)
        if number < self.minimum or (self.maximum is not None and number > self.maximum):
            raise self.refuse(number)
        return number

    def schema(self) -> JsonSchema:
        """As JSON Schema."""
        upper = {} if self.maximum is None else {"maximum": self.maximum}
        return {"type": "integer", "minimum": self.minimum, **upper}


@frozen
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
            raise self.refuse(value, _number_advice(value))
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


def _number_advice(value: object) -> str | None:
    """What to do about text that looks like a number."""
    is_number_like = isinstance(value, str) and _NUMBER_LIKE.fullmatch(value)
    return "write plain digits: no quotes, underscores or leading zeros" if is_number_like else None


@frozen
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
            if error.item is not None:  # it is about an entry, which cannot be null
                raise
            raise InvalidValueError(str(error.found), self.expected, error.fix) from None

    def schema(self) -> JsonSchema:
        """As JSON Schema."""
        return {"anyOf": [{"type": "null"}, self.inner.schema()]}


@frozen
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
