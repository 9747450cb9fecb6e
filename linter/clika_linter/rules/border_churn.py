"""CLK208."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from clika_core.diagnostics import Severity
from clika_core.planning.decision import CauseKind, Precision
from clika_core.planning.plan import Plan
from clika_core.settings.source import Span
from clika_core.settings.value_types import Integer
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import blocks, cached_keys, classifier, guide_network, residual
from clika_linter.finding import Finding
from clika_linter.neighbours import cheaper_neighbour
from clika_linter.option import Option
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed

_GLOBAL = "global_quantization_settings"
_TAIL = "skip_tail_quantization"
_THRESHOLD = "quantization_sensitivity_threshold"
_WORTH = 0.25  # of the added borders that a cheaper choice has to save
_MAX_PLANNED_NODES = 10_000  # of whole plans made to find the rules at fault


class BorderChurn(Rule):
    """Skipping adds many changes between float and integers.

    ## What it does
    Counts the borders of the plan: the places where a value is quantized or dequantized. Reports rules,
    sensitivity skips and the tail where each of them adds more than `max-added-borders`, 10 by default, to
    the plan without it. The help names layers beside the skip which, left float too, save at least a quarter of
    the added borders and cost at most 5 % of the multiply-accumulates. A tail that the file leaves at its
    default is reported as info.

    ## Why is this bad?
    Each border is an operation that reads and writes a whole value. A float layer between integer ones can be
    slower than the same layer in a model that is float altogether.

    ## Example
    ```yaml
    layer_settings:
      op:add: # every residual connection of twelve blocks
        quantization_settings: {skip_quantization: true}
    ```

    ## Use instead
    ```yaml
    layer_settings:
      blocks.11: # the one block whose sensitivity is high
        quantization_settings: {skip_quantization: true}
    ```
    """

    code = "CLK208"
    name = "border-churn"
    severity = Severity.WARNING
    needs = (Need.PLAN,)
    silences = ("CLK213",)

    max_added_borders = Option(Integer(minimum=0), 10, "Added borders above which skips are reported.")

    VALID = (
        Valid(settings="", graph=classifier),
        Valid(
            settings="layer_settings:\n  op:add: {quantization_settings: {skip_quantization: true}}\n",
            graph=blocks,
            about="four more borders are not many",
        ),
        Valid(
            settings="layer_settings:\n  adaptive_avg_pool_1:\n    quantization_settings:\n"
            "      skip_quantization: true\n      skip_quantization_downstream: true\n",
            graph=guide_network,
            options={"max-added-borders": 0},
            about="one region that reaches the tail adds no border",
        ),
        Valid(
            settings="layer_settings:\n  blocks.1: {quantization_settings: {skip_quantization: true}}\n",
            graph=blocks,
            options={"max-added-borders": 2},
        ),
    )
    INVALID = (
        Invalid(
            settings="layer_settings:\n  «op:add»: {quantization_settings: {skip_quantization: true}}\n",
            graph=blocks,
            options={"max-added-borders": 3},
            messages=("rule 'op:add' adds 4 borders between float and integers: 6 instead of 2",),
            nodes=(("add_1", "add_2", "add_3"),),
        ),
        Invalid(
            settings='{"layer_settings": {\n'
            '  «"op:conv"»: {"quantization_settings": {"skip_quantization": true}}}}\n',
            syntax="json",
            graph=residual,
            options={"max-added-borders": 0},
            messages=("rule 'op:conv' adds 1 border between float and integers: 3 instead of 2",),
            nodes=(("conv_1", "conv_2", "conv_3", "add_1"),),
            about="add_1, between them, belongs to the cheaper choice",
        ),
        Invalid(
            settings="«layer_settings»:\n"
            "  linear_1: {quantization_settings: {skip_quantization: true}}\n"
            "  linear_3: {quantization_settings: {skip_quantization: true}}\n"
            "  linear_5: {quantization_settings: {skip_quantization: true}}\n",
            graph=blocks,
            options={"max-added-borders": 3},
            messages=("the rules add 5 borders between float and integers: 7 instead of 2",),
            about="none of them adds many by itself",
        ),
        Invalid(
            settings="global_quantization_settings:\n  quantization_sensitivity_threshold: «0.1»\n",
            graph=blocks,
            report={"layers": [{"name": f"linear_{number}", "qs": 0.5} for number in (1, 3, 5)]},
            options={"max-added-borders": 3},
            messages=(
                "quantization_sensitivity_threshold adds 5 borders between float and integers: 7 instead",
            ),
            nodes=(("linear_1", "linear_3", "linear_5"),),
        ),
        Invalid(
            settings="",
            graph=cached_keys,
            options={"max-added-borders": 2},
            messages=("the tail adds 3 borders between float and integers: 8 instead of 5",),
            severities=("info",),
        ),
        Invalid(
            settings="global_quantization_settings:\n"
            "  «skip_tail_quantization»: [output_1, 'past_key_values.*.key']\n",
            graph=cached_keys,
            options={"max-added-borders": 2},
            messages=("the tail adds 3 borders between float and integers: 8 instead of 5",),
            severities=("warning",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Compare the plan's borders with those of the plans without rules, without QS, and without a tail."""
        yield from self._of_rules(context)
        yield from self._of_sensitivity(context)
        yield from self._of_tail(context)

    def _of_rules(self, context: Context) -> Iterator[Finding]:
        if not self._can_add(context, CauseKind.RULE):
            return
        added = _added(context, context.plan_without_rules)
        if added <= self.max_added_borders:
            return
        suspects = _suspects(context, self.max_added_borders)
        single = [(number, _added(context, context.plan_without(number))) for number in suspects]
        single = [(number, own) for number, own in single if own > self.max_added_borders]
        for number, own in single:
            rule = context.reach.rules[number]
            layers = _floats(context, CauseKind.RULE, rule.rule.selector)
            yield _finding(context, f"rule {rule.rule.selector!r} adds", own, layers, context.span_of(rule))
        if not single:
            section = context.places.root.get("layer_settings")
            layers = _floats(context, CauseKind.RULE)
            yield _finding(context, "the rules add", added, layers, section.key_span if section else None)

    def _of_sensitivity(self, context: Context) -> Iterator[Finding]:
        if self._can_add(context, CauseKind.SENSITIVITY):
            added = _added(context, context.plan_without_sensitivity)
            if added > self.max_added_borders:
                layers = _floats(context, CauseKind.SENSITIVITY)
                span = context.places.value_span(_GLOBAL, _THRESHOLD)
                yield _finding(context, f"{_THRESHOLD} adds", added, layers, span)

    def _of_tail(self, context: Context) -> Iterator[Finding]:
        if not self._can_add(context, CauseKind.TAIL):
            return
        added = _added(context, context.plan_without_tail)
        if added <= self.max_added_borders:
            return
        entry = context.places.key(_GLOBAL, _TAIL)
        first, *others = (node.name for node in context.graph.outputs)
        num_borders = len(context.plan_with_tail([first]).borders) if others else len(context.plan.borders)
        is_chosen = isinstance(
            context.settings.global_quantization_settings.skip_tail_quantization, list | tuple
        )
        yield Finding(
            _message(context, "the tail adds", added),
            entry.key_span if entry else None,
            nodes=tuple(_floats(context, CauseKind.TAIL)),
            help=f"list the outputs that need one: {_TAIL}: [{first}] leaves {num_borders} borders",
            severity=None if is_chosen else Severity.INFO,
        )

    def _can_add(self, context: Context, kind: CauseKind) -> bool:
        """Whether enough borders touch layers that are float for such a cause, or through one that is."""
        touching = _with_heirs(context.plan, _floats(context, kind))
        borders = context.plan.borders if touching else ()
        count = sum(b.producer in touching or not touching.isdisjoint(b.consumers) for b in borders)
        return count > self.max_added_borders


