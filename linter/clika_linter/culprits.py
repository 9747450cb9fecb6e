"""Which rules make layers float, directly or by the layers around them."""

from __future__ import annotations

from collections.abc import Iterable

from clika_core.ir.graph import NodeKind
from clika_core.planning.decision import CauseKind
from clika_linter.context import Context


def rules_behind(context: Context, layers: Iterable[str]) -> list[int]:
    """Numbers of the rules that skip one of `layers`, or a layer that one of them inherits float from; sorted."""
    waiting = list(layers)
    seen: set[str] = set()
    found: set[int] = set()
    while waiting:
        name = waiting.pop()
        if name in seen or context.graph[name].kind is not NodeKind.LAYER:
            continue
        seen.add(name)
        found.update(number for number, _ in context.reach.causes.get(context.graph.index[name], ()))
        causes = context.plan[name].causes
        waiting += [giver for cause in causes if cause.kind is CauseKind.INHERITED for giver in cause.of]
    return sorted(found)
