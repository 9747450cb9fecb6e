"""CLK203."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.planning.decision import Cause, CauseKind, How, Precision
from clika_core.planning.rule_errors import RuleError, RuleProblem
from clika_core.planning.skip_rules import FIELDS, ResolvedRule
from clika_core.settings.model import LayerRule
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, guide_network, residual
from clika_linter.finding import Finding, Label
from clika_linter.rule import Need, Rule
from clika_linter.wording import because, listed

_SKIP = "skip_quantization"


class ConflictingSkip(Rule):
    """Two things that the settings say of a layer cannot both hold.

    ## What it does
    Reports as an error two rules that are equally specific and want different values for one layer. Reports as
    a warning `skip_quantization: false` where it takes a layer out of the tail, out of the range of another
    rule, or back from a sensitivity that is above the threshold. An exception from a rule that merely selects
    more layers (`op:linear` is skipped, `linear_1` is not) is no conflict.

    ## Why is this bad?
    Planning refuses a contradiction. An explicit `false` always wins over tail, ranges and sensitivity: a layer
    in the middle of a range is then quantized, with a change to integers and back around it, and nothing
    near the range says so.

    ## Example
    ```yaml
    layer_settings:
      adaptive_avg_pool_1:
        quantization_settings: {skip_quantization: true, skip_quantization_until: [linear_5]}
      linear_3:
        quantization_settings: {skip_quantization: false} # lies in between
    ```

    ## Use instead
    ```yaml
    layer_settings:
      adaptive_avg_pool_1:
        quantization_settings: {skip_quantization: true, skip_quantization_until: [linear_2]}
    ```
    """

    code = "CLK203"
    name = "conflicting-skip"
    severity = Severity.WARNING
    needs = (Need.PLAN, Need.LAYER_RULES)

    VALID = (
        Valid(
            settings="layer_settings:\n"
            "  op:linear: {quantization_settings: {skip_quantization: true}}\n"
            "  linear_2: {quantization_settings: {skip_quantization: false}}\n",
            graph=guide_network,
            about="an exception from a wider rule is what specificity is for",
        ),
        Valid(
            settings="layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: false}}\n",
            graph=classifier,
            about="nothing is overridden",
        ),
        Valid(
            settings="global_quantization_settings: {skip_tail_quantization: false}\n"
            "layer_settings:\n  linear_1: {quantization_settings: {skip_quantization: false}}\n",
            graph=classifier,
        ),
        Valid(
            settings="layer_settings:\n"
            "  conv_1: {quantization_settings: {weights_num_bits: 8}}\n"
            "  name:conv_1: {quantization_settings: {weights_num_bits: 8, skip_quantization: true}}\n",
            graph=classifier,
            about="equally specific, but they agree",
        ),
    )
    INVALID = (
        Invalid(
            settings="layer_settings:\n  linear_1: {quantization_settings: {skip_quantization: «false»}}\n",
            graph=classifier,
            messages=("rule 'linear_1' quantizes linear_1 against the tail of output_1",),
            nodes=(("linear_1",),),
            severities=("warning",),
        ),
        Invalid(
            settings="layer_settings:\n  adaptive_avg_pool_1:\n    quantization_settings: "
            "{skip_quantization: true, skip_quantization_until: [linear_5]}\n"
            "  op:linear:\n    quantization_settings:\n      skip_quantization: «false»\n",
            graph=guide_network,
            messages=(
                "rule 'op:linear' quantizes linear_1, linear_2, linear_3, linear_4 and 1 more "
                "against the rule 'adaptive_avg_pool_1' and the tail of output_1",
            ),
            nodes=(tuple(f"linear_{number}" for number in range(1, 6)),),
        ),
        Invalid(
            settings="layer_settings:\n"
            "  conv_1: {quantization_settings: {skip_quantization: true}}\n"
            "  name:conv_1: {quantization_settings: {skip_quantization: «false»}}\n",
            graph=classifier,
            messages=(
                "rules 'conv_1' and 'name:conv_1' contradict each other on conv_1: skip_quantization is "
                "true and false",
            ),
            severities=("error",),
        ),
        Invalid(
            settings='{"layer_settings": {\n'
            '  "conv_*": {"quantization_settings": {"weights_num_bits": 8, "activations_num_bits": 8}},\n'
            '  "*_1": {"quantization_settings": {"weights_num_bits": «4», "activations_num_bits": 16}}\n}}',
            syntax="json",
            graph=residual,
            messages=(
                "rules 'conv_*' and '*_1' contradict each other on conv_1: weights_num_bits is 8 and 4, "
                "activations_num_bits is 8 and 16",
            ),
            severities=("error",),
        ),
        Invalid(
            settings="global_quantization_settings:\n  quantization_sensitivity_threshold: 0.1\n"
            "layer_settings:\n  neck: {quantization_settings: {skip_quantization: «false»}}\n",
            graph=residual,
            report={"layers": [{"name": "conv_3", "qs": 0.5}]},
            messages=("rule 'neck' quantizes conv_3 against its sensitivity (0.5 > 0.1)",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Report contradictions, then what explicit falses override."""
        yield from _contradictions(context)
        for number, lost in _overridden(context).items():
            yield _against(context, context.reach.rules[number], lost)


