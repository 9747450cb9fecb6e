"""The causes a layer has by itself, before groups and neighbours: all but `inherited`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from clika_core.diagnostics import Diagnostic
from clika_core.errors import SettingsError, nearest
from clika_core.frozen import frozen
from clika_core.ir.graph import Graph, Node
from clika_core.ir.operators import OPERATORS
from clika_core.planning.decision import Cause, CauseKind
from clika_core.planning.globs import glob_matcher
from clika_core.planning.sensitivities import Sensitivity
from clika_core.planning.skip_rules import RuleReach
from clika_core.planning.tail import tails
from clika_core.planning.wiring import Wiring
from clika_core.settings.model import Settings
from clika_core.targets.target import Target

_OVERRIDABLE = frozenset({CauseKind.TAIL, CauseKind.RULE, CauseKind.SENSITIVITY})

Bits = tuple[int, int]


@frozen(slots=False)
class OwnCauses:
    """By layer that stays: its causes, what an explicit False took away, its (weight, activation) bits.

    `support` tells why the target cannot compute a layer at other bits, or None.
    """

    causes: Mapping[str, tuple[Cause, ...]]
    overridden: Mapping[str, tuple[Cause, ...]]
    bits: Mapping[str, Bits]
    default_bits: Bits
    support: Callable[[str, Bits], str | None]
    diagnostics: Sequence[Diagnostic]


def own_causes(
    wiring: Wiring,
    settings: Settings,
    target: Target,
    reach: RuleReach,
    measured: Mapping[str, Sensitivity],
) -> OwnCauses:
    """Collect the causes of every layer that stays."""
    graph = wiring.graph
    in_tail = tails(graph, tail_outputs(graph, settings))
    given = settings.global_quantization_settings
    default_bits = (given.weights_num_bits, given.activations_num_bits)
    threshold = given.quantization_sensitivity_threshold if given.automatic_skip_quantization else None
    causes: dict[str, tuple[Cause, ...]] = {}
    overridden: dict[str, tuple[Cause, ...]] = {}
    bits: dict[str, Bits] = {}
    for node in graph.layers:
        if node.name in wiring.removed:
            continue
        position = graph.index[node.name]
        bits[node.name] = _bits(reach, position, default_bits)
        reason = _support(graph, node, target, bits[node.name])
        found = [Cause(CauseKind.FLOAT_ONLY)] if wiring.is_float_only[position] else []
        found += [Cause(CauseKind.UNSUPPORTED, of=(reason,))] if reason else []
        found += [Cause(CauseKind.TAIL, of=in_tail[position])] if position in in_tail else []
        found += [cause for _, cause in reach.causes.get(position, ())]
        found += _sensitivity(node, measured, given.quantization_sensitivity_measure, threshold)
        winner = reach.fields["skip_quantization"].get(position)
        is_kept = winner is not None and winner.value is False
        lost = [cause for cause in found if is_kept and cause.kind in _OVERRIDABLE]
        causes[node.name] = tuple(cause for cause in found if cause not in lost)
        overridden[node.name] = tuple(sorted(lost, key=Cause.sort_key))
    return OwnCauses(
        causes,
        overridden,
        bits,
        default_bits,
        lambda name, wanted: _support(graph, graph[name], target, wanted),
        reach.diagnostics,
    )


def tail_outputs(graph: Graph, settings: Settings) -> tuple[str, ...]:
    """The outputs that have a tail, by `skip_tail_quantization`: all, none, or those listed.

    Raises SettingsError for an entry that names no output.
    """
    wanted = settings.global_quantization_settings.skip_tail_quantization
    names = tuple(node.name for node in graph.outputs)
    if not isinstance(wanted, list | tuple):
        return () if wanted is False else names
    known = {word: node.name for node in graph.outputs for word in (*node.aliases, node.name)}
    chosen: set[str] = set()
    for entry in wanted:
        matches = glob_matcher(entry)
        found = {name for word, name in known.items() if word == entry or matches(word)}
        if not found:
            raise _unknown_output(entry, list(known), settings)
        chosen |= found
    return tuple(name for name in names if name in chosen)


def _unknown_output(entry: str, known: list[str], settings: Settings) -> SettingsError:
    close = nearest(entry, known)
    return SettingsError(
        f"skip_tail_quantization names {entry!r}, which is no output",
        expected=f"outputs of the graph: {', '.join(known[:8])}",
        fix=f"did you mean {' or '.join(map(repr, close))}?" if close else "use true for all outputs",
        location=settings.location_of("global_quantization_settings", "skip_tail_quantization"),
    )


def _support(graph: Graph, node: Node, target: Target, bits: Bits) -> str | None:
    """Why the target cannot compute the layer in integers; a type nobody knows is never guessed."""
    if node.type not in OPERATORS:
        return f"{node.type} is no operator type of the vocabulary"
    return target.support(graph, node, *bits)


def _bits(reach: RuleReach, position: int, default: Bits) -> Bits:
    weights = reach.fields["weights_num_bits"].get(position)
    activations = reach.fields["activations_num_bits"].get(position)
    return (
        int(weights.value) if weights else default[0],
        int(activations.value) if activations else default[1],
    )


def _sensitivity(
    node: Node, measured: Mapping[str, Sensitivity], measure: str, threshold: float | None
) -> list[Cause]:
    if threshold is None or node.name not in measured:
        return []
    value = measured[node.name].measure(measure)
    is_above = value is not None and not value <= threshold  # NaN is above every threshold
    return [Cause(CauseKind.SENSITIVITY, of=(f"{value:.6g} > {threshold:.6g}",))] if is_above else []
