"""CLK206."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.planning.rule_errors import RuleError, RuleProblem
from clika_core.planning.selectors import Matches
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, misnamed
from clika_linter.finding import Finding, Fix, Safety
from clika_linter.mentions import Mention, mentions_at_fault, reading_of
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed


class AmbiguousSelector(Rule):
    """A selector is the name of one layer and the path of another.

    ## What it does
    Reports plain selectors and entries of `skip_quantization_until` that are both a layer's name and a module
    path, where the two readings give different layers.

    ## Why is this bad?
    Layers are numbered in the order in which the model runs, modules are named by whoever wrote the model: in
    a model whose attribute `conv_1` runs second, `conv_1` may mean either layer. Planning refuses to guess.

    ## Example
    ```yaml
    layer_settings:
      conv_1: # the first convolution, or the module of that name?
        quantization_settings: {skip_quantization: true}
    ```

    ## Use instead
    ```yaml
    layer_settings:
      "path:conv_1":
        quantization_settings: {skip_quantization: true}
    ```

    ## Fix safety
    Unsafe: it chooses the name, as `clika plan` and the pictures show it; the path may have been meant.
    """

    code = "CLK206"
    name = "ambiguous-selector"
    severity = Severity.ERROR
    needs = (Need.GRAPH, Need.LAYER_RULES)
    silences = ("CLK209",)
    fix = Safety.UNSAFE

    VALID = (
        Valid(
            settings="layer_settings:\n  name:conv_1: {quantization_settings: {skip_quantization: true}}\n",
            graph=misnamed,
        ),
        Valid(
            settings="layer_settings:\n  path:conv_1: {quantization_settings: {skip_quantization: true}}\n",
            graph=misnamed,
        ),
        Valid(
            settings="layer_settings:\n  linear_1: {quantization_settings: {weights_num_bits: 8}}\n",
            graph=misnamed,
            about="both readings give the same layer",
        ),
        Valid(
            settings="layer_settings:\n  're:conv_(': {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            about="a mistake, but none of this kind",
        ),
    )
    INVALID = (
        Invalid(
            settings="layer_settings:\n  «conv_1»: # which?\n    quantization_settings:\n"
            "      skip_quantization: true\n",
            graph=misnamed,
            messages=("'conv_1' is the name of conv_1 and the path of conv_2",),
            nodes=(("conv_1", "conv_2"),),
            fixed='layer_settings:\n  "name:conv_1": # which?\n    quantization_settings:\n'
            "      skip_quantization: true\n",
        ),
        Invalid(
            settings='{"layer_settings": {"stem": {"quantization_settings": '
            '{"skip_quantization": true, "skip_quantization_until": [«"conv_1"»]}}}}',
            syntax="json",
            graph=misnamed,
            messages=("'conv_1' is the name of conv_1 and the path of conv_2",),
            fixed='{"layer_settings": {"stem": {"quantization_settings": '
            '{"skip_quantization": true, "skip_quantization_until": ["name:conv_1"]}}}}',
        ),
        Invalid(
            settings="layer_settings:\n  «conv_1»: {quantization_settings: {skip_quantization: true}}\n"
            "  name:conv_1: {quantization_settings: {weights_num_bits: 8}}\n",
            graph=misnamed,
            messages=("'conv_1' is the name of conv_1 and the path of conv_2",),
            fixed="layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: true}}\n"
            "  name:conv_1: {quantization_settings: {weights_num_bits: 8}}\n",
            about="there is a rule for the name already",
        ),
        Invalid(
            settings="[layer_settings.«conv_1».quantization_settings]\nskip_quantization = true\n",
            syntax="toml",
            graph=misnamed,
            messages=("'conv_1' is the name of conv_1 and the path of conv_2",),
            fixed='[layer_settings."name:conv_1".quantization_settings]\nskip_quantization = true\n',
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Report plain selectors that planning could not read one way."""
        unclear = [error for error in context.rule_errors if error.kind is RuleProblem.UNCLEAR]
        for error, mention in mentions_at_fault(unclear):
            if not reading_of(error.selector)[0]:
                yield _finding(context, error, mention)


def _finding(context: Context, error: RuleError, mention: Mention) -> Finding:
    selector = error.selector
    by_name, by_path = (context.index.match(f"{prefix}:{selector}") for prefix in ("name", "path"))
    edits = mention.renamed(context, f"name:{selector}")
    return Finding(
        f"{selector!r} is the name of {listed(_layers(context, by_name))} "
        f"and the path of {listed(_layers(context, by_path))}",
        mention.span(context),
        nodes=_layers(context, {**by_name, **by_path}),
        help=error.fix,
        fix=Fix(f"name the layer {selector}", edits, Safety.UNSAFE) if edits else None,
    )


def _layers(context: Context, matches: Matches) -> tuple[str, ...]:
    return tuple(context.graph.nodes[position].name for position in sorted(matches))
