"""CLK201."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clika_core.diagnostics import Severity
from clika_core.errors import SettingsError, nearest
from clika_core.ir.graph import Graph, NodeKind
from clika_core.planning.globs import glob_matcher
from clika_core.planning.rule_errors import RuleError, RuleProblem, unknown
from clika_core.settings.document import SequenceNode
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, two_heads
from clika_linter.finding import Finding, Fix, Safety
from clika_linter.mentions import Mention, mentions_at_fault, reading_of
from clika_linter.nearest_name import single_nearest
from clika_linter.rule import Need, Rule

_TAIL = ("global_quantization_settings", "skip_tail_quantization")


class UnknownLayer(Rule):
    """A rule names layers that the model does not have.

    ## What it does
    Reports selectors and entries of `skip_quantization_until` that match no layer, and regular expressions
    that are none; also outputs in `skip_tail_quantization` that the model does not have. The nearest names are
    offered, over all names, aliases, paths and operator types.

    ## Why is this bad?
    The rule has no effect, and the layer that was meant is quantized. Names change with the model: what was
    `conv_17` in one version is `conv_18` in the next.

    ## Example
    ```yaml
    layer_settings:
      classifer: # a letter is missing
        quantization_settings: {skip_quantization: true}
    ```

    ## Use instead
    ```yaml
    layer_settings:
      classifier:
        quantization_settings: {skip_quantization: true}
    ```
    Where a file serves models that do not all have the layer: `on_unmatched: warn` or `ignore`.

    ## Fix safety
    Safe where only upper and lower case differ. Else unsafe: the nearest name is a guess. There is no fix
    where several names are equally near.
    """

    code = "CLK201"
    name = "unknown-layer"
    severity = Severity.ERROR
    needs = (Need.GRAPH,)
    fix = Safety.UNSAFE

    VALID = (
        Valid(settings="layer_settings:\n", graph=classifier),
        Valid(
            settings="layer_settings:\n  conv_1:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: [classifier, 're:relu_[12]']\n",
            graph=classifier,
            about="names, paths and expressions that match",
        ),
        Valid(
            settings="layer_settings:\n  conv_9:\n    quantization_settings: {on_unmatched: ignore}\n",
            graph=classifier,
        ),
        Valid(
            settings='{"layer_settings": {"features.*": {"quantization_settings": {"weights_num_bits": 8}}}}',
            syntax="json",
            graph=classifier,
        ),
        Valid(
            settings="global_quantization_settings: {skip_tail_quantization: [output_1]}\n", graph=two_heads
        ),
    )
    INVALID = (
        Invalid(
            settings="layer_settings:\n  «classifer»: # the head\n"
            "    quantization_settings: {skip_quantization: true}\n",
            graph=classifier,
            messages=("no layer matches 'classifer'",),
            fixed="layer_settings:\n  classifier: # the head\n"
            "    quantization_settings: {skip_quantization: true}\n",
        ),
        Invalid(
            settings="layer_settings:\n  conv_1:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: [relu_1, «'Linear_1'»]\n",
            graph=classifier,
            messages=("no layer matches 'Linear_1' (skip_quantization_until of rule 'conv_1')",),
            fixed="layer_settings:\n  conv_1:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: [relu_1, 'linear_1']\n",
        ),
        Invalid(
            settings='{"layer_settings": {«"conv_9"»: {"quantization_settings": {"weights_num_bits": 8}}}}',
            syntax="json",
            graph=classifier,
            messages=("no layer matches 'conv_9'",),
            fixed='{"layer_settings": {"conv_9": {"quantization_settings": {"weights_num_bits": 8}}}}',
            about="conv_1 and conv_2 are equally near: no fix",
        ),
        Invalid(
            settings='[layer_settings.«"op:con"».quantization_settings]\nskip_quantization = true\n',
            syntax="toml",
            graph=classifier,
            messages=("no layer matches 'op:con'",),
            fixed='[layer_settings."op:conv".quantization_settings]\nskip_quantization = true\n',
        ),
        Invalid(
            settings="layer_settings:\n  «features.9»:\n    quantization_settings: {on_unmatched: warn}\n"
            "  «'re:conv_('»: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            messages=("no layer matches 'features.9'", "'re:conv_(' is no regular expression"),
            severities=("warning", "error"),
        ),
        Invalid(
            settings="global_quantization_settings:\n  skip_tail_quantization: [output_1, «ouput_2»]\n",
            graph=two_heads,
            messages=("no output matches 'ouput_2'",),
            fixed="global_quantization_settings:\n  skip_tail_quantization: [output_1, output_2]\n",
        ),
        Invalid(
            settings="layer_settings: {«x»: {quantization_settings: {skip_quantization: true}}}\n",
            graph=classifier,
            messages=("no layer matches 'x', which is an input of the model",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Report what planning could not find, what `on_unmatched: warn` leaves out, and unknown outputs."""
        taken = set(context.places.rules)
        for error, mention in mentions_at_fault([*context.rule_errors, *_tolerated(context)]):
            if error.kind is RuleProblem.UNKNOWN:
                yield _unknown_layer(context, error, mention, taken)
            elif error.kind is RuleProblem.UNCLEAR and reading_of(error.selector)[0]:
                found = f": {error.found}" if error.found else ""
                yield Finding(error.message + found, mention.span(context), help=error.fix)
        yield from _unknown_outputs(context)


