"""`frozen`: frozen dataclasses that cost nothing until they are used. Imports nothing of the project.

`dataclasses.dataclass` imports `inspect`, and writes and compiles six functions for every class: about a millisecond
each, so that some fifty small values made a command that reads two files start 50 ms later. Here equality, hash,
`repr` and pickling are functions that all classes share, and `__init__` is compiled when the first instance is made.
To everything else the classes are dataclasses: `dataclasses.replace`, `fields` and `asdict` take them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar, dataclass_transform, overload

T = TypeVar("T")


class _Field(NamedTuple):
    default: Any
    factory: Callable[[], Any] | None = None
    compare: bool = True


def field(
    *, default: Any = None, default_factory: Callable[[], Any] | None = None, compare: bool = True
) -> Any:
    """The default of a field; with `compare=False` the field does not count for equality, hash and `repr`."""
    return _Field(default, default_factory, compare)


def replace(value: T, /, **changes: Any) -> T:
    """A copy with other values in some fields: `dataclasses.replace` without importing that module."""
    names: tuple[str, ...] = value.__frozen_fields__  # type: ignore[attr-defined]
    return type(value)(**{name: getattr(value, name) for name in names} | changes)


@overload
def frozen(cls: type[T], /) -> type[T]: ...
@overload
def frozen(*, slots: bool = True) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[Any] | None = None, /, *, slots: bool = True) -> Any:
    """Make a class of annotated fields a frozen dataclass; without `slots` it may have cached properties.

    `__post_init__` is called after the fields are set; methods that the class has itself stay.
    """
    return _made(cls, slots) if cls is not None else lambda cls: _made(cls, slots)


def _made(cls: type[Any], has_slots: bool) -> type[Any]:
    own = [name for name, kind in cls.__annotations__.items() if not str(kind).startswith("ClassVar")]
    given = {name: _as_field(vars(cls)[name]) for name in own if name in vars(cls)}
    inherited = getattr(cls, "__frozen_fields__", ())
    names = (*inherited, *(name for name in own if name not in inherited))
    defaults = {**getattr(cls, "__frozen_defaults__", {}), **given}
    compared = tuple(name for name in names if name not in defaults or defaults[name].compare)
    members = {
        "__frozen_fields__": names,
        "__frozen_defaults__": defaults,
        "__frozen_compared__": compared,
        "__frozen_key__": attrgetter(*(compared or ("__class__",))),
        "__match_args__": names,
        "__dataclass_fields__": _AsDataclass("__dataclass_fields__"),
        "__dataclass_params__": _AsDataclass("__dataclass_params__"),
        **_SHARED,
        **(_PICKLED if has_slots else {}),
    }
    made = _with_slots(cls, own) if has_slots else cls
    for name, found in () if has_slots else given.items():
        setattr(made, name, found.default)
    for name, value in {"__init__": _first_init(made), **members}.items():
        if vars(cls).get(name) is None:
            setattr(made, name, value)
    return made


def _as_field(value: Any) -> _Field:
    return value if isinstance(value, _Field) else _Field(value)


def _with_slots(cls: type[Any], names: Sequence[str]) -> type[Any]:
    """The class again, with a slot for each of its own fields in place of a `__dict__`."""
    left_out = {*names, "__dict__", "__weakref__"}
    namespace = {name: value for name, value in vars(cls).items() if name not in left_out}
    metaclass: Callable[..., type[Any]] = type(cls)
    made = metaclass(cls.__name__, cls.__bases__, {**namespace, "__slots__": tuple(names)})
    made.__qualname__ = cls.__qualname__
    return made


def _first_init(cls: type[Any]) -> Callable[..., None]:
    """An `__init__` that compiles the real one, puts it in its own place, and calls it."""

    def __init__(self: Any, *given: Any, **named: Any) -> None:  # noqa: N807
        cls.__init__ = init = _compiled_init(cls)
        init(self, *given, **named)

    return __init__


def _compiled_init(cls: type[Any]) -> Callable[..., None]:
    """`def __init__(self, a, b=default)`, which sets each slot by its own setter: half the time of `setattr`."""
    known: dict[str, Any] = {}
    parameters, values = _parameters(cls, known)
    lines = []
    for name, value in values.items():
        setter = getattr(getattr(cls, name, None), "__set__", None)
        if setter is not None:
            known[f"_set_{name}"] = setter
            lines.append(f"_set_{name}(self, {value})")
        else:
            lines.append(f"self.__dict__[{name!r}] = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    return _compiled("__init__", ["self", *parameters], lines or ["pass"], known, cls)


def maker(cls: type[T]) -> Callable[..., T]:
    """A function that makes what calling `cls` makes, in a third of the time: for loops that make thousands.

    The slots are filled while the instance is of a class that lets them be. Only for classes with slots all their
    own: no base class has fields.
    """
    slots = cls.__frozen_fields__  # type: ignore[attr-defined]
    unlocked = type(cls.__name__, cls.__bases__, {"__slots__": slots, "__setattr__": object.__setattr__})
    known: dict[str, Any] = {"_new": object.__new__, "_unlocked": unlocked, "_cls": cls}
    parameters, values = _parameters(cls, known)
    lines = ["_made = _new(_unlocked)", *[f"_made.{name} = {value}" for name, value in values.items()]]
    lines += ["_made.__class__ = _cls"]
    lines += ["_made.__post_init__()"] if hasattr(cls, "__post_init__") else []
    make: Callable[..., T] = _compiled("make", parameters, [*lines, "return _made"], known, cls)
    return make


def _parameters(cls: type[Any], known: dict[str, Any]) -> tuple[Sequence[str], Mapping[str, str]]:
    """What a function that makes a `cls` takes, and the value of each field; what these name is put into `known`."""
    known["_not_given"] = object()
    parameters, values = [], {}
    for name in cls.__frozen_fields__:
        found, values[name] = cls.__frozen_defaults__.get(name), name
        if found is None:
            parameters.append(name)
        elif found.factory is None:
            known[f"_default_{name}"] = found.default
            parameters.append(f"{name}=_default_{name}")
        else:
            known[f"_make_{name}"] = found.factory
            parameters.append(f"{name}=_not_given")
            values[name] = f"_make_{name}() if {name} is _not_given else {name}"
    return parameters, values


def _compiled(
    name: str, parameters: Sequence[str], lines: Sequence[str], known: dict[str, Any], cls: type[Any]
) -> Callable[..., Any]:
    text = f"def {name}({', '.join(parameters)}):\n " + "\n ".join(lines)
    exec(text, known)  # noqa: S102 - made of the names of fields alone, as in the standard library
    made: Callable[..., Any] = known[name]
    made.__qualname__ = f"{cls.__qualname__}.{name}"
    return made


class _AsDataclass:
    """What `dataclasses` would have put into the class, made when somebody asks."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type[Any]) -> Any:
        import dataclasses

        fields = [(name, Any, _standard_field(owner, name)) for name in owner.__frozen_fields__]
        return getattr(dataclasses.make_dataclass(owner.__name__, fields, frozen=True), self._name)


