"""CLK212."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clika_core.diagnostics import Severity
from clika_core.ir.graph import NodeKind
from clika_core.planning.reachability import set_bits
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import cached_keys, guide_network, residual
from clika_linter.finding import Finding
from clika_linter.ranges import ranges_by_layer
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed


class _Openings:
    """Edges into a range past its beginning, and out of it before its end."""

    def __init__(self) -> None:
        self.entering: list[tuple[str, str]] = []
        self.leaving: list[tuple[str, str]] = []


class OpenRegion(Rule):
    """A range has ways in past its beginning, or ways out before its end.

    ## What it does
    Looks at ranges with `skip_quantization_until`. Reports layers outside that feed a layer inside which is none
    of the selected ones, and values that leave the range from a layer which is none of its ends. Only values
    that are floating point count.

    ## Why is this bad?
    It works, but every such value may cost a change between float and integers beside those at the beginning
    and the end, and the range is seldom the region that was meant: in a residual block the shortcut runs
    around it.

    ## Example
    ```yaml
    layer_settings:
      conv_2: # add_1 also adds what relu_1 yields
        quantization_settings: {skip_quantization: true, skip_quantization_until: [add_1]}
    ```

    ## Use instead
    ```yaml
    layer_settings:
      conv_1: # before relu_1, and fused with it
        quantization_settings: {skip_quantization: true, skip_quantization_until: [add_1]}
    ```
    """

    code = "CLK212"
    name = "open-region"
    severity = Severity.INFO
    needs = (Need.GRAPH, Need.LAYER_RULES)

    VALID = (
        Valid(
            settings="layer_settings:\n  adaptive_avg_pool_1:\n    quantization_settings:\n"
            "      skip_quantization: true\n      skip_quantization_until: [linear_5]\n",
            graph=guide_network,
        ),
        Valid(
            settings="layer_settings:\n  stem:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: [add_1]\n",
            graph=residual,
            about="the shortcut lies inside",
        ),
        Valid(
            settings="layer_settings:\n  conv_2:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_downstream: true\n",
            graph=residual,
            about="a range without an end",
        ),
        Valid(
            settings="layer_settings:\n  block: {quantization_settings: {skip_quantization: true}}\n",
            graph=residual,
        ),
    )
    INVALID = (
        Invalid(
            settings="layer_settings:\n  «conv_2»:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: [add_1]\n",
            graph=residual,
            messages=("the range of rule 'conv_2' is open: relu_1 feeds add_1 from outside",),
            nodes=(("relu_1", "add_1"),),
        ),
        Invalid(
            settings='{"layer_settings": {«"conv_1"»: {"quantization_settings": '
            '{"skip_quantization": true, "skip_quantization_until": "conv_2"}}}}',
            syntax="json",
            graph=residual,
            messages=("the range of rule 'conv_1' is open: relu_1 feeds add_1 outside of it",),
        ),
        Invalid(
            settings="layer_settings:\n  «linear_1»:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: [layers.1]\n",
            graph=cached_keys,
            messages=("the range of rule 'linear_1' is open: linear_2 feeds output_2 outside of it",),
        ),
        Invalid(
            settings="layer_settings:\n  «linear_2»:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: [add_2]\n",
            graph=cached_keys,
            messages=(
                "the range of rule 'linear_2' is open: relu_1 feeds add_1 from outside; linear_2 feeds output_2 "
                "and linear_4 feeds output_3 outside of it",
            ),
            nodes=(("relu_1", "add_1", "linear_2", "output_2", "linear_4", "output_3"),),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Look at every edge once, for all ranges together."""
        for number, openings in sorted(_openings(context).items()):
            rule = context.reach.rules[number]
            parts = [f"{_pairs(openings.entering)} from outside"] if openings.entering else []
            parts += [f"{_pairs(openings.leaving)} outside of it"] if openings.leaving else []
            edges = (*openings.entering, *openings.leaving)
            yield Finding(
                f"the range of rule {rule.rule.selector!r} is open: {'; '.join(parts)}",
                context.span_of(rule),
                nodes=tuple(dict.fromkeys(name for edge in edges for name in edge)),
                help=_advice(context, openings),
            )


def _openings(context: Context) -> dict[int, _Openings]:
    """By rule, the edges that cross the border of its range elsewhere than at its beginning and end."""
    rules = context.reach.rules
    with_end = sum(1 << number for number, rule in enumerate(rules) if rule.until)
    inside = {position: bits & with_end for position, bits in ranges_by_layer(context.reach).items()}
    starts = _bits((number, rule.matches) for number, rule in enumerate(rules))
    ends = _bits((number, found) for number, rule in enumerate(rules) for _, found in rule.until)
    found: dict[int, _Openings] = {}
    nodes, index = context.graph.nodes, context.graph.index
    for position, node in enumerate(nodes) if with_end else ():
        within = inside.get(position, 0)
        for port in context.wiring.data_ports(node):
            producer = index[port.producer]
            before = inside.get(producer, 0)
            is_layer = nodes[producer].kind is NodeKind.LAYER
            edge = (port.producer, node.name)
            for number in set_bits(within & ~before & ~starts.get(position, 0)) if is_layer else ():
                found.setdefault(number, _Openings()).entering.append(edge)
            for number in set_bits(before & ~within & ~ends.get(producer, 0)):
                found.setdefault(number, _Openings()).leaving.append(edge)
    return found


def _bits(groups: Iterable[tuple[int, Iterable[int]]]) -> dict[int, int]:
    """For each position, the numbers of the groups that hold it as bits."""
    found: dict[int, int] = {}
    for number, positions in groups:
        for position in positions:
            found[position] = found.get(position, 0) | 1 << number
    return found


def _pairs(edges: list[tuple[str, str]]) -> str:
    return listed([f"{producer} feeds {reader}" for producer, reader in dict.fromkeys(edges)], at_most=3)


def _advice(context: Context, openings: _Openings) -> str:
    """How the range could be closed."""
    before = list(dict.fromkeys(producer for producer, _ in openings.entering))
    outputs = {node.name for node in context.graph.outputs}
    after = list(dict.fromkeys(reader for _, reader in openings.leaving if reader not in outputs))
    parts = [f"begin at {listed(before)} as well"] if before else []
    parts += [f"end the range where {listed(after)} lies inside"] if after else []
    closing = ", and ".join(parts)
    return f"{closing}; or keep it, if this is meant" if parts else "keep it, if this is meant"
