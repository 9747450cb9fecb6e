"""Words that several rules use, so that findings read alike."""

from __future__ import annotations

from collections.abc import Sequence

from clika_core.planning.decision import Cause, CauseKind
from clika_core.settings.problems import Problem
from clika_linter.finding import Finding, Fix


def listed(names: Sequence[str], at_most: int = 4) -> str:
    """`a, b and 3 more`."""
    if len(names) <= at_most:
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"{', '.join(names[:at_most])} and {len(names) - at_most} more"


def percent(share: float) -> str:
    """`12 %`; `0.4 %` below ten; `under 0.1 %`."""
    if 0 < share < 0.001:
        return "under 0.1 %"
    return f"{share * 100:.0f} %" if share >= 0.0995 else f"{share * 100:.1f} %"


def because(cause: Cause) -> str:
    """A cause, after the word "because of"."""
    of = listed(cause.of)
    words = {
        CauseKind.FLOAT_ONLY: "its integer outputs",
        CauseKind.UNSUPPORTED: f"the target ({of})",
        CauseKind.TAIL: f"the tail of {of}",
        CauseKind.RULE: f"the rule {cause.selector!r}",
        CauseKind.SENSITIVITY: f"its sensitivity ({of})",
        CauseKind.INHERITED: f"the layers around it ({of})",
    }
    return words[cause.kind]


def finding_of(problem: Problem, fix: Fix | None = None) -> Finding:
    """What reading the settings file found, as a finding."""
    parts = [f"found {problem.found}"] if problem.found else []
    parts += [f"expected {problem.expected}"] if problem.expected else []
    return Finding(
        ": ".join([problem.message, *([", ".join(parts)] if parts else [])]),
        problem.span,
        help=problem.fix,
        fix=fix,
        location=None if problem.span else problem.location,
    )