def _with_heirs(plan: Plan, layers: Collection[str]) -> set[str]:
    """`layers`, and those that inherit float from one of them, whichever way."""
    found = set(layers)
    for decisions in (plan.decisions, reversed(plan.decisions)) if found else ():
        for decision in decisions:
            for cause in decision.causes:
                if cause.kind is CauseKind.INHERITED and not found.isdisjoint(cause.of):
                    found.add(decision.name)
    return found


def _floats(context: Context, kind: CauseKind, selector: str | None = None) -> list[str]:
    """The layers that a cause of this kind, of this rule where one is named, keeps float."""
    return [
        decision.name
        for decision in context.plan.decisions
        if decision.precision is Precision.FLOAT
        and any(c.kind is kind and selector in (None, c.selector) for c in decision.causes)
    ]


def _added(context: Context, other: Plan) -> int:
    return len(context.plan.borders) - len(other.borders)


def _suspects(context: Context, at_least: int) -> list[int]:
    """The rules that touch more borders than `at_least`, directly or by what inherits from their layers."""
    behind: dict[str, set[int]] = {}
    for decision in context.plan.decisions:
        if not decision.causes:
            continue
        causes = context.reach.causes.get(context.graph.index[decision.name], ())
        inherited = [giver for c in decision.causes if c.kind is CauseKind.INHERITED for giver in c.of]
        numbers = {number for number, _ in causes}
        behind[decision.name] = numbers.union(*(behind.get(giver, ()) for giver in inherited))
    touched: Counter[int] = Counter()
    for border in context.plan.borders:
        touched.update(set().union(*(behind.get(name, ()) for name in (border.producer, *border.consumers))))
    found = [number for number, count in touched.most_common() if count > at_least]
    return found[: max(1, _MAX_PLANNED_NODES // len(context.graph))]


def _message(context: Context, subject: str, added: int) -> str:
    total = len(context.plan.borders)
    borders = "border" if added == 1 else "borders"
    return f"{subject} {added} {borders} between float and integers: {total} instead of {total - added}"


def _finding(
    context: Context, subject: str, added: int, layers: Collection[str], span: Span | None
) -> Finding:
    cheaper = cheaper_neighbour(context, layers)
    is_worth_it = cheaper is not None and len(context.plan.borders) - cheaper.num_borders >= added * _WORTH
    beside = cheaper.layers if cheaper and is_worth_it else ()
    advice = "each border converts a value at run time: skip fewer layers, or layers that lie side by side"
    if cheaper and is_worth_it:
        advice = (
            f"each border converts a value at run time: skip {listed(beside)} as well, "
            f"which leaves {cheaper.num_borders} borders; or skip fewer layers"
        )
    return Finding(
        _message(context, subject, added),
        span,
        nodes=tuple(dict.fromkeys((*layers, *beside))),
        help=advice,
    )
