# ruff: noqa: E501
"""The built-in rules. Written by `python -m clika_linter.rule_table`; do not edit."""

from __future__ import annotations

from clika_core.diagnostics import Severity
from clika_linter.entry import RuleEntry
from clika_linter.finding import Safety
from clika_linter.rule import Need

RULES = (
    RuleEntry("CLK001", "invalid-syntax", Severity.ERROR, (Need.DOCUMENT,), "clika_linter.rules.invalid_syntax:InvalidSyntax"),
    RuleEntry("CLK002", "unknown-setting", Severity.ERROR, (Need.DOCUMENT,), "clika_linter.rules.unknown_setting:UnknownSetting", fix=Safety.UNSAFE),
    RuleEntry("CLK003", "invalid-value", Severity.ERROR, (Need.DOCUMENT,), "clika_linter.rules.invalid_value:InvalidValue"),
    RuleEntry("CLK004", "duplicate-key", Severity.ERROR, (Need.DOCUMENT,), "clika_linter.rules.duplicate_key:DuplicateKey"),
    RuleEntry("CLK005", "stale-graph", Severity.ERROR, (Need.GRAPH,), "clika_linter.rules.stale_graph:StaleGraph"),
    RuleEntry("CLK006", "deprecated-setting", Severity.WARNING, (Need.SETTINGS,), "clika_linter.rules.deprecated_setting:DeprecatedSetting", fix=Safety.SAFE),
    RuleEntry("CLK101", "tail-layers", Severity.INFO, (Need.PLAN,), "clika_linter.rules.tail_layers:TailLayers"),
    RuleEntry("CLK102", "tail-disabled", Severity.WARNING, (Need.SETTINGS,), "clika_linter.rules.tail_disabled:TailDisabled"),
    RuleEntry("CLK103", "nothing-quantized", Severity.ERROR, (Need.PLAN,), "clika_linter.rules.nothing_quantized:NothingQuantized", silences=("CLK104",)),
    RuleEntry("CLK104", "mostly-float", Severity.WARNING, (Need.PLAN,), "clika_linter.rules.mostly_float:MostlyFloat"),
    RuleEntry("CLK105", "no-weighted-layer", Severity.ERROR, (Need.GRAPH,), "clika_linter.rules.no_weighted_layer:NoWeightedLayer", silences=("CLK101", "CLK103")),
    RuleEntry("CLK106", "unknown-operator", Severity.INFO, (Need.PLAN,), "clika_linter.rules.unknown_operator:UnknownOperator"),
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
    RuleEntry("CLK302", "sensitivity-high", Severity.WARNING, (Need.PLAN, Need.REPORT,), "clika_linter.rules.sensitivity_high:SensitivityHigh"),
    RuleEntry("CLK303", "needless-skip", Severity.INFO, (Need.PLAN, Need.LAYER_RULES, Need.REPORT,), "clika_linter.rules.needless_skip:NeedlessSkip", holds_for_every_graph=True),
    RuleEntry("CLK304", "non-finite-sensitivity", Severity.ERROR, (Need.PLAN, Need.REPORT,), "clika_linter.rules.non_finite_sensitivity:NonFiniteSensitivity", silences=("CLK301", "CLK302", "CLK306", "CLK307")),
    RuleEntry("CLK305", "missing-sensitivity", Severity.INFO, (Need.PLAN,), "clika_linter.rules.missing_sensitivity:MissingSensitivity"),
    RuleEntry("CLK306", "uncalibrated-layer", Severity.ERROR, (Need.PLAN, Need.REPORT,), "clika_linter.rules.uncalibrated_layer:UncalibratedLayer", silences=("CLK302", "CLK308")),
    RuleEntry("CLK307", "sensitivity-regression", Severity.WARNING, (Need.PLAN, Need.REPORT, Need.REFERENCE,), "clika_linter.rules.sensitivity_regression:SensitivityRegression"),
    RuleEntry("CLK308", "wasted-range", Severity.INFO, (Need.PLAN, Need.REPORT,), "clika_linter.rules.wasted_range:WastedRange"),
    RuleEntry("CLK309", "implausible-threshold", Severity.WARNING, (Need.SETTINGS,), "clika_linter.rules.implausible_threshold:ImplausibleThreshold", fix=Safety.UNSAFE),
    RuleEntry("CLK401", "unsupported-by-target", Severity.WARNING, (Need.PLAN,), "clika_linter.rules.unsupported_by_target:UnsupportedByTarget"),
    RuleEntry("CLK402", "bits-unsupported-by-target", Severity.ERROR, (Need.SETTINGS,), "clika_linter.rules.bits_unsupported_by_target:BitsUnsupportedByTarget", silences=("CLK204", "CLK211")),
    RuleEntry("CLK403", "full-range-overflow", Severity.WARNING, (Need.SETTINGS,), "clika_linter.rules.full_range_overflow:FullRangeOverflow"),
    RuleEntry("CLK501", "learning-rate-mismatch", Severity.WARNING, (Need.SETTINGS,), "clika_linter.rules.learning_rate_mismatch:LearningRateMismatch"),
    RuleEntry("CLK502", "no-calibration-steps", Severity.ERROR, (Need.SETTINGS,), "clika_linter.rules.no_calibration_steps:NoCalibrationSteps", silences=("CLK504",)),
    RuleEntry("CLK503", "schedule-suspicious", Severity.WARNING, (Need.SETTINGS,), "clika_linter.rules.schedule_suspicious:ScheduleSuspicious"),
    RuleEntry("CLK504", "thin-calibration", Severity.WARNING, (Need.REPORT,), "clika_linter.rules.thin_calibration:ThinCalibration"),
    RuleEntry("CLK901", "unused-suppression", Severity.WARNING, (Need.DOCUMENT,), "clika_linter.rules.unused_suppression:UnusedSuppression", fix=Safety.SAFE, is_made_by_engine=True),
    RuleEntry("CLK902", "rule-crashed", Severity.ERROR, (Need.DOCUMENT,), "clika_linter.rules.rule_crashed:RuleCrashed", is_made_by_engine=True),
    RuleEntry("CLK903", "broken-plugin", Severity.WARNING, (Need.DOCUMENT,), "clika_linter.rules.broken_plugin:BrokenPlugin", is_made_by_engine=True),
)  # fmt: skip
