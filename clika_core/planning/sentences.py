"""Decisions and rules in sentences, with the file and line of every rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from clika_core.planning.decision import Cause, CauseKind, How, Precision

if TYPE_CHECKING:
    from clika_core.planning.explain import Explanation
    from clika_core.planning.explain_rule import RuleExplanation

_MAX_NAMES = 8


def about_layer(found: Explanation) -> list[str]:
    """What the layer is and why; what would be without each rule; what would quantize it."""
    decision = found.decision
    where = f", {found.path}," if found.path else ""
    head = f"{found.layer} ({found.type}{where[:-1]}) is {decision.precision}"
    if decision.precision is Precision.REMOVED:
        return [f"{head}: {_removed(decision.into)}."]
    lines = [f"{head} {_because(decision.causes)}."] if decision.causes else [_quantized(found, head)]
    if decision.overridden:
        kept = "explicit skip_quantization: false"
        lines.append(f"It would be float {_because(decision.overridden)}; {kept} takes that away.")
    if decision.precision is Precision.QUANTIZED and len(found.members) > 1:
        lines.append(
            f"{listed(found.members)} are computed together; the result is quantized once, at the end."
        )
    lines += [_without(rule, found, precision) for rule, precision in found.without.items()]
    if decision.precision is Precision.FLOAT:
        lines.append(_advice(found))
    return lines


def about_rule(found: RuleExplanation) -> list[str]:
    """What the rule covers, what it alone covers, what it costs."""
    place = f" ({found.location})" if found.location else ""
    if not found.selected:
        return [f"Rule {found.selector!r}{place} matches no layer of this graph and is left out."]
    in_range = f", and {_counted(found.reached)} in its range" if found.reached else ""
    lines = [
        f"Rule {found.selector!r}{place} {_does(found)}.",
        f"It selects {_counted(found.selected)}, {listed(found.selected)}{in_range}.",
    ]
    if found.is_needed:
        return [*lines, "Without it other rules contradict each other."]
    if found.only_float:
        lines.append(
            f"Without it {_counted(found.only_float)} would be quantized: {listed(found.only_float)}."
        )
        lines += _cost(found)
    if found.only_quantized:
        lines.append(
            f"Without it {_counted(found.only_quantized)} would be float: {listed(found.only_quantized)}."
        )
    if found.other_bits:
        lines.append(
            f"Without it {_counted(found.other_bits)} would have other bits: {listed(found.other_bits)}."
        )
    if not (found.only_float or found.only_quantized or found.other_bits):
        lines.append("Without it no layer would change in precision or bits, so it costs nothing.")
    return lines


def _cost(found: RuleExplanation) -> list[str]:
    share = f"{found.share_of_multiply_accumulates:.1%} of the model"
    kept = [
        f"{found.weight_bytes:,} bytes of weights" if found.weight_bytes else "",
        f"{found.multiply_accumulates:,} multiply-accumulates ({share})"
        if found.multiply_accumulates
        else "",
    ]
    parts = [f"keeps {listed([part for part in kept if part])} in floating point"] if any(kept) else []
    if found.borders:
        way, count = ("adds" if found.borders > 0 else "saves"), abs(found.borders)
        parts.append(f"{way} {count} {_plural('border', count)} between float and integers")
    return (
        [f"It {listed(parts)}."]
        if parts
        else ["It costs no weights, no multiply-accumulates and no borders."]
    )


def listed(names: Sequence[str]) -> str:
    """`a, b and c`; of many names the first ones and how many more there are."""
    shown = [*names[:_MAX_NAMES]]
    if len(names) > _MAX_NAMES:
        return f"{', '.join(shown)} and {len(names) - _MAX_NAMES} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def reason(cause: Cause) -> str:
    """A cause as the end of a sentence that begins "because"."""
    of = listed(cause.of)
    place = f" ({cause.location})" if cause.location else ""
    rule = f"rule {cause.selector!r}{place}"
    until = f" until {of}" if of else ""
    sentences = {
        (CauseKind.FLOAT_ONLY, None): "none of its outputs is floating point",
        (CauseKind.UNSUPPORTED, None): of,
        (CauseKind.TAIL, None): f"it is in the tail of {of}",
        (CauseKind.RULE, How.SELECTED): f"{rule} selects it",
        (CauseKind.RULE, How.UNTIL): f"it is in the range of {rule}{until}",
        (CauseKind.RULE, How.DOWNSTREAM): f"it is downstream of {rule}",
        (CauseKind.SENSITIVITY, None): f"its measured sensitivity is too high ({of})",
        (CauseKind.INHERITED, None): f"it follows {of}, which {'is' if len(cause.of) == 1 else 'are'} float",
    }
    return sentences[cause.kind, cause.how]


def _because(causes: Iterable[Cause]) -> str:
    return " and ".join(f"because {reason(cause)}" for cause in causes)


def _removed(into: str | None) -> str:
    return (
        f"it is folded into {into}, which decides for it" if into else "there is nothing to do in inference"
    )


def _quantized(found: Explanation, head: str) -> str:
    decision = found.decision
    bits = f"{decision.weights_num_bits}-bit weights and {decision.activations_num_bits}-bit activations"
    if decision.overridden:
        return f"{head}: {found.target} runs {found.type} with {bits}."
    return f"{head}: {found.target} runs {found.type} with {bits}, and no rule, tail or threshold skips it."


def _without(rule: str, found: Explanation, precision: Precision | None) -> str:
    if precision is None:
        return f"Without rule {rule!r} other rules contradict each other."
    still = "still " if precision is found.decision.precision else ""
    return f"Without rule {rule!r} it would {still}be {precision}."


def _advice(found: Explanation) -> str:
    if found.keep:
        keys = ", ".join(f'"name:{layer}"' for layer in found.keep)
        return f"To quantize it, set skip_quantization: false for {keys}."
    kinds = {cause.kind for cause in found.decision.causes}
    if CauseKind.FLOAT_ONLY in kinds:
        return "There is nothing to quantize in it."
    if CauseKind.UNSUPPORTED in kinds:
        others = f"; {listed(found.other_targets)} could" if found.other_targets else ""
        return f"No setting quantizes it on target {found.target}{others}."
    return "No explicit skip_quantization: false quantizes it: a layer that it follows stays float."


def _does(found: RuleExplanation) -> str:
    parts = []
    if found.skips is not None:
        reach = f" until {listed(found.until)}" if found.until else ""
        reach = " and everything downstream" if found.is_downstream else reach
        parts.append(f"keeps layers float{reach}" if found.skips else "wants layers quantized")
    parts += [f"sets {name} to {value}" for name, value in found.bits.items()]
    return " and ".join(parts) or "sets nothing"


def _counted(names: Sequence[str]) -> str:
    return f"{len(names)} {_plural('layer', len(names))}"


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
