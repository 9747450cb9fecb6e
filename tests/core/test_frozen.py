"""A frozen class does what `dataclasses.dataclass(frozen=True, slots=True)` makes of the same fields."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import subprocess
import sys
from functools import cached_property
from typing import Any, ClassVar

import pytest

from clika_core.frozen import field, frozen, maker, replace


@frozen
class Point:
    """A place, with a note that does not count."""

    origin: ClassVar[str] = "top left"
    x: int
    y: int = 0
    tags: dict[str, int] = field(default_factory=dict)
    note: str = field(default="", compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Standard:
    origin: ClassVar[str] = "top left"
    x: int
    y: int = 0
    tags: dict[str, int] = dataclasses.field(default_factory=dict)
    note: str = dataclasses.field(default="", compare=False, repr=False)


@frozen
class Named(Point):
    """A point with a name."""

    name: str = "p"


@frozen(slots=False)
class Interval:
    """Two ends that are in order."""

    low: float
    high: float = 1.0

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("not in order")

    @cached_property
    def width(self) -> float:
        return self.high - self.low


@pytest.mark.parametrize("given", [(1,), (1, 2), (1, 2, {"a": 1}), (1, 2, {}, "here")])
def test_it_behaves_as_a_dataclass_of_the_same_fields(given: tuple[Any, ...]) -> None:
    ours, theirs = Point(*given), Standard(*given)
    assert repr(ours) == repr(theirs).replace("Standard", "Point")
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert [f.name for f in dataclasses.fields(Point)] == [f.name for f in dataclasses.fields(Standard)]
    assert Point.__match_args__ == Standard.__match_args__
    assert (ours == Point(*given), ours == theirs, ours == Point(7)) == (True, False, False)
    assert Point.__slots__ == Standard.__slots__ == ("x", "y", "tags", "note")  # type: ignore[attr-defined]


@pytest.mark.parametrize("given", [(), (1, 2, {}, "", 5), (1, 2, {}, "", "more", 6)])
def test_it_takes_only_what_its_fields_take(given: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match=r"Point\.__init__\(\)"):
        Point(*given)
    with pytest.raises(TypeError, match="colour"):
        Point(1, colour="red")  # type: ignore[call-arg]


def test_no_field_can_be_changed_or_deleted() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match="'x' of a Point"):
        Point(1).x = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError, match="'low' of a Interval"):
        del Interval(0.0).low


def test_what_does_not_count_changes_neither_equality_nor_hash() -> None:
    assert Point(1, note="a") == Point(1, note="b")
    assert hash(Interval(0.0)) == hash(Interval(0.0, 1.0)) != hash(Interval(0.5))
    with pytest.raises(TypeError, match="unhashable"):
        hash(Point(1))


def test_a_default_is_made_for_each_instance() -> None:
    assert Point(1).tags is not Point(1).tags


def test_a_subclass_has_the_fields_of_both() -> None:
    assert repr(Named(1, name="q")) == "Named(x=1, y=0, tags={}, name='q')"
    assert Named(1) != Point(1)
    assert not hasattr(Named(1), "__dict__")


def test_without_slots_it_has_cached_properties_and_is_checked_when_made() -> None:
    interval = Interval(0.25)
    assert interval.width == interval.width == 0.75
    assert Interval.high == 1.0
    with pytest.raises(ValueError, match="not in order"):
        replace(interval, high=0.0)


@pytest.mark.parametrize("value", [Point(1, 2, {"a": 1}, "n"), Interval(0.5), Named(3)])
def test_copies_are_equal(value: Any) -> None:
    assert copy.deepcopy(value) == copy.copy(value) == value
    assert replace(value) == dataclasses.replace(value) == value


@pytest.mark.parametrize("given", [(1,), (1, 2), (1, 2, {"a": 1}), (1, 2, {}, "here")])
def test_a_maker_makes_what_the_class_makes(given: tuple[Any, ...]) -> None:
    made = maker(Point)(*given)
    assert type(made) is Point
    assert (made, repr(made), made.note) == (Point(*given), repr(Point(*given)), Point(*given).note)
    with pytest.raises(dataclasses.FrozenInstanceError, match="'x' of a Point"):
        made.x = 2  # type: ignore[misc]


def test_a_maker_checks_what_the_class_checks() -> None:
    @frozen
    class Positive:
        value: int

        def __post_init__(self) -> None:
            if self.value <= 0:
                raise ValueError("not positive")

    assert maker(Positive)(1) == Positive(1)
    with pytest.raises(ValueError, match="not positive"):
        maker(Positive)(0)


def test_nothing_is_compiled_before_the_first_instance() -> None:
    @frozen
    class Fresh:
        value: int

    assert "given" in inspect.signature(Fresh.__init__).parameters
    assert Fresh(1).value == 1
    assert list(inspect.signature(Fresh).parameters) == ["value"]


def test_it_loads_neither_inspect_nor_dataclasses() -> None:
    code = "import sys, clika_core.frozen; print(*{'inspect', 'dataclasses'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("", "")
