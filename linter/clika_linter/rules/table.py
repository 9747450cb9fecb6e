# ruff: noqa: E501
"""The built-in rules. Written by `python -m clika_linter.rule_table`; do not edit."""

from __future__ import annotations

from clika_core.diagnostics import Severity
from clika_linter.entry import RuleEntry
from clika_linter.finding import Safety
from clika_linter.rule import Need

RULES = (
    RuleEntry("CLK001", "invalid-syntax", Severity.ERROR, (Need.DOCUMENT,), "clika_linter.rules.invalid_syntax:InvalidSyntax"),
    RuleEntry("CLK201", "unknown-layer", Severity.ERROR, (Need.GRAPH,), "clika_linter.rules.unknown_layer:UnknownLayer", fix=Safety.UNSAFE),
    RuleEntry("CLK202", "unreachable-until", Severity.ERROR, (Need.GRAPH, Need.LAYER_RULES,), "clika_linter.rules.unreachable_until:UnreachableUntil", fix=Safety.SAFE, silences=("CLK209",)),
    RuleEntry("CLK203", "conflicting-skip", Severity.WARNING, (Need.PLAN, Need.LAYER_RULES,), "clika_linter.rules.conflicting_skip:ConflictingSkip"),
    RuleEntry("CLK204", "redundant-skip", Severity.WARNING, (Need.PLAN, Need.LAYER_RULES,), "clika_linter.rules.redundant_skip:RedundantSkip", fix=Safety.SAFE, silences=("CLK209", "CLK214"), holds_for_every_graph=True),
    RuleEntry("CLK205", "overlapping-ranges", Severity.INFO, (Need.GRAPH, Need.LAYER_RULES,), "clika_linter.rules.overlapping_ranges:OverlappingRanges"),
    RuleEntry("CLK206", "ambiguous-selector", Severity.ERROR, (Need.GRAPH, Need.LAYER_RULES,), "clika_linter.rules.ambiguous_selector:AmbiguousSelector", fix=Safety.UNSAFE, silences=("CLK209",)),
    RuleEntry("CLK207", "skip-splits-fusion", Severity.WARNING, (Need.PLAN, Need.LAYER_RULES,), "clika_linter.rules.skip_splits_fusion:SkipSplitsFusion", silences=("CLK208",)),
    RuleEntry("CLK208", "border-churn", Severity.WARNING, (Need.PLAN,), "clika_linter.rules.border_churn:BorderChurn", silences=("CLK213",)),
    RuleEntry("CLK209", "positional-layer-name", Severity.INFO, (Need.GRAPH, Need.LAYER_RULES,), "clika_linter.rules.positional_layer_name:PositionalLayerName", fix=Safety.UNSAFE, holds_for_every_graph=True),
    RuleEntry("CLK210", "removed-layer", Severity.WARNING, (Need.GRAPH, Need.LAYER_RULES,), "clika_linter.rules.removed_layer:RemovedLayer", fix=Safety.UNSAFE, silences=("CLK204", "CLK209"), holds_for_every_graph=True),
    RuleEntry("CLK211", "required-layer-stays-float", Severity.ERROR, (Need.PLAN, Need.LAYER_RULES,), "clika_linter.rules.required_layer_stays_float:RequiredLayerStaysFloat", silences=("CLK203", "CLK204", "CLK401")),
    RuleEntry("CLK212", "open-region", Severity.INFO, (Need.GRAPH, Need.LAYER_RULES,), "clika_linter.rules.open_region:OpenRegion"),
    RuleEntry("CLK213", "quantized-island", Severity.WARNING, (Need.PLAN, Need.LAYER_RULES,), "clika_linter.rules.quantized_island:QuantizedIsland"),
    RuleEntry("CLK214", "half-module", Severity.INFO, (Need.GRAPH, Need.LAYER_RULES,), "clika_linter.rules.half_module:HalfModule"),
    RuleEntry("CLK215", "split-tied-weight", Severity.WARNING, (Need.PLAN,), "clika_linter.rules.split_tied_weight:SplitTiedWeight"),
    RuleEntry("CLK301", "sensitivity-hotspot", Severity.WARNING, (Need.PLAN, Need.REPORT,), "clika_linter.rules.sensitivity_hotspot:SensitivityHotspot", fix=Safety.UNSAFE, silences=("CLK302",)),
    RuleEntry("CLK901", "unused-suppression", Severity.WARNING, (Need.DOCUMENT,), "clika_linter.rules.unused_suppression:UnusedSuppression", fix=Safety.SAFE),
    RuleEntry("CLK902", "rule-crashed", Severity.ERROR, (Need.DOCUMENT,), "clika_linter.rules.rule_crashed:RuleCrashed"),
    RuleEntry("CLK903", "broken-plugin", Severity.WARNING, (Need.DOCUMENT,), "clika_linter.rules.broken_plugin:BrokenPlugin"),
)  # fmt: skip
