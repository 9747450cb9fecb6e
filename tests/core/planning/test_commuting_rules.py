"""Rules commute: the most specific value holds, ranges unite, an explicit False says what it took away."""

from __future__ import annotations

from itertools import permutations

import pytest

from clika_core.errors import SettingsError
from clika_core.planning.decision import Precision
from clika_core.planning.plan import make_plan
from clika_core.settings.model import LayerQuantizationSettings
from clika_core.targets.ort import ORT
from tests.core.planning.asking import Rules, ask, bits, findings, keep, kinds, settings_of, skip, told
from tests.core.planning.networks import chain, classifier, diamond

MORE_AND_LESS_SPECIFIC = [
    ("linear_2", "classifier.1"),
    ("name:linear_2", "path:classifier.1"),
    ("classifier.1", "classifier"),
    ("classifier", "linear_*"),
    ("classifier.*", "re:linear_[2]"),
    ("re:linear_.", "op:linear"),
]


@pytest.mark.parametrize(("more", "less"), MORE_AND_LESS_SPECIFIC)
def test_the_more_specific_rule_decides_whichever_comes_first(more: str, less: str) -> None:
    for rules in (
        {more: keep(), less: skip()},
        {less: skip(), more: keep()},
    ):
        assert ask(classifier(), rules)["linear_2"].precision is Precision.QUANTIZED
    for rules in (
        {more: skip(), less: keep()},
        {less: keep(), more: skip()},
    ):
        assert ask(classifier(), rules)["linear_2"].precision is Precision.FLOAT


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("linear_*", "*_2"),
        ("classifier.1", "path:classifier/1"),
        ("re:linear_.", "re:.*_2"),
        ("linear_2", "name:linear_2"),
    ],
)
def test_equally_specific_rules_with_different_values_are_an_error_naming_both(one: str, other: str) -> None:
    for rules in ({one: skip(), other: keep()}, {other: keep(), one: skip()}):
        with pytest.raises(SettingsError) as error:
            ask(classifier(), rules)
        assert one in str(error.value)
        assert other in str(error.value)


def test_equally_specific_rules_that_never_meet_are_fine() -> None:
    plan = ask(classifier(), {"conv_*": skip(), "linear_*": keep()})
    assert plan["conv_1"].precision is Precision.FLOAT
    assert plan["linear_1"].precision is Precision.QUANTIZED


def test_equally_specific_rules_with_one_value_are_both_told() -> None:
    causes = ask(classifier(), {"linear_*": skip(), "*_2": skip()})["linear_2"].causes
    assert [cause.selector for cause in causes] == ["*_2", "linear_*"]


def test_ranges_unite_and_none_replaces_another() -> None:
    rules = {"relu_2": skip(["add_1"]), "sigmoid_1": skip(["softmax_1"])}
    assert ask(diamond(), rules).skipped == ("relu_2", "sigmoid_1", "add_1", "softmax_1")


def test_every_order_of_rules_gives_the_same_decisions() -> None:
    rules = {
        "classifier": skip(["linear_5"]),
        "linear_2": keep(),
        "relu_*": keep(),
        "conv_1": skip(downstream=True),
        "op:linear": bits(activations=8),
    }
    plans = [ask(classifier(), dict(order)) for order in permutations(rules.items())]
    for plan in plans:
        assert plan.skipped == plans[0].skipped
        assert [kinds(decision) for decision in plan.decisions] == [kinds(d) for d in plans[0].decisions]


def test_an_explicit_false_overrides_tail_rule_and_sensitivity_and_says_so() -> None:
    rules: Rules = {"linear_1": skip(downstream=True), "linear_5": keep()}
    plan = ask(classifier(), rules, tail=None, sensitivity={"linear_5": 0.5}, threshold=0.1)
    decision = plan["linear_5"]
    assert decision.precision is Precision.QUANTIZED
    assert decision.causes == ()
    assert told(decision.overridden) == ["tail", "rule downstream", "sensitivity"]
    assert plan["relu_6"].precision is Precision.FLOAT


def test_an_explicit_false_does_not_overrule_what_cannot_be_quantized() -> None:
    plan = ask(chain("conv", "gelu", "argmax"), {"*": keep()}, tail=None)
    assert kinds(plan["gelu_1"]) == ["unsupported"]
    assert "float_only" in kinds(plan["argmax_1"])
    assert told(plan["gelu_1"].overridden) == ["tail"]


def test_an_explicit_false_does_not_overrule_what_is_inherited() -> None:
    plan = ask(chain("softmax", "flatten", "linear"), {"softmax_1": skip(), "flatten_1": keep()})
    assert kinds(plan["flatten_1"]) == ["inherited"]


def test_a_range_starts_at_a_layer_that_is_itself_kept() -> None:
    plan = ask(diamond(), {"relu_*": skip(downstream=True), "relu_1": keep()})
    assert plan.skipped == ("relu_2", "sigmoid_1", "add_1", "softmax_1")
    assert told(plan["relu_1"].overridden) == ["rule selected"]


def test_an_explicit_false_that_takes_nothing_away_is_reported() -> None:
    assert findings(ask(diamond(), {"relu_1": keep()})) == [("rule-without-effect", ("relu_1",))]


@pytest.mark.parametrize(
    "rules",
    [
        {"relu_1": skip(), "dropout_1": skip()},
        {"relu_1": skip(), "dropout_1": keep()},
        {"relu_1": skip(), "dropout_1": bits(weights=8)},
    ],
    ids=["skip", "keep", "bits"],
)
def test_a_rule_that_selects_only_removed_layers_is_reported(rules: Rules) -> None:
    assert findings(ask(chain("relu", "dropout", "softmax"), rules)) == [
        ("rule-without-effect", ("dropout_1",))
    ]


def test_bits_follow_the_most_specific_rule_field_by_field() -> None:
    rules = {"op:linear": bits(4, 8), "linear_*": bits(weights=8), "classifier": bits(activations=8)}
    decision = ask(classifier(), rules)["linear_2"]
    assert (decision.weights_num_bits, decision.activations_num_bits) == (8, 8)
    assert decision.precision is Precision.QUANTIZED


def test_bits_that_the_target_lacks_keep_the_layer_float() -> None:
    plan = ask(classifier(), {"linear_2": bits(weights=4)})
    assert kinds(plan["linear_2"]) == ["unsupported"]
    assert "4-bit" in plan["linear_2"].causes[0].of[0]


def test_a_rule_that_sets_bits_of_float_layers_alone_is_reported() -> None:
    for reason in (skip(), bits(activations=4)):
        plan = ask(chain("relu"), {"relu_1": reason, "relu_*": bits(weights=8)})
        assert findings(plan) == [("rule-without-effect", ("relu_*",))]


def test_a_rule_without_which_two_others_contradict_each_other_is_not_reported_in_any_order() -> None:
    rules = {"classifier.1": keep(), "path:classifier.1": skip(), "linear_2": keep()}
    reported = [findings(ask(classifier(), dict(order))) for order in permutations(rules.items())]
    assert all(("rule-without-effect", ("linear_2",)) not in found for found in reported)
    assert all(sorted(found) == sorted(reported[0]) for found in reported)


def test_setting_a_selector_twice_keeps_the_last_rule() -> None:
    settings = settings_of({"relu_1": skip()})
    settings.set_quantization_settings_for_layer("relu_1", LayerQuantizationSettings(skip_quantization=False))
    assert make_plan(diamond(), settings, ORT).skipped == ()
