"""Types of settings that hold names: one of a set, or names of layers and outputs."""

from __future__ import annotations

import re

from clika_core.frozen import frozen
from clika_core.settings.messages import closest, describe
from clika_core.settings.value_type import InvalidValueError, JsonSchema, ValueType

# Control characters and lone surrogates: no name of a layer holds them, and no YAML file can.
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_PLUGIN_NAME = "^[a-z][a-z0-9_]*$"


def check_name(value: object, what: str, item: int | None = None) -> str:
    """`value` as str if it can name a layer or output; `what` says in words what was expected."""
    if not isinstance(value, str):
        raise InvalidValueError(describe(value), what, "write it in quotes", item)
    if not value.strip():
        raise InvalidValueError("a blank text" if value else "an empty text", what, item=item)
    if _UNWRITABLE.search(value):
        raise InvalidValueError(describe(value), f"{what} without control characters", item=item)
    return str.__str__(value)  # a plain str, also of a member of a string enum


@frozen
class Choice(ValueType[str]):
    """One of `choices`. With `is_open`, also a name that a plugin registers, such as `my_target`.

    Whether such a plugin is installed is found out when the name is used: settings know no plugin.
    """

    choices: tuple[str, ...]
    is_open: bool = False

    @property
    def reads_text(self) -> bool:
        """Always: `choices` are text."""
        return True

    @property
    def expected(self) -> str:
        """In words."""
        *most, last = self.choices
        names = f"{', '.join(most)} or {last}"
        return f"{names}, or a name that a plugin registers" if self.is_open else names

    def check(self, value: object) -> str:
        """`value` as str; members of string enums are accepted."""
        if not isinstance(value, str):
            raise self.refuse(value)
        text = str.__str__(value)
        if text in self.choices or (self.is_open and re.fullmatch(_PLUGIN_NAME, text)):
            return text
        close = closest(text, self.choices)
        raise self.refuse(text, f"did you mean {close!r}?" if close else None)

    def schema(self) -> JsonSchema:
        """As JSON Schema."""
        known: JsonSchema = {"enum": list(self.choices)}
        return {"anyOf": [known, {"type": "string", "pattern": _PLUGIN_NAME}]} if self.is_open else known


@frozen
class Names(ValueType[tuple[str, ...]]):
    """A list of one or more names of layers or outputs; with `takes_single`, also a single name."""

    takes_single: bool = False

    @property
    def reads_text(self) -> bool:
        """Whether `no` in a file is a name here."""
        return self.takes_single

    @property
    def expected(self) -> str:
        """In words."""
        return "a name, or a list of names" if self.takes_single else "a list of names"

    def check(self, value: object) -> tuple[str, ...]:
        """The names as a tuple, in the order given."""
        if isinstance(value, str) and self.takes_single:
            value = (value,)
        if not isinstance(value, (list, tuple)) or not value:
            raise self.refuse(value)
        return tuple(check_name(name, "a name", item) for item, name in enumerate(value))

    def schema(self) -> JsonSchema:
        """As JSON Schema."""
        name = name_schema()
        names = {"type": "array", "items": name, "minItems": 1}
        return {"anyOf": [name, names]} if self.takes_single else names


def name_schema() -> JsonSchema:
    """What `check_name` accepts, as JSON Schema."""
    return {"type": "string", "pattern": "\\S", "not": {"pattern": "[\\u0000-\\u001f\\u007f-\\u009f]"}}
