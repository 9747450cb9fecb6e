"""`Kit`: the base of all conformance kits. Guards its checks, and turns gaps into expected failures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from clika_core.backend.gaps import Gap

_PACKAGE = "clika_core.testing.conformance"


class Kit:
    """Subclasses outside this package may define the fixtures in `supplied`, and nothing that the kit defines."""

    supplied: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **more: Any) -> None:
        """Refuse overridden checks and marks. Raises TypeError naming them."""
        super().__init_subclass__(**more)
        for base in cls.__mro__:
            if base is not object and not _is_ours(base):
                _refuse(base, cls)

    @pytest.fixture
    def gaps(self) -> Sequence[Gap]:
        """What is known not to work; kits that know gaps replace this."""
        return ()

    @pytest.fixture(autouse=True)
    def _expect_gaps(self, request: pytest.FixtureRequest, gaps: Sequence[Gap]) -> None:
        """A check that a gap names has to fail."""
        check = getattr(request.function, "__name__", "")
        given = getattr(request.node, "callspec", None)
        models = [f"[{name}]" for name in (given.params.values() if given else ()) if isinstance(name, str)]
        wanted = {check, *models, *(f"{check}{model}" for model in models)}
        for gap in gaps:
            if wanted & set(gap.checks):
                request.applymarker(pytest.mark.xfail(reason=str(gap), strict=True))

    def test_the_checks_are_the_kits_own(self) -> None:
        """Nobody replaced a check after the class was made, either."""
        for name in _checks_of(type(self)):
            owner = next(base for base in type(self).__mro__ if name in vars(base))
            assert _is_ours(owner), f"{owner.__qualname__} replaces {name}: state a gap instead"


def _is_ours(kind: type[Any]) -> bool:
    return kind.__module__ == _PACKAGE or kind.__module__.startswith(f"{_PACKAGE}.")


def _checks_of(kind: type[Any]) -> list[str]:
    """The names that the kit defines and a subclass may not."""
    found = {name for base in kind.__mro__ if _is_ours(base) for name in vars(base)}
    return sorted(found - set(getattr(kind, "supplied", ())) - set(vars(object)) - _PYTHONS)


_PYTHONS = frozenset({"__annotations__", "__dict__", "__module__", "__weakref__"})


def _refuse(base: type[Any], cls: type[Any]) -> None:
    """Raise TypeError where `base` defines what the kit defines, or marks its checks."""
    replaced = sorted(set(vars(base)) & set(_checks_of(cls)))
    if replaced:
        raise TypeError(
            f"{base.__qualname__} overrides {', '.join(replaced)} of the conformance kit. What does not work is "
            "a Gap with a kind and a reason (clika_core.backend.gaps); other tests go into a class of their own"
        )
    if "pytestmark" in vars(base):
        raise TypeError(f"{base.__qualname__} marks the conformance kit: state gaps instead of skipping")
