"""CLK209."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.errors import SettingsError
from clika_core.ir.graph import Node, NodeKind
from clika_core.ir.naming import snake_case
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, misnamed, residual, unweighted
from clika_linter.finding import Finding, Fix, Safety
from clika_linter.mentions import Mention, mentions_in, reading_of
from clika_linter.rule import Need, Rule


class PositionalLayerName(Rule):
    """A rule names a layer by its number, although its path says which one it is.

    ## What it does
    Reports names such as `conv_17`, in selectors and in `skip_quantization_until`, of layers that have a source
    path of their own. Layers that share a path with others are not reported: only their number tells them apart.

    ## Why is this bad?
    Numbers count layers of a type in the order in which the model runs. A convolution more at the beginning,
    and `conv_17` is another layer: the rule still matches, and nothing says that it matches the wrong one.

    ## Example
    ```yaml
    layer_settings:
      conv_17:
        quantization_settings: {skip_quantization: true}
    ```

    ## Use instead
    ```yaml
    layer_settings:
      backbone.layer3.0.conv1:
        quantization_settings: {skip_quantization: true}
    ```

    ## Fix safety
    Unsafe: the path selects the same layer, but a rule for a path is less specific than one for a name, so
    another rule may win over it. And in a second framework's version of the model the paths may differ.
    """

    code = "CLK209"
    name = "positional-layer-name"
    severity = Severity.INFO
    needs = (Need.GRAPH, Need.LAYER_RULES)
    fix = Safety.UNSAFE
    holds_for_every_graph = True

    VALID = (
        Valid(
            settings="layer_settings:\n  features.0: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
        ),
        Valid(
            settings="layer_settings:\n  softmax_1: {quantization_settings: {skip_quantization: true}}\n",
            graph=unweighted,
            about="it has no path",
        ),
        Valid(
            settings="layer_settings:\n  add_1: {quantization_settings: {skip_quantization: true}}\n",
            graph=residual,
            about="its path stands for the whole block",
        ),
        Valid(
            settings="layer_settings:\n  linear_1: {quantization_settings: {skip_quantization: true}}\n",
            graph=misnamed,
            about="the attribute of the model has the same name",
        ),
    )
    INVALID = (
        Invalid(
            settings="layer_settings:\n  «conv_2»: # sensitive\n    quantization_settings:\n"
            "      skip_quantization: true\n      skip_quantization_until: [«linear_1»]\n",
            graph=classifier,
            messages=(
                "'conv_2' counts layers; the path of this one is features.2",
                "'linear_1' counts layers; the path of this one is classifier",
            ),
            nodes=(("conv_2",), ("linear_1",)),
            fixed="layer_settings:\n  features.2: # sensitive\n    quantization_settings:\n"
            "      skip_quantization: true\n      skip_quantization_until: [classifier]\n",
        ),
        Invalid(
            settings='{"layer_settings": {«"name:conv_2"»: {"quantization_settings": {"weights_num_bits": 8}}}}',
            syntax="json",
            graph=misnamed,
            messages=("'name:conv_2' counts layers; the path of this one is conv_1",),
            fixed='{"layer_settings": {"path:conv_1": {"quantization_settings": {"weights_num_bits": 8}}}}',
            about="the path alone would be ambiguous",
        ),
        Invalid(
            settings="[layer_settings.«conv_1».quantization_settings]\nskip_quantization = true\n",
            syntax="toml",
            graph=classifier,
            messages=("'conv_1' counts layers; the path of this one is features.0",),
            fixed='[layer_settings."features.0".quantization_settings]\nskip_quantization = true\n',
        ),
        Invalid(
            settings="layer_settings:\n  «conv_1»: {quantization_settings: {skip_quantization: true}}\n"
            "  features.0: {quantization_settings: {weights_num_bits: 8}}\n",
            graph=classifier,
            messages=("'conv_1' counts layers; the path of this one is features.0",),
            fixed="layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: true}}\n"
            "  features.0: {quantization_settings: {weights_num_bits: 8}}\n",
            about="there is a rule for the path already",
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Look at every name in the file."""
        taken = set(context.places.rules)
        for rule in context.settings.rules:
            if rule.selector in context.disputed:
                continue  # a name of its own would settle which of two rules counts
            for mention in mentions_in(rule):
                node = _named_by_number(context, mention.text)
                path = _own_path(context, node) if node else None
                if node and path:
                    yield _finding(context, mention, node, path, taken)


def _named_by_number(context: Context, text: str) -> Node | None:
    """The layer that `text` means, where it means it by its type and number."""
    prefix, name = reading_of(text)
    node = context.graph[name] if prefix in ("", "name:") and name in context.graph else None
    if node is None or node.kind is not NodeKind.LAYER or node.path == name:
        return None
    stem, _, number = name.rpartition("_")
    return node if number.isdecimal() and stem == snake_case(node.type) else None


def _own_path(context: Context, node: Node) -> str | None:
    """A selector by path that means this layer alone."""
    only = {context.graph.index[node.name]}
    for selector in (node.path, f"path:{node.path}") if node.path else ():
        try:
            if context.index.match(selector).keys() == only:
                return selector
        except SettingsError:
            continue  # the name of another layer too: the forced reading is not
    return None


def _finding(context: Context, mention: Mention, node: Node, path: str, taken: set[str]) -> Finding:
    is_free = mention.item is not None or path not in taken
    edits = mention.renamed(context, path) if is_free else None
    if edits and mention.item is None:
        taken.add(path)
    return Finding(
        f"{mention.text!r} counts layers; the path of this one is {node.path}",
        mention.span(context),
        nodes=(node.name,),
        help=f"write {path}: it means the same layer when others are added",
        fix=Fix(f"name it {path}", edits, Safety.UNSAFE) if edits else None,
    )