def _contradictions(context: Context) -> Iterator[Finding]:
    """One error per pair of rules, with all fields on which they differ."""
    seen: set[tuple[str, str]] = set()
    for error in context.rule_errors:
        other = error.other
        if error.kind is RuleProblem.CONFLICT and other and (other.selector, error.selector) not in seen:
            seen.add((other.selector, error.selector))
            yield _contradiction(context, other, error)


def _contradiction(context: Context, first: LayerRule, error: RuleError) -> Finding:
    values = {name: (getattr(first.settings, name), getattr(error.rule.settings, name)) for name in FIELDS}
    differing = {name: pair for name, pair in values.items() if None not in pair and pair[0] != pair[1]}
    words = ", ".join(f"{name} is {_word(a)} and {_word(b)}" for name, (a, b) in differing.items())
    name = next(iter(differing))
    earlier = context.places.rules[first.selector].value_span(name)
    return Finding(
        f"rules {first.selector!r} and {error.selector!r} contradict each other on {error.layer}: {words}",
        context.places.rules[error.selector].value_span(name),
        nodes=(error.layer,) if error.layer else (),
        help=f"neither is more specific; give {error.layer} a rule of its own, or let them agree",
        severity=Severity.ERROR,
        labels=(Label(earlier, "the other value"),) if earlier else (),
    )


def _word(value: object) -> str:
    return str(value).lower()


def _overridden(context: Context) -> dict[int, dict[str, tuple[Cause, ...]]]:
    """By rule, the layers it quantizes against other causes than a selection, with those causes."""
    found: dict[int, dict[str, tuple[Cause, ...]]] = {}
    for position, winner in sorted(context.reach.fields[_SKIP].items()):
        decision = context.plan[context.graph.nodes[position].name]
        lost = tuple(cause for cause in decision.overridden if cause.how is not How.SELECTED)
        if winner.value is False and lost and decision.precision is Precision.QUANTIZED:
            found.setdefault(winner.rule, {})[decision.name] = lost
    return found


def _against(context: Context, rule: ResolvedRule, lost: dict[str, tuple[Cause, ...]]) -> Finding:
    causes = list(dict.fromkeys(because(cause) for found in lost.values() for cause in found))
    ranges = {c.selector for found in lost.values() for c in found if c.kind is CauseKind.RULE and c.selector}
    spans = [context.places.rules[selector].selector_span for selector in sorted(ranges)]
    return Finding(
        f"rule {rule.rule.selector!r} quantizes {listed(tuple(lost))} against {listed(causes)}",
        context.place_of(rule).value_span(_SKIP),
        nodes=tuple(lost),
        help="remove skip_quantization: false, or let the skip end before it",
        labels=tuple(Label(span, "skipped by this range") for span in spans if span),
    )
