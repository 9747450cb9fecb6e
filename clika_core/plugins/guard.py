"""Runs a stranger's code so that what it does stays its own: it may raise, exit, print or hang, and all goes on.

Nothing can be done about a plugin that ends the process (`os._exit`) or writes to file descriptors.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final, NamedTuple

PATIENCE_SECONDS: Final = 10.0
_MOST_PRINTED: Final = 80


class Ran(NamedTuple):
    """What came of it: a value, or a problem in one line; and what was printed, which nobody saw."""

    value: Any
    problem: str | None
    printed: str


def run_trusted(action: Callable[[], Any]) -> Ran:
    """Run the project's own code: only what it raises is kept from spreading."""
    try:
        return Ran(action(), None, "")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever a plugin does, the others go on
        return Ran(None, told(error), "")


def run_guarded(action: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Ran:
    """Run a stranger's code in a thread of its own, for at most `seconds`; standard output is kept from it.

    A thread that hangs is left behind; it ends with the process.
    """
    import io  # both here: only a plugin that somebody installed pays for them
    import threading

    found: list[Ran] = []
    kept, printed = sys.stdout, io.StringIO()

    def work() -> None:
        try:
            found.append(Ran(action(), None, ""))
        except BaseException as error:  # noqa: BLE001 - looked at below, in the thread that asked
            found.append(Ran(error, told(error), ""))

    thread = threading.Thread(target=work, name="clika-plugin", daemon=True)
    sys.stdout = printed
    try:
        thread.start()
        thread.join(seconds)
    finally:
        sys.stdout = kept
    said = printed.getvalue()
    if not found:
        return Ran(None, f"did not finish within {seconds:g} seconds", said)
    ran = found[0]
    if ran.problem and isinstance(ran.value, KeyboardInterrupt):
        raise ran.value
    return Ran(None if ran.problem else ran.value, ran.problem, said)


def told(error: BaseException) -> str:
    """`ImportError: no module named 'x'`, on one line."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - even its message is a stranger's code
        text = "with a message that cannot be shown"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def shortened(printed: str) -> str:
    """What was printed, quoted, on one line, and not too much of it."""
    text = " ".join(printed.split())
    return repr(text if len(text) <= _MOST_PRINTED else f"{text[: _MOST_PRINTED - 1]}…")
