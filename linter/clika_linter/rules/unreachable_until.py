"""CLK202."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clika_core.diagnostics import Severity
from clika_core.ir.graph import NodeKind
from clika_core.planning.reachability import downstream_bits, set_bits
from clika_core.planning.rule_errors import RuleError, RuleProblem
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, residual, two_heads
from clika_linter.finding import Finding, Fix, Safety
from clika_linter.mentions import Mention, mentions_at_fault
from clika_linter.rule import Need, Rule

_SWAPPABLE = {"skip_quantization", "skip_quantization_until", "on_unmatched"}


class UnreachableUntil(Rule):
    """A range ends at a layer that does not come after its beginning.

    ## What it does
    Reports entries of `skip_quantization_until` that no selected layer leads to: they come before it, or lie
    on another branch of the model.

    ## Why is this bad?
    There is no path between the two layers, so the range holds nothing. Planning refuses such a rule.

    ## Example
    ```yaml
    layer_settings:
      linear_5:
        quantization_settings:
          skip_quantization: true
          skip_quantization_until: [adaptive_avg_pool_1] # comes before linear_5
    ```

    ## Use instead
    ```yaml
    layer_settings:
      adaptive_avg_pool_1:
        quantization_settings:
          skip_quantization: true
          skip_quantization_until: [linear_5]
    ```

    ## Fix safety
    Safe: it swaps a beginning and an end that stand the wrong way round, so that the range holds the layers
    between them. Lists of several ends and layers on different branches have no fix.
    """

    code = "CLK202"
    name = "unreachable-until"
    severity = Severity.ERROR
    needs = (Need.GRAPH, Need.LAYER_RULES)
    silences = ("CLK209",)
    fix = Safety.SAFE

    VALID = (
        Valid(
            settings="layer_settings:\n  conv_1:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: [conv_2]\n",
            graph=classifier,
        ),
        Valid(
            settings="layer_settings:\n  conv_1:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: conv_1\n",
            graph=classifier,
            about="a layer leads to itself",
        ),
        Valid(
            settings="layer_settings:\n  op:linear:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: [linear_1, linear_2]\n",
            graph=two_heads,
            about="each end is reached by one of the selected layers",
        ),
    )
    INVALID = (
        Invalid(
            settings="layer_settings:\n  conv_2: # the wrong way round\n    quantization_settings:\n"
            "      skip_quantization: true\n      skip_quantization_until: [«conv_1»]\n",
            graph=classifier,
            messages=("rule 'conv_2' cannot reach 'conv_1', which comes before it",),
            nodes=(("conv_1", "conv_2"),),
            fixed="layer_settings:\n  conv_1: # the wrong way round\n    quantization_settings:\n"
            "      skip_quantization: true\n      skip_quantization_until: [conv_2]\n",
        ),
        Invalid(
            settings='{"layer_settings": {"features.2": {"quantization_settings": '
            '{"skip_quantization": true, "skip_quantization_until": «"features.0"»}}}}',
            syntax="json",
            graph=classifier,
            messages=("rule 'features.2' cannot reach 'features.0', which comes before it",),
            fixed='{"layer_settings": {"features.0": {"quantization_settings": '
            '{"skip_quantization": true, "skip_quantization_until": "features.2"}}}}',
        ),
        Invalid(
            settings="layer_settings:\n  conv_2:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: [«conv_1», add_1]\n",
            graph=residual,
            messages=("rule 'conv_2' cannot reach 'conv_1', which comes before it",),
            fixed="layer_settings:\n  conv_2:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: [conv_1, add_1]\n",
            about="a rule with two ends is not turned round",
        ),
        Invalid(
            settings="layer_settings:\n  linear_1:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until:\n        - «linear_2»\n",
            graph=two_heads,
            messages=("rule 'linear_1' cannot reach 'linear_2', which lies on another branch",),
            nodes=(("linear_1", "linear_2"),),
        ),
        Invalid(
            settings="[layer_settings.conv_2.quantization_settings]\nskip_quantization = true\n"
            'skip_quantization_until = ["conv_1"]\n',
            syntax="toml",
            graph=classifier,
            messages=("rule 'conv_2' cannot reach 'conv_1', which comes before it",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Report the entries that planning could not reach."""
        kinds = (RuleProblem.UPSTREAM, RuleProblem.OTHER_BRANCH)
        errors = [error for error in context.rule_errors if error.kind in kinds]
        meeting_points = _meeting_points(context, errors)
        taken = set(context.places.rules)
        for number, (error, mention) in enumerate(mentions_at_fault(errors)):
            is_before = error.kind is RuleProblem.UPSTREAM
            where = "comes before it" if is_before else "lies on another branch"
            yield Finding(
                f"rule {error.rule.selector!r} cannot reach {error.selector!r}, which {where}",
                mention.span(context),
                nodes=_layers(context, error),
                help=error.fix if is_before else _past_the_branch(error, meeting_points.get(number)),
                fix=_swap(context, mention, taken) if is_before else None,
            )


def _layers(context: Context, error: RuleError) -> tuple[str, ...]:
    """The layers that cannot be reached, and those they cannot be reached from, in trace order."""
    found = {*context.index.match(error.selector), *context.index.match(error.rule.selector)}
    return tuple(context.graph.nodes[position].name for position in sorted(found))


def _swap(context: Context, mention: Mention, taken: set[str]) -> Fix | None:
    """Selector and entry in each other's place, where the rule says nothing else."""
    settings = mention.rule.settings
    is_plain = len(settings.skip_quantization_until or ()) == 1 and settings.to_json().keys() <= _SWAPPABLE
    if not is_plain or mention.text in taken:
        return None
    selector = Mention(mention.rule).renamed(context, mention.text)
    entry = mention.renamed(context, mention.rule.selector)
    if selector is None or entry is None:
        return None
    taken.add(mention.text)
    return Fix("swap beginning and end", (*selector, *entry))


def _past_the_branch(error: RuleError, meeting_point: str | None) -> str | None:
    """Where the two branches meet is an end that can be reached."""
    return f"name a layer after both, such as {meeting_point}" if meeting_point else error.fix


def _meeting_points(context: Context, errors: Sequence[RuleError]) -> dict[int, str]:
    """For each error on two branches, the first layer that both lead to; one pass for all of them."""
    starts: dict[int, int] = {}
    wanted = 0
    for number, error in enumerate(errors):
        if error.kind is RuleProblem.OTHER_BRANCH:
            wanted |= 1 << 2 * number
            for bit, selector in enumerate((error.rule.selector, error.selector)):
                for position in context.index.match(selector):
                    starts[position] = starts.get(position, 0) | 1 << 2 * number + bit
    found: dict[int, str] = {}
    for position, bits in enumerate(downstream_bits(context.graph, starts) if wanted else ()):
        both = bits & bits >> 1 & wanted
        if both and context.graph.nodes[position].kind is NodeKind.LAYER:
            found |= {bit // 2: context.graph.nodes[position].name for bit in set_bits(both)}
            wanted &= ~both
    return found
