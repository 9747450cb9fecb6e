"""What a backend cannot do, as data: shown by `clika backends`, read by the conformance kit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class GapKind(StrEnum):
    """Whose gap it is."""

    FRAMEWORK = "framework"  # the framework has no such thing
    NOT_YET = "not yet"  # it could be done, and is not
    BY_DESIGN = "by design"  # it is left out on purpose


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that does not work: `what`, whose it is, and `why`.

    `checks` names the checks of `clika_core.testing.BackendConformance` that fail because of it:
    `test_gradients_are_straight_through`, or `test_running_gives_the_models_result[lstm]` for one model, or
    `[lstm]` for every check on that model. The kit expects them to fail: a gap that is none any more is an error.
    """

    what: str
    kind: GapKind
    why: str
    checks: tuple[str, ...] = ()

    def __str__(self) -> str:
        """`what (kind): why`."""
        return f"{self.what} ({self.kind}): {self.why}"
