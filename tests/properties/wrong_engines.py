"""Engines that are wrong on purpose, each in one place, with the property that has to notice.

Every one is a mistake somebody could make, most of them one that a peer of this project makes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from clika_core.frozen import replace
from clika_core.planning import (
    borders,
    effects,
    field_winners,
    globs,
    groups,
    inheritance,
    own_causes,
    planner,
    question,
    ranges,
    regular_expressions,
    resolved_rule,
    rule_book,
    selectors,
    standing,
    support,
    tail,
    verdicts,
    wiring,
)
from clika_core.planning.decision import CauseKind
from clika_core.planning.reachability import upstream_bits
from clika_core.planning.selectors import Specificity
from tests.properties import (
    test_agreement_with_the_oracle as agreement,
)
from tests.properties import test_laws_of_borders as laws_of_borders
from tests.properties import test_laws_of_graphs as laws_of_graphs
from tests.properties import test_laws_of_ranges as laws_of_ranges
from tests.properties import test_laws_of_replanning as laws_of_replanning
from tests.properties import test_laws_of_rules as laws_of_rules
from tests.properties import test_laws_of_selectors as laws_of_selectors
from tests.properties import test_laws_of_the_tail as laws_of_the_tail

Property = Callable[..., None]
Break = Callable[[pytest.MonkeyPatch], None]

WRONG_ENGINES: dict[str, tuple[Break, Property]] = {}


def caught_by(found: Property) -> Callable[[Break], Break]:
    """Registers a wrong engine under the name of the function that makes it."""

    def register(make: Break) -> Break:
        WRONG_ENGINES[make.__name__] = (make, found)
        return make

    return register


def tried(found: Property) -> Property:
    """The property on its own examples, without shrinking a failure.

    Many, although most engines fail within a few: Hypothesis draws constants from the modules that are loaded, so
    that the examples of a whole run of the tests are not those of this file alone.
    """
    fresh = given(**found.hypothesis._given_kwargs)(found.hypothesis.inner_test)  # type: ignore[attr-defined]
    small = settings(
        max_examples=2000,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    return small(fresh)


@caught_by(laws_of_ranges.test_until_skips_the_union_of_all_simple_paths_and_nothing_else)
def end_of_a_range_is_exclusive(patch: pytest.MonkeyPatch) -> None:
    def above(graph: Any, start: Mapping[int, int]) -> list[int]:
        found = upstream_bits(graph, start)
        for position, own in start.items():
            found[position] &= ~own
        return found

    patch.setattr(ranges, "upstream_bits", above)


@caught_by(laws_of_ranges.test_until_skips_the_union_of_all_simple_paths_and_nothing_else)
def only_the_first_operand_leads_back(patch: pytest.MonkeyPatch) -> None:
    def above(graph: Any, start: Mapping[int, int]) -> list[int]:
        found = [start.get(position, 0) for position in range(len(graph.nodes))]
        for position in range(len(found) - 1, -1, -1):
            for producer in graph.producers[position][:1]:
                found[producer] |= found[position]
        return found

    patch.setattr(ranges, "upstream_bits", above)


@caught_by(laws_of_ranges.test_until_many_targets_is_what_until_each_of_them_adds_up_to)
def only_the_last_target_counts(patch: pytest.MonkeyPatch) -> None:
    whole = resolved_rule.ResolvedRule.targets.func  # type: ignore[attr-defined]
    patch.setattr(
        resolved_rule.ResolvedRule, "targets", property(lambda rule: frozenset(sorted(whole(rule))[-1:]))
    )


@caught_by(laws_of_ranges.test_downstream_is_until_the_producers_of_the_outputs_that_are_reached)
def downstream_stops_at_the_next_layers(patch: pytest.MonkeyPatch) -> None:
    def below(graph: Any, start: Mapping[int, int]) -> list[int]:
        found = [start.get(position, 0) for position in range(len(graph.nodes))]
        for position, producers in enumerate(graph.producers):
            for producer in producers:
                found[position] |= start.get(producer, 0)
        return found

    patch.setattr(ranges, "downstream_bits", below)


@caught_by(agreement.test_precision_causes_overrides_and_bits_are_those_of_the_oracle)
def a_later_range_replaces_an_earlier_one(patch: pytest.MonkeyPatch) -> None:
    whole = ranges.RuleCauses.by_layer

    def last_only(self: ranges.RuleCauses) -> dict[int, Any]:
        return {position: tuple(found)[-1:] for position, found in whole(self).items()}

    patch.setattr(ranges.RuleCauses, "by_layer", last_only)


def _tails(is_after: Callable[[bool, int, int], int], first_only: bool = False) -> Callable[..., Any]:
    """The tail with another idea of what follows a weighted layer."""

    def tails(graph: Any, outputs: Sequence[str], traits: Any = None) -> Mapping[int, tuple[str, ...]]:
        traits = traits or wiring.Wiring(graph).traits
        reaches, passes = [0] * len(graph.nodes), [0] * len(graph.nodes)
        for order, name in enumerate(outputs):
            reaches[graph.index[name]] |= 1 << order
        for position in range(len(graph.nodes) - 1, -1, -1):
            after = is_after(traits[position] == "weighted", reaches[position], passes[position])
            for producer in graph.producers[position]:
                if not (first_only and reaches[producer]):
                    passes[producer] |= after
                reaches[producer] |= reaches[position]
        found = {p: reaches[p] & ~passes[p] for p, node in enumerate(graph.nodes) if node.kind == "layer"}
        return {
            position: tuple(name for order, name in enumerate(outputs) if bits >> order & 1)
            for position, bits in found.items()
            if bits
        }

    return tails


@caught_by(laws_of_the_tail.test_the_tail_of_every_output_is_the_one_defined)
def the_tail_goes_by_the_first_path(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(planner, "tails", _tails(lambda weighted, r, p: r if weighted else p, first_only=True))


@caught_by(laws_of_the_tail.test_the_tail_of_every_output_is_the_one_defined)
def the_tail_holds_everything_upstream(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(planner, "tails", _tails(lambda _weighted, _reaches, passes: passes))


@caught_by(laws_of_the_tail.test_the_tail_of_every_output_is_the_one_defined)
def the_tail_begins_behind_the_last_weighted_layer(patch: pytest.MonkeyPatch) -> None:
    whole = tail.tails

    def behind(graph: Any, outputs: Sequence[str], traits: Any = None) -> Mapping[int, tuple[str, ...]]:
        known = traits or wiring.Wiring(graph).traits
        return {p: of for p, of in whole(graph, outputs, traits).items() if known[p] != "weighted"}

    patch.setattr(planner, "tails", behind)


@caught_by(laws_of_the_tail.test_a_list_of_outputs_keeps_their_tails_alone)
def every_output_has_a_tail_whatever_is_listed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(planner, "tail_outputs", lambda graph, _settings: tuple(n.name for n in graph.outputs))


@caught_by(agreement.test_precision_causes_overrides_and_bits_are_those_of_the_oracle)
def a_name_beats_nothing(patch: pytest.MonkeyPatch) -> None:
    whole = field_winners.FieldWinners._winner
    patch.setattr(
        field_winners.FieldWinners, "_winner", lambda self, found: whole(self, tuple(reversed(found)))
    )


@caught_by(laws_of_selectors.test_a_selector_means_the_layers_that_the_oracle_finds)
def a_path_is_no_more_specific_than_a_prefix_of_it(patch: pytest.MonkeyPatch) -> None:
    whole = selectors.SelectorIndex._by_path

    def flat(self: selectors.SelectorIndex, text: str) -> Mapping[int, Specificity]:
        return dict.fromkeys(whole(self, text), Specificity.PATH)

    patch.setattr(selectors.SelectorIndex, "_by_path", flat)
    patch.setitem(selectors._READINGS, "path", flat)


@caught_by(laws_of_selectors.test_a_selector_means_the_layers_that_the_oracle_finds)
def a_path_also_means_those_that_begin_with_its_letters(patch: pytest.MonkeyPatch) -> None:
    def below(self: selectors.SelectorIndex, path: str) -> list[int]:
        return sorted(p for word, at in self._paths.items() if word.startswith(path) for p in at)

    patch.setattr(selectors.SelectorIndex, "_below", below)


@caught_by(laws_of_selectors.test_a_glob_matches_the_words_that_its_definition_does)
def a_star_crosses_components(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(globs, "_ANY", ".*")


@caught_by(laws_of_selectors.test_a_regular_expression_matches_the_words_that_it_matches_one_by_one)
def a_regular_expression_may_match_a_part(patch: pytest.MonkeyPatch) -> None:
    import re

    def parts(self: regular_expressions.Words, pattern: str) -> list[str]:
        return [word for word in self.words if re.match(pattern, word)]

    patch.setattr(regular_expressions.Words, "matching", parts)


@caught_by(laws_of_rules.test_an_explicit_false_loses_tail_rules_and_sensitivity_and_nothing_else)
def an_explicit_false_runs_what_the_target_cannot(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(own_causes, "_OVERRIDABLE", frozenset(CauseKind))


@caught_by(laws_of_rules.test_an_explicit_false_loses_tail_rules_and_sensitivity_and_nothing_else)
def an_explicit_false_yields_to_the_tail(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(own_causes, "_OVERRIDABLE", frozenset({CauseKind.RULE, CauseKind.SENSITIVITY}))


@caught_by(agreement.test_precision_causes_overrides_and_bits_are_those_of_the_oracle)
def bits_are_the_settings_whatever_rules_say(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(question.Question, "bits", lambda self, _position: self.default_bits)


@caught_by(agreement.test_precision_causes_overrides_and_bits_are_those_of_the_oracle)
def an_unknown_type_is_left_to_the_target(patch: pytest.MonkeyPatch) -> None:
    def ask(self: support.Support, type_: str, *kind: Any) -> tuple[str | None, bool]:
        is_weighted, has_data, bits = kind
        return self._target.refusal(type_, is_weighted, has_data, *bits), False

    patch.setattr(support.Support, "_refusal", ask)


@caught_by(agreement.test_groups_are_those_of_the_oracle)
def a_float_member_stays_in_a_quantized_group(patch: pytest.MonkeyPatch) -> None:
    whole = groups.Groups._regroup_row
    patch.setattr(
        groups.Groups,
        "_regroup_row",
        lambda self, first, is_float: whole(self, first, bytes(len(is_float))),
    )


@caught_by(agreement.test_precision_causes_overrides_and_bits_are_those_of_the_oracle)
def a_float_head_leaves_its_members_quantized(patch: pytest.MonkeyPatch) -> None:
    whole = inheritance.Inheritance._float_givers

    def alone(self: inheritance.Inheritance, position: int) -> Sequence[int]:
        return whole(self, position) if self._groups.heads[position] == position else ()

    patch.setattr(inheritance.Inheritance, "_float_givers", alone)


@caught_by(agreement.test_precision_causes_overrides_and_bits_are_those_of_the_oracle)
def a_move_is_float_only_behind_float_layers_alone(patch: pytest.MonkeyPatch) -> None:
    whole = inheritance.Inheritance._float_givers

    def every(self: inheritance.Inheritance, position: int) -> Sequence[int]:
        found = whole(self, position)
        is_member = self._groups.heads[position] != position
        return found if is_member or len(found) == len(set(self._producers[position])) else ()

    patch.setattr(inheritance.Inheritance, "_float_givers", every)


@caught_by(laws_of_borders.test_no_pair_of_borders_encloses_only_layers_that_move_values)
def moves_of_inputs_are_quantized_for_float_readers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(inheritance.Inheritance, "_float_takers", lambda _self, _position: ())


@caught_by(laws_of_graphs.test_planning_and_removing_commute)
def removed_layers_are_not_looked_through(patch: pytest.MonkeyPatch) -> None:
    def direct(self: wiring.Wiring) -> list[tuple[int, ...]]:
        nodes, is_float = self.graph.nodes, self.is_float_value
        read = [
            [self._value(producer, port.port) for producer, port in self._data_operands(node, producers)]
            for producers, node in zip(self.graph.producers, nodes, strict=True)
        ]
        return [tuple(value for value in values if is_float[value]) for values in read]

    patch.setattr(wiring.Wiring, "value_sources", property(direct))


@caught_by(agreement.test_borders_are_those_of_the_oracle)
def index_operands_count_as_values(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(wiring, "_INDEX_OPERANDS", {})
    patch.setattr(wiring.Wiring, "is_float_value", property(lambda _self: bytearray([1] * 200)))


@caught_by(agreement.test_borders_are_those_of_the_oracle)
def a_border_serves_its_first_reader_alone(patch: pytest.MonkeyPatch) -> None:
    whole = borders.Borders._border

    def one(self: borders.Borders, value: int, is_float: Sequence[int]) -> Any:
        found = whole(self, value, is_float)
        return replace(found, consumers=found.consumers[:1])

    patch.setattr(borders.Borders, "_border", one)


@caught_by(agreement.test_borders_are_those_of_the_oracle)
def graph_inputs_carry_codes(patch: pytest.MonkeyPatch) -> None:
    whole = borders.Borders.place

    def inner(self: borders.Borders, turned: Iterable[int], is_float: Sequence[int]) -> None:
        graph = self._wiring.graph
        inputs = {graph.index[node.name] for node in graph.inputs}
        whole(self, turned, [flag and p not in inputs for p, flag in enumerate(is_float)])

    patch.setattr(borders.Borders, "place", inner)


@caught_by(agreement.test_precision_causes_overrides_and_bits_are_those_of_the_oracle)
def a_sensitivity_at_the_threshold_is_above_it(patch: pytest.MonkeyPatch) -> None:
    whole = standing._sensitivity

    def lenient(question: Any, layer: str) -> Any:
        threshold = None if question.threshold is None else question.threshold * 0.999
        return whole(replace(question, threshold=threshold), layer)

    patch.setattr(standing, "_sensitivity", lenient)


@caught_by(laws_of_replanning.test_what_was_asked_before_changes_no_plan)
def a_rule_taken_away_leaves_its_layers_as_they_were(patch: pytest.MonkeyPatch) -> None:
    whole = rule_book.RuleBook._remove

    def forgetful(self: rule_book.RuleBook, rule: Any, problems: list[Any]) -> set[int]:
        whole(self, rule, problems)
        return set()

    patch.setattr(rule_book.RuleBook, "_remove", forgetful)


@caught_by(laws_of_replanning.test_what_was_asked_before_changes_no_plan)
def another_tail_changes_no_plan_made_before(patch: pytest.MonkeyPatch) -> None:
    whole = verdicts.Verdicts._differing

    def blind(self: verdicts.Verdicts, question: Any, touched: set[int] | None) -> Iterable[int] | None:
        if self._asked is not None:
            self._asked = replace(self._asked, tail=question.tail)
        return whole(self, question, touched)

    patch.setattr(verdicts.Verdicts, "_differing", blind)


@caught_by(laws_of_rules.test_a_rule_is_reported_exactly_when_decisions_are_the_same_without_it)
def no_rule_is_ever_without_effect(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(effects.Effects, "without_effect", lambda _self: [])


@caught_by(laws_of_selectors.test_a_selector_means_the_layers_that_the_oracle_finds)
def a_name_of_the_framework_hides_a_layers_own(patch: pytest.MonkeyPatch) -> None:
    def aliases_first(self: selectors.SelectorIndex, name: str) -> Mapping[int, Specificity]:
        nodes = enumerate(self.graph.nodes)
        found = [p for p, node in nodes if node.kind == "layer" and name in (*node.aliases, node.name)]
        return dict.fromkeys(found, Specificity.NAME)

    patch.setattr(selectors.SelectorIndex, "_by_name", aliases_first)
