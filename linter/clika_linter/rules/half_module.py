"""CLK214."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clika_core.diagnostics import Severity
from clika_core.ir.operators import is_weighted
from clika_core.ir.paths import common_path
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import blocks, cached_keys, classifier, gates
from clika_linter.finding import Finding
from clika_linter.mentions import mentions_in
from clika_linter.pattern_reach import Overreach, overreach
from clika_linter.repeated_blocks import Block, repeated_blocks
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed


class HalfModule(Rule):
    """A skip covers a part of one repeated block, or a pattern hits more siblings than it spells out.

    ## What it does
    Compares blocks that a model repeats (`blocks.0`, `blocks.1`, ... of the same shape). Reports a skip of some
    of the weighted layers of a block where no rule skips the same ones in its siblings. Reports globs and regular
    expressions that match a name and, besides, longer names next to it: `blocks.1*` also hits `blocks.10`.
    Patterns that match all siblings are meant to.

    ## Why is this bad?
    It may be just right: one block is sensitive, its siblings are not. But a number that was copied, a block that
    was added later, or a star too many look the same, and the model quantizes without complaint.

    ## Example
    ```yaml
    layer_settings:
      "**.mlp.gate*": # also mlp.gate_proj
        quantization_settings: {skip_quantization: true}
    ```

    ## Use instead
    ```yaml
    layer_settings:
      "**.mlp.gate":
        quantization_settings: {skip_quantization: true}
    ```
    """

    code = "CLK214"
    name = "half-module"
    severity = Severity.INFO
    needs = (Need.GRAPH, Need.LAYER_RULES)

    VALID = (
        Valid(
            settings="layer_settings:\n  blocks.*.mlp.down: {quantization_settings: {skip_quantization: true}}\n",
            graph=blocks,
            about="the same part of all",
        ),
        Valid(
            settings="layer_settings:\n  blocks.2: {quantization_settings: {skip_quantization: true}}\n",
            graph=blocks,
            about="a whole block",
        ),
        Valid(
            settings="layer_settings:\n  features.0: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            about="numbered layers are no blocks",
        ),
        Valid(
            settings="layer_settings:\n  linear_*: {quantization_settings: {skip_quantization: true}}\n"
            "  're:relu_.*': {quantization_settings: {skip_quantization: true}}\n",
            graph=blocks,
        ),
        Valid(
            settings="layer_settings:\n  'layers.*.gate': {quantization_settings: {skip_quantization: true}}\n"
            "  're:linear_(1|12)': {quantization_settings: {weights_num_bits: 8}}\n",
            graph=gates,
            about="patterns that end where they say",
        ),
    )
    INVALID = (
        Invalid(
            settings="layer_settings:\n  «blocks.1.mlp.down»: {quantization_settings: "
            "{skip_quantization: true}}\n",
            graph=blocks,
            messages=(
                "rule 'blocks.1.mlp.down' skips mlp.down in blocks.1, but not in blocks.0 and blocks.2",
            ),
            nodes=(("linear_4",),),
        ),
        Invalid(
            settings='{"layer_settings": {«"linear_1"»: {"quantization_settings": {"skip_quantization": true, '
            '"skip_quantization_until": "linear_3"}}}}',
            syntax="json",
            graph=blocks,
            messages=("rule 'linear_1' skips mlp.up in blocks.1, but not in blocks.2",),
            about="the range ends within a block",
        ),
        Invalid(
            settings="layer_settings:\n  «'re:layers\\.[01]\\.key'»: {quantization_settings: "
            "{skip_quantization: true}}\n",
            graph=cached_keys,
            messages=(
                "rule 're:layers\\\\.[01]\\\\.key' skips key in layers.0 and layers.1, but not in layers.2",
            ),
            nodes=(("linear_2", "linear_4"),),
        ),
        Invalid(
            settings="layer_settings:\n  «'layers.*.gate*'»: {quantization_settings: {skip_quantization: true}}\n",
            graph=gates,
            messages=("'layers.*.gate*' matches layers.0.gate_proj as well as layers.0.gate",),
        ),
        Invalid(
            settings="layer_settings:\n  'layers.0':\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: [«'linear_1*'»]\n",
            graph=gates,
            messages=("'linear_1*' matches linear_10, linear_11 and linear_12 as well as linear_1",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Look at all families of blocks, then at all patterns."""
        for family in repeated_blocks(context.graph):
            yield from _in_family(context, family)
        for _, rule in context.rules():
            matched = {rule.rule.selector: rule.matches, **dict(rule.until)}
            for mention in mentions_in(rule.rule):
                layers = [context.graph.nodes[position] for position in matched.get(mention.text, ())]
                found = overreach(mention.text, layers, context.graph)
                if found:
                    yield Finding(
                        f"{mention.text!r} matches {listed(found.others)} as well as {found.meant}",
                        mention.span(context),
                        nodes=_layers_of(context, found),
                        help=f"write {found.meant}, if that alone is meant",
                    )


def _in_family(context: Context, family: Sequence[Block]) -> Iterator[Finding]:
    """One finding for each part that rules skip in some blocks of a family, and not in others."""
    touched = [block for block in family if not context.reach.causes.keys().isdisjoint(block.layers)]
    skipped = {block.path: _skipped_places(context, block) for block in touched}
    parts: dict[frozenset[str], list[Block]] = {}
    for block in touched:
        if not _is_whole(context, block):
            parts.setdefault(skipped[block.path], []).append(block)
    for part, found in parts.items():
        lacking = [block.path for block in family if not part <= skipped.get(block.path, frozenset())]
        if lacking:
            yield _finding(context, found, sorted(part), lacking)


def _finding(
    context: Context, found: Sequence[Block], part: Sequence[str], lacking: Sequence[str]
) -> Finding:
    positions = sorted(p for block in found for p in block.layers if p in context.reach.causes)
    numbers = sorted({context.reach.causes[position][0][0] for position in positions})
    rule = context.reach.rules[numbers[0]]
    others = f" and {len(numbers) - 1} more skip" if len(numbers) > 1 else " skips"
    places = listed([place or "the block's own layers" for place in part])
    return Finding(
        f"rule {rule.rule.selector!r}{others} {places} in {listed([block.path for block in found])}, "
        f"but not in {listed(lacking)}",
        context.span_of(rule),
        nodes=tuple(context.graph.nodes[position].name for position in positions),
        help=_advice(found[0], part),
    )


def _skipped_places(context: Context, block: Block) -> frozenset[str]:
    """Where in the block rules skip layers."""
    pairs = zip(block.layers, block.places, strict=True)
    return frozenset(place for position, place in pairs if position in context.reach.causes)


def _is_whole(context: Context, block: Block) -> bool:
    """Whether rules skip all weighted layers of the block."""
    weighted = (position for position in block.layers if is_weighted(context.graph.nodes[position]))
    return all(position in context.reach.causes for position in weighted)


def _advice(block: Block, places: Sequence[str]) -> str:
    part = common_path(list(places)) if all(places) else None
    return f"write {block.parent}.*.{part}, if all of them are meant" if part else "check that this is meant"


def _layers_of(context: Context, found: Overreach) -> tuple[str, ...]:
    """The layers that the longer names stand for."""
    positions: set[int] = set()
    for word in found.others:
        positions |= {*context.index.match(f"name:{word}"), *context.index.match(f"path:{word}")}
    return tuple(context.graph.nodes[position].name for position in sorted(positions))
