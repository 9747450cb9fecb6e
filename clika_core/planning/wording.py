"""A cause in a few words, as tables and logs show it; whole names, nothing shortened."""

from __future__ import annotations

from clika_core.planning.decision import Cause, How


def describe(cause: Cause) -> str:
    """A cause in a few words."""
    of = ", ".join(cause.of)
    place = f" ({cause.location})" if cause.location else ""
    reach = {How.UNTIL: f" until {of}", How.DOWNSTREAM: " downstream"}
    words = {
        "float_only": "no floating-point output",
        "unsupported": of,
        "tail": f"tail of {of}",
        "rule": f"rule {cause.selector!r}{place}{reach.get(cause.how, '') if cause.how else ''}",
        "sensitivity": f"sensitivity {of}",
        "inherited": f"follows float {of}",
    }
    return words[cause.kind]
