"""The page of operators: the vocabulary that all frameworks share, and which target runs what in integers."""

from __future__ import annotations

from collections.abc import Sequence

from clika_core.ir.operators import OPERATORS
from clika_core.ir.operators.operator_type import OperatorType, Trait
from clika_core.targets.registration import clika_register_targets
from clika_core.targets.target import Target
from docs.generators.markdown import code, codes, page, table

_INTRODUCTION = """\
A layer's type is one of these, whatever framework it came from; a type that is not here keeps the framework's
name and stays float. *weighted* layers multiply and accumulate, or look up, a constant; those marked
*weighted\\** are so only with a constant operand. *transparent* ones move or select values, *removed* ones do
nothing in inference, *computing* ones are all others."""
_SUPPORT = """\
## In integers

`yes`: the target has an integer kernel for the type. `some`: for layers that fulfil a condition;
[targets](targets.md) names it. `weight`: with a constant operand alone. Empty: the layer stays float."""


def page_text() -> str:
    """The page."""
    targets = clika_register_targets()
    rows = [
        (code(entry.name), _trait(entry), codes(entry.operands), codes(entry.attributes))
        for entry in sorted(OPERATORS.values(), key=lambda entry: entry.name)
    ]
    return page(
        "Operators",
        _INTRODUCTION,
        table(("type", "trait", "operands", "attributes"), rows),
        _SUPPORT,
        table(("type", *(code(target.name) for target in targets)), _support(targets)),
    )


def _trait(entry: OperatorType) -> str:
    return "weighted*" if entry.weight_operands and entry.trait is not Trait.WEIGHTED else str(entry.trait)


def _support(targets: Sequence[Target]) -> list[tuple[str, ...]]:
    """Only types that some target runs."""
    names = sorted({name for target in targets for name in target.kernels})
    return [(code(name), *(_word(target, name) for target in targets)) for name in names]


def _word(target: Target, name: str) -> str:
    kernel = target.kernels.get(name)
    if kernel is None:
        return ""
    words = ["weight"] if kernel.needs_weight else []
    return ", ".join(words + (["some"] if kernel.condition else [])) or "yes"
