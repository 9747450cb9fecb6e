"""`Setting`: one key of the settings file, declared once; and the objects that hold keys.

A class lists its keys as `Setting` attributes. Reading the attribute of an object gives the value, reading
that of the class gives the `Setting` with its type, default and description.

    class TrainingSettings(Section, title="training_settings"):
        num_epochs = Setting(Integer(minimum=0), 10, "Epochs of fine-tuning.")
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Generic, NoReturn, TypeVar, overload

from clika_core.errors import Location, SettingsError
from clika_core.settings.caller import caller_location
from clika_core.settings.messages import closest, shorten
from clika_core.settings.value_type import InvalidValueError, ValueType

T = TypeVar("T")


class Setting(Generic[T]):
    """The type, default and one-line description of one key."""

    def __init__(self, value_type: ValueType[T], default: T, description: str) -> None:
        """Declare the key; its name is that of the class attribute."""
        self.value_type = value_type
        self.default = default
        self.description = description
        self.name = ""

    def __set_name__(self, owner: type[KeyHolder], name: str) -> None:
        """Learn the key's name."""
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type[KeyHolder]) -> Setting[T]: ...

    @overload
    def __get__(self, instance: KeyHolder, owner: type[KeyHolder]) -> T: ...

    def __get__(self, instance: KeyHolder | None, owner: type[KeyHolder]) -> Setting[T] | T:
        """The value held by `instance`, else the declaration itself."""
        if instance is None:
            return self
        value: T = instance._values.get(self.name, self.default)
        return value

    def __set__(self, instance: KeyHolder, value: T) -> None:
        """Keep `value` with the place it was assigned at; raises SettingsError if it is not accepted."""
        instance.assign(self.name, value, caller_location())


class KeyHolder:
    """An object with `Setting` attributes. Equal when all values are; where they were set does not matter."""

    title: ClassVar[str]  # how messages name the object
    description: ClassVar[str]
    keys: ClassVar[Mapping[str, Setting[Any]]]
    _values: dict[str, Any]  # only what was set
    _locations: dict[str, Location]

    def __init_subclass__(cls, title: str) -> None:
        """Collect the keys that the class declares; its docstring's first line describes it."""
        cls.title = title
        cls.description = (cls.__doc__ or "").partition("\n")[0]
        own = {name: setting for name, setting in vars(cls).items() if isinstance(setting, Setting)}
        cls.keys = MappingProxyType(own)

    def __init__(self) -> None:
        """All defaults."""
        object.__setattr__(self, "_values", {})
        object.__setattr__(self, "_locations", {})

    def assign(self, name: str, value: object, location: Location | None) -> None:
        """Set key `name`, remembering where; raises SettingsError if the value is not accepted."""
        try:
            self._values[name] = self.keys[name].value_type.check(value)
        except InvalidValueError as error:
            raise SettingsError(
                f"invalid value of {self.title}.{name}",
                found=error.found,
                expected=error.expected,
                fix=error.fix,
                location=location,
            ) from None
        if location is not None:
            self._locations[name] = location

    def location_of(self, key: str) -> Location | None:
        """Where `key` was set; None if it has its default or the place is unknown."""
        return self._locations.get(key) if key in self.keys else refuse_key(self.title, key, self.keys)

    def to_json(self) -> dict[str, Any]:
        """Every key with its value; lists for tuples."""
        return {name: _json_value(getattr(self, name)) for name in self.keys}

    def __eq__(self, other: object) -> bool:
        """Whether all values are equal."""
        return isinstance(other, type(self)) and all(getattr(self, k) == getattr(other, k) for k in self.keys)

    def __hash__(self) -> int:
        """Equal values have equal hashes."""
        return hash(tuple(getattr(self, name) for name in self.keys))

    def __repr__(self) -> str:
        """The keys that differ from their defaults, as a call."""
        values = ((name, getattr(self, name)) for name in self.keys)
        changed = (f"{name}={value!r}" for name, value in values if value != self.keys[name].default)
        return f"{type(self).__name__}({', '.join(changed)})"


class Section(KeyHolder, title=""):
    """A section of the settings: its keys are attributes, and no other attribute can be set."""

    def __setattr__(self, name: str, value: object) -> None:
        """Set the key `name`; raises SettingsError with the nearest name if there is none."""
        if name not in self.keys:
            refuse_key(self.title, name, self.keys, caller_location())
        object.__setattr__(self, name, value)

    __hash__ = None  # type: ignore[assignment]  # it changes


def refuse_key(
    owner: str, key: str, keys: Mapping[str, object], location: Location | None = None
) -> NoReturn:
    """Raise the SettingsError for a key that `owner` does not have, with the nearest it has."""
    close = closest(key, keys)
    raise SettingsError(
        f"{owner} has no setting {shorten(repr(key))}",
        expected=None if close else f"one of {', '.join(keys)}",
        fix=f"did you mean {close!r}?" if close else None,
        location=location,
    )


def _json_value(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
