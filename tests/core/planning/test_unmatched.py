"""A selector or target that matches nothing: an error with the nearest names, unless the rule says otherwise."""

from __future__ import annotations

import pytest

from clika_core.errors import SettingsError
from tests.core.planning.asking import ask, findings, skip
from tests.core.planning.networks import classifier


@pytest.mark.parametrize(
    ("selector", "nearest"),
    [
        ("adaptive_avg_pol_1", "adaptive_avg_pool_1"),
        ("linear_55", "linear_5"),
        ("name:liner_5", "linear_5"),
        ("clasifier.4", "classifier.4"),
    ],
)
def test_an_unmatched_selector_is_an_error_with_the_nearest_names(selector: str, nearest: str) -> None:
    with pytest.raises(SettingsError) as error:
        ask(classifier(), {selector: skip()})
    assert selector in str(error.value)
    assert nearest in str(error.value)


@pytest.mark.parametrize("selector", ["op:lstm", "glob:decoder.*", "re:decoder", "path:decoder", "decoder_*"])
def test_every_reading_that_matches_nothing_is_an_error(selector: str) -> None:
    with pytest.raises(SettingsError, match=selector.rpartition(":")[2][:4]):
        ask(classifier(), {selector: skip()})


def test_the_error_points_at_the_rule() -> None:
    with pytest.raises(SettingsError) as error:
        ask(classifier(), {"no_such_layer": skip()})
    assert error.value.location is not None
    assert error.value.location.file.endswith(".py")


def test_ignore_drops_the_rule_in_silence() -> None:
    plan = ask(classifier(), {"no_such_layer": skip(on_unmatched="ignore")})
    assert plan.skipped == ()
    assert findings(plan) == []


def test_warn_drops_the_rule_and_says_so() -> None:
    plan = ask(classifier(), {"no_such_layer": skip(on_unmatched="warn")})
    assert plan.skipped == ()
    assert [related for _, related in findings(plan)] == [("no_such_layer",)]


@pytest.mark.parametrize("answer", ["ignore", "warn"])
def test_an_unmatched_target_is_dropped_and_the_others_stay(answer: str) -> None:
    plan = ask(classifier(), {"linear_4": skip(["linear_5", "linear_9"], on_unmatched=answer)})
    assert plan.skipped == ("linear_4", "relu_6", "linear_5")


@pytest.mark.parametrize("answer", ["ignore", "warn"])
def test_a_rule_without_any_target_left_is_dropped_whole(answer: str) -> None:
    plan = ask(classifier(), {"linear_4": skip(["linear_8", "linear_9"], on_unmatched=answer)})
    assert plan.skipped == ()


@pytest.mark.parametrize("answer", ["ignore", "warn"])
def test_a_target_that_exists_and_is_not_reached_is_an_error_all_the_same(answer: str) -> None:
    with pytest.raises(SettingsError, match="conv_1"):
        ask(classifier(), {"linear_4": skip(["conv_1"], on_unmatched=answer)})


def test_of_very_many_problems_the_first_are_spelt_out() -> None:
    with pytest.raises(SettingsError) as error:
        ask(classifier(), {f"no_such_layer_{index}": skip() for index in range(1000)})
    first, *_, last = str(error.value).splitlines()
    assert (first, last) == ("1000 rules cannot be used", "... and 980 more: see them with `clika lint`")
