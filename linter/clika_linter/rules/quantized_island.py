"""CLK213."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clika_core.diagnostics import Severity
from clika_core.ir.operators import Trait
from clika_core.planning.decision import Precision
from clika_core.planning.plan import Plan
from clika_core.planning.wiring import Wiring
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.culprits import rules_behind
from clika_linter.example_graphs import blocks, classifier, guide_network, residual
from clika_linter.finding import Finding
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed


class QuantizedIsland(Rule):
    """Rules leave a layer without a weight quantized, with float layers all around it.

    ## What it does
    Reports an add, a pool or another layer without a weight where every value it reads and every reader of its
    output is float; also several of them that read one another, with no weighted layer among them. Only
    islands that are not there without the rules.

    ## Why is this bad?
    Its inputs are quantized for this layer alone, and its output is changed back: two losses of precision and two
    operations more, to save nothing, because it has no weight that could shrink.

    ## Example
    ```yaml
    layer_settings:
      op:conv: # the adds between them stay quantized
        quantization_settings: {skip_quantization: true}
    ```

    ## Use instead
    ```yaml
    layer_settings:
      op:conv:
        quantization_settings: {skip_quantization: true}
      op:add:
        quantization_settings: {skip_quantization: true}
    ```
    """

    code = "CLK213"
    name = "quantized-island"
    severity = Severity.WARNING
    needs = (Need.PLAN, Need.LAYER_RULES)

    VALID = (
        Valid(
            settings="layer_settings:\n  conv_2: {quantization_settings: {skip_quantization: true}}\n",
            graph=residual,
            about="the add also reads a quantized layer",
        ),
        Valid(
            settings="layer_settings:\n  op:conv: {quantization_settings: {skip_quantization: true}}\n"
            "  op:add: {quantization_settings: {skip_quantization: true}}\n",
            graph=residual,
        ),
        Valid(
            settings="layer_settings:\n  adaptive_avg_pool_1:\n    quantization_settings:\n"
            "      skip_quantization: true\n      skip_quantization_until: [linear_5]\n",
            graph=guide_network,
        ),
        Valid(
            settings="layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            about="conv_2 is quantized, and has a weight",
        ),
    )
    INVALID = (
        Invalid(
            settings="layer_settings:\n  «op:conv»: {quantization_settings: {skip_quantization: true}}\n",
            graph=residual,
            messages=("rule 'op:conv' leaves add_1 quantized between float layers",),
            nodes=(("add_1",),),
        ),
        Invalid(
            settings='{"layer_settings": {\n'
            '  «"conv_1"»: {"quantization_settings": {"skip_quantization": true}},\n'
            '  "conv_2": {"quantization_settings": {"skip_quantization": true}},\n'
            '  "neck": {"quantization_settings": {"skip_quantization": true}}}}',
            syntax="json",
            graph=residual,
            messages=("rule 'conv_1' leaves add_1 quantized between float layers",),
            about="the rules do so together; one of them is shown",
        ),
        Invalid(
            settings="layer_settings:\n  «conv_2»: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            messages=("rule 'conv_2' leaves adaptive_avg_pool_1 quantized between float layers",),
            nodes=(("adaptive_avg_pool_1", "flatten_1"),),
            about="flatten_1 only moves values on the way to the tail",
        ),
        Invalid(
            settings='[layer_settings.«"re:linear_[1-6]"».quantization_settings]\nskip_quantization = true\n',
            syntax="toml",
            graph=blocks,
            messages=("rule 're:linear_[1-6]' leaves add_1, add_2 and add_3 quantized between float layers",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Compare the islands of the plan with those that are there without the rules."""
        islands = _islands(context.plan, context.wiring)
        if not islands:
            return
        inherent = {
            name for island in _islands(context.plan_without_rules, context.wiring) for name in island
        }
        made: dict[int | None, list[tuple[str, ...]]] = {}
        for island in islands:
            if inherent.isdisjoint(island):
                made.setdefault(_rule_around(context, island), []).append(island)
        for number, found in made.items():
            yield _finding(context, number, found)


def _islands(plan: Plan, wiring: Wiring) -> list[tuple[str, ...]]:
    """Connected quantized layers without a weighted one among them."""
    index, traits = wiring.graph.index, wiring.traits
    return [
        layers
        for layers in _regions(plan, wiring)
        if all(traits[index[name]] is not Trait.WEIGHTED for name in layers)
    ]


def _regions(plan: Plan, wiring: Wiring) -> list[tuple[str, ...]]:
    """The quantized layers, those together between which values stay integers."""
    quantized = [decision.name for decision in plan.decisions if decision.precision is Precision.QUANTIZED]
    root = {name: name for name in quantized}

    def find(name: str) -> str:
        while root[name] != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    for name in quantized:
        for producer, _ in wiring.sources[wiring.graph.index[name]]:
            if producer in root:
                root[find(producer)] = find(name)
    found: dict[str, list[str]] = {}
    for name in quantized:
        found.setdefault(find(name), []).append(name)
    return [tuple(names) for names in found.values()]


def _rule_around(context: Context, island: Sequence[str]) -> int | None:
    """The first rule that keeps a layer next to the island float; None where that is not the rules' doing."""
    nodes, index = context.graph.nodes, context.graph.index
    beside: set[str] = set()
    for name in island:
        beside |= {producer for producer, _ in context.wiring.sources[index[name]]}
        for port in range(len(context.graph[name].outputs)):
            beside |= {nodes[reader].name for reader in context.wiring.readers.get((name, port), ())}
    return next(iter(rules_behind(context, beside)), None)


def _finding(context: Context, number: int | None, islands: Sequence[tuple[str, ...]]) -> Finding:
    nodes = tuple(name for island in islands for name in island)
    traits = context.wiring.traits
    heads = [name for name in nodes if context.plan[name].group == name]
    shown = [name for name in heads if traits[context.graph.index[name]] is Trait.COMPUTING] or heads
    subject, span = "the rules leave", None
    if number is not None:
        rule = context.reach.rules[number]
        subject, span = f"rule {rule.rule.selector!r} leaves", context.span_of(rule)
    return Finding(
        f"{subject} {listed(shown)} quantized between float layers",
        span,
        nodes=nodes,
        help=f"skip {listed(shown)} as well",
    )