def _standard_field(owner: type[Any], name: str) -> Any:
    import dataclasses

    found: _Field | None = owner.__frozen_defaults__.get(name)
    if found is None:
        return dataclasses.field()
    return dataclasses.field(default_factory=found.factory or (lambda: found.default), compare=found.compare)


def _refuse(self: Any, name: str, *_: Any) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot change field {name!r} of a {type(self).__name__}")


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    key = self.__frozen_key__
    return key(self) == key(other)


def _hash(self: Any) -> int:
    return hash((self.__frozen_key__(self),))


def _repr(self: Any) -> str:
    fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__frozen_compared__)
    return f"{type(self).__qualname__}({fields})"


def _get_state(self: Any) -> list[Any]:
    return [getattr(self, name) for name in self.__frozen_fields__]


def _set_state(self: Any, state: list[Any]) -> None:
    for name, value in zip(self.__frozen_fields__, state, strict=True):
        object.__setattr__(self, name, value)


_SHARED: Mapping[str, Any] = {
    "__setattr__": _refuse,
    "__delattr__": _refuse,
    "__eq__": _equal,
    "__hash__": _hash,
    "__repr__": _repr,
}
_PICKLED: Mapping[str, Any] = {"__getstate__": _get_state, "__setstate__": _set_state}
