"""`Option`: one number or choice of a rule that `[tool.clika.lint.rules.<name>]` can change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, overload

from clika_core.settings.value_type import ValueType

if TYPE_CHECKING:
    from clika_linter.rule import Rule

T = TypeVar("T")


class Option(Generic[T]):
    """Declared as a class attribute of a rule; reading it on a rule gives the value, checked.

        class SensitivityHotspot(Rule):
            max_qs = Option(Number(minimum=0), 10_000.0, "QS above which a layer is reported.")

    The file writes it in kebab case: `max-qs = 500`.
    """

    def __init__(self, value_type: ValueType[T], default: T, description: str) -> None:
        """Declare the option; its name is that of the class attribute."""
        self.value_type = value_type
        self.default = default
        self.description = description
        self.attribute = ""

    @property
    def name(self) -> str:
        """As files write it: `max-qs`."""
        return self.attribute.replace("_", "-")

    def __set_name__(self, owner: type[Rule], name: str) -> None:
        """Learn the name."""
        self.attribute = name

    @overload
    def __get__(self, instance: None, owner: type[Rule]) -> Option[T]: ...

    @overload
    def __get__(self, instance: Rule, owner: type[Rule]) -> T: ...

    def __get__(self, instance: Rule | None, owner: type[Rule]) -> Option[T] | T:
        """The value that `instance` was made with, else the declaration itself."""
        if instance is None:
            return self
        value: T = instance.options.get(self.attribute, self.default)
        return value
