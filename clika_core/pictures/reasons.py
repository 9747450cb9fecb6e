"""What planning says of a box, as short texts: bits, sensitivity, why it is float, what was overridden."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Final

from clika_core.errors import Location
from clika_core.ir.graph import Graph
from clika_core.pictures.fitting import NAME_CHARACTERS, bounded, named, shorten, wrapped
from clika_core.planning.decision import Cause, CauseKind, Decision, How

USUAL_BITS: Final = (8, 8)


def verdict_lines(graph: Graph, decisions: Sequence[Decision], target: str) -> list[str]:
    """Bits, QS, causes and overridden causes of the layers in one box, the head's decision first."""
    names = {decision.name for decision in decisions}
    causes = [
        cause_text(graph, decision.name, cause, target)
        for decision in decisions
        for cause in decision.causes
        if cause.kind is not CauseKind.INHERITED or not names.issuperset(cause.of)
    ]
    overridden = [
        cause_text(graph, decision.name, cause, target)
        for decision in decisions
        for cause in decision.overridden
    ]
    return [
        *_bits_lines(decisions[0]),
        *_sensitivity_lines(decisions),
        *_paragraphs("why: ", causes),
        *_paragraphs("overrides: ", overridden),
    ]


def short_place(place: Location) -> str:
    """`settings.yaml:14`: the file without its folder, for boxes."""
    return f"{shorten(PurePath(place.file).name, NAME_CHARACTERS)}:{place.line}"


def cause_text(
    graph: Graph, layer: str, cause: Cause, target: str, place: Callable[[Location], str] = short_place
) -> str:
    """Why `layer` is float, in a few words: `tail of output_1`; `place` writes where a rule stands."""
    names = named(cause.of)
    match cause.kind:
        case CauseKind.FLOAT_ONLY:
            return "no floating-point output"
        case CauseKind.UNSUPPORTED:
            return "; ".join(cause.of) or f"{target} has no quantized kernel for it"
        case CauseKind.TAIL:
            return f"tail of {names}"
        case CauseKind.RULE:
            return _rule_text(cause, names, place)
        case CauseKind.SENSITIVITY:
            return f"too sensitive: {names}"
        case CauseKind.INHERITED:
            is_below = any(graph.index[name] > graph.index[layer] for name in cause.of)
            return f"read only by float {names}" if is_below else f"follows float {names}"


def _rule_text(cause: Cause, names: str, place: Callable[[Location], str]) -> str:
    """`rule adaptive_avg_pool_1 until linear_5 (settings.yaml:14)`."""
    reach = {How.UNTIL: f" until {names}", How.DOWNSTREAM: " and all downstream"}
    where = f" ({place(cause.location)})" if cause.location else ""
    selector = shorten(cause.selector or "", NAME_CHARACTERS)
    return f"rule {selector}{reach.get(cause.how or How.SELECTED, '')}{where}"


def _bits_lines(decision: Decision) -> list[str]:
    """The widths, where they are not the usual ones."""
    bits = (decision.weights_num_bits, decision.activations_num_bits)
    if decision.causes or bits == USUAL_BITS:
        return []
    return [f"weights {bits[0]} bits, activations {bits[1]} bits"]


def _sensitivity_lines(decisions: Sequence[Decision]) -> list[str]:
    """`QS 0.0123`, the group's: three significant digits are what a measurement carries."""
    measured = [decision.qs for decision in decisions if decision.qs is not None]
    return [f"QS {measured[-1]:.3g}"] if measured else []


def _paragraphs(lead: str, texts: Sequence[str]) -> list[str]:
    """Each text once, the first after `lead`, the others below it, long ones wrapped."""
    different = list(dict.fromkeys(texts))
    indented = [lead + text if position == 0 else f"and: {text}" for position, text in enumerate(different)]
    return bounded([line for text in indented for line in wrapped(text)], 8)