def _tolerated(context: Context) -> Iterator[RuleError]:
    """What matches nothing in rules with `on_unmatched: warn`."""
    for rule in context.settings.rules:
        if rule.settings.on_unmatched == "warn":
            for selector in (rule.selector, *(rule.settings.skip_quantization_until or ())):
                try:
                    is_known = bool(context.index.match(selector))
                except SettingsError:
                    continue  # among the rule errors
                if not is_known:
                    yield unknown(rule, selector, context.index)


def _unknown_layer(context: Context, error: RuleError, mention: Mention, taken: set[str]) -> Finding:
    """The finding, with the fix where one name is nearest."""
    prefix, word = reading_of(error.selector)
    severity = Severity.WARNING if error.rule.settings.on_unmatched == "warn" else None
    span = mention.span(context)
    kind = context.graph[word].kind if word in context.graph else NodeKind.LAYER
    if kind is not NodeKind.LAYER:
        message = f"{error.message}, which is an {kind} of the model"
        return Finding(message, span, help=_beside(context.graph, word), severity=severity)
    name = single_nearest(word, error.nearest)
    if name is not None and prefix in ("name:", "path:") and context.index.match(prefix + name):
        name = prefix + name
    is_free = name is not None and (mention.item is not None or name not in taken)
    edits = mention.renamed(context, name) if name is not None and is_free else None
    if edits is None or name is None:
        return Finding(error.message, span, help=error.fix, severity=severity)
    taken.add(name)
    safety = Safety.SAFE if name.casefold() == error.selector.casefold() else Safety.UNSAFE
    return Finding(
        error.message, span, help=error.fix, fix=Fix(f"name {name}", edits, safety), severity=severity
    )


def _beside(graph: Graph, name: str) -> str:
    """Which layers to name instead of an input or output."""
    position = graph.index[name]
    near = graph.consumers[position] or graph.producers[position]
    return f"name the layer beside it, such as {graph.nodes[near[0]].name}" if near else "name a layer"


def _unknown_outputs(context: Context) -> Iterator[Finding]:
    """Entries of `skip_tail_quantization` that no name, alias or glob of an output explains."""
    wanted = context.settings.global_quantization_settings.skip_tail_quantization
    entry = context.places.key(*_TAIL)
    known = [word for node in context.graph.outputs for word in (node.name, *node.aliases)]
    for item, word in enumerate(wanted if isinstance(wanted, Sequence) else ()):
        if word in known or any(map(glob_matcher(word), known)):
            continue
        span = context.places.value_span(*_TAIL)
        if entry is not None and isinstance(entry.value, SequenceNode):
            span = entry.value.items[item].span or span
        close = nearest(word, known)
        best = single_nearest(word, close)
        edits = context.editor.replace_name(span, best) if best else None
        yield Finding(
            f"no output matches {word!r} (skip_tail_quantization)",
            span,
            help=f"did you mean {' or '.join(map(repr, close))}?"
            if close
            else f"name one of {', '.join(known)}",
            fix=Fix(f"name {best}", edits, Safety.UNSAFE) if best and edits else None,
        )
