"""`--show-plan`: the decisions that rules look at."""

from __future__ import annotations

from collections.abc import Iterator

from clika_linter.availability import missing
from clika_linter.inputs import read_settings
from clika_linter.rule import Need
from clika_linter.running import Linter


def plans_text(linter: Linter, file: str) -> str:
    """A table for every graph of a settings file, as `clika plan` prints it."""
    return "\n".join(_lines(linter, file)) + "\n"


def _lines(linter: Linter, file: str) -> Iterator[str]:
    from clika_core.cli.plan import lines

    for pairing, context in linter.contexts(read_settings(file)):
        yield f"{file}" + (f" with {pairing.graph}" if pairing.graph else "")
        if missing((Need.PLAN,), context) is None:
            yield from lines(context.plan)
            yield from (f"left out: {error.message}" for error in context.rule_errors)
            continue
        errors = [context.target_error] if context.has_graph else context.input_errors
        yield from (f"no plan: {error.message}" for error in errors if error)
        if not any(errors):
            yield "no plan: there is no graph, or the settings cannot be read"
