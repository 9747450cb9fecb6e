"""`Context`: everything a rule can look at, made when it is first asked for and shared by all rules of one file.

    source, document, problems, settings, places        the settings file
    graph, index, wiring, costs                         the graph snapshot
    target, reach, rule_errors, plan, plan_without...   what planning makes of both
    report, reference                                   the last report, and an older one to compare with

Ask only for what the rule declares in `needs`: anything else may raise `UnavailableError`, which counts as a crash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from clika_core.errors import ClikaError, SettingsError, TargetError
from clika_core.ir.graph import Graph
from clika_core.planning.plan import Plan
from clika_core.planning.planner import Planner
from clika_core.planning.rule_errors import RuleError, RuleProblem
from clika_core.planning.selectors import SelectorIndex
from clika_core.planning.sensitivities import Sensitivity
from clika_core.planning.skip_rules import ResolvedRule, RuleReach, examine
from clika_core.planning.wiring import Wiring
from clika_core.settings.document import Document
from clika_core.settings.interpret import interpret
from clika_core.settings.model import Settings
from clika_core.settings.problems import Problem, ProblemKind
from clika_core.settings.source import Source, Span
from clika_core.targets.target import Target
from clika_linter.costs import Costs
from clika_linter.editing import Editor
from clika_linter.places import Places, RulePlace
from clika_linter.replanning import reach_with_skips, reach_without, sections_with_tail
from clika_linter.report import Report


class UnavailableError(Exception):
    """A rule asked for something that its `needs` do not promise."""


class Context:
    """One settings file with the graph and reports that belong to it."""

    def __init__(
        self,
        document: Document,
        graph: Graph | None = None,
        report: Report | None = None,
        reference: Report | None = None,
        *,
        targets: Mapping[str, Target] | None = None,
        input_errors: Sequence[ClikaError] = (),
    ) -> None:
        """`input_errors` are what was wrong with graph and report files; `targets` are by name."""
        self.document = document
        self.input_errors = tuple(input_errors)
        self.raw_report = report
        self.raw_reference = reference
        self._graph = graph
        self._targets = targets
        self._without: dict[frozenset[int], Plan] = {}

    # the settings file

    @property
    def source(self) -> Source:
        """The text of the file."""
        return self.document.source

    @cached_property
    def _interpreted(self) -> tuple[Settings, tuple[Problem, ...]]:
        return interpret(self.document)

    @property
    def settings(self) -> Settings:
        """What the file says, where it is right: a rule or key with a mistake is left out."""
        return self._interpreted[0]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the file by itself, with spans."""
        return self._interpreted[1]

    @cached_property
    def places(self) -> Places:
        """The spans of everything in the file."""
        return Places(self.document)

    @cached_property
    def editor(self) -> Editor:
        """Makes the edits of fixes."""
        return Editor(self.places)

    def place_of(self, rule: ResolvedRule) -> RulePlace:
        """Where a rule of `reach.rules` stands."""
        return self.places.rules[rule.rule.selector]

    def span_of(self, rule: ResolvedRule) -> Span | None:
        """The selector of a rule of `reach.rules`: what a finding about the whole rule underlines."""
        return self.place_of(rule).selector_span

    # the graph

    @property
    def has_graph(self) -> bool:
        """Whether a graph belongs to the settings."""
        return self._graph is not None

    @property
    def graph(self) -> Graph:
        """The graph snapshot."""
        if self._graph is None:
            raise UnavailableError("graph")
        return self._graph

    @cached_property
    def index(self) -> SelectorIndex:
        """What selectors match."""
        return SelectorIndex(self.graph)

    @cached_property
    def wiring(self) -> Wiring:
        """Removed layers, traits, data operands."""
        return Wiring(self.graph)

    @cached_property
    def costs(self) -> Costs:
        """Multiply-accumulates and weight bytes of each layer and of the model."""
        return Costs(self.graph)

    # planning

    @cached_property
    def target(self) -> Target:
        """The target that the settings name, with their groups of weights. Raises TargetError without it."""
        groups = self.settings.global_quantization_settings.weights_group_size
        return self._named_target().with_weight_groups(groups)

    def _named_target(self) -> Target:
        name = self.settings.deployment_settings.target_framework
        if self._targets is not None and name in self._targets:
            return self._targets[name]
        from clika_core.plugins.registry import find_target

        return find_target(name)

    @cached_property
    def target_error(self) -> ClikaError | None:
        """Why there is no target, and so no plan."""
        try:
            _ = self.target
        except ClikaError as problem:
            return problem
        return None

    @cached_property
    def _examined(self) -> tuple[RuleReach, list[RuleError]]:
        return examine(self.settings.rules, self.index)

    @cached_property
    def reach(self) -> RuleReach:
        """The rules that can be used, what each matches and reaches, and which wins where."""
        return self._examined[0]

    @property
    def rule_errors(self) -> Sequence[RuleError]:
        """What is wrong with rules on this graph."""
        return self._examined[1]

    @cached_property
    def disputed(self) -> frozenset[str]:
        """Selectors of rules that contradict another one or are written twice: which of both is meant is open."""
        conflicts = [error for error in self.rule_errors if error.kind is RuleProblem.CONFLICT]
        repeated = {p.span for p in self.problems if p.kind is ProblemKind.DUPLICATE_KEY}
        return frozenset(
            [rule.selector for error in conflicts for rule in (error.rule, error.other) if rule]
            + [selector for selector, place in self.places.rules.items() if place.selector_span in repeated]
        )

    @cached_property
    def unknown_target(self) -> TargetError | None:
        """What is wrong with the name of the target, where the file gives one."""
        if self.places.key("deployment_settings", "target_framework") is None:
            return None
        try:
            self._named_target()
        except TargetError as problem:
            return problem
        return None

    @cached_property
    def unknown_observer(self) -> SettingsError | None:
        """What is wrong with the name of the observer, where the file gives one."""
        name = self.settings.global_quantization_settings.observer
        if name is None:
            return None
        from clika_core.plugins.registry import check_observer_name

        try:
            check_observer_name(name)
        except SettingsError as problem:
            return problem
        return None

    @cached_property
    def measured(self) -> Mapping[str, Sensitivity]:
        """QS by layer, where a report of this graph is there."""
        return self.report.sensitivities() if self.has_report else {}

    @cached_property
    def tail_error(self) -> SettingsError | None:
        """What is wrong with `skip_tail_quantization` on this graph; the plan is then made without a tail."""
        from clika_core.planning.tail_outputs import tail_outputs

        try:
            tail_outputs(self.graph, self.settings)
        except SettingsError as problem:
            return problem
        return None

    @cached_property
    def plan(self) -> Plan:
        """What would be decided, with the rules that can be used and the report's QS."""
        return self._decide(self._sections, self.reach)

    @cached_property
    def plan_without_tail(self) -> Plan:
        """The plan with tail skipping turned off."""
        return self._decide(sections_with_tail(self.settings, False), self.reach)

    def plan_with_tail(self, outputs: Sequence[str]) -> Plan:
        """The plan in which only these outputs have a tail; not kept."""
        return self._decide(sections_with_tail(self.settings, tuple(outputs)), self.reach)

    @cached_property
    def plan_without_rules(self) -> Plan:
        """The plan without any rule for layers."""
        return self._decide(self._sections, RuleReach((), {}, {name: {} for name in self.reach.fields}))

    def plan_without(self, *numbers: int) -> Plan:
        """The plan without these rules of `reach.rules`: one pass over the graph, kept for other rules.

        Files may have thousands of rules: ask only where cheaper facts leave the answer open.
        """
        left_out = frozenset(numbers)
        if left_out not in self._without:
            self._without[left_out] = self._decide(self._sections, reach_without(self.reach, left_out))
        return self._without[left_out]

    def plan_with_skips(self, positions: Iterable[int]) -> Plan:
        """The plan with some more layers skipped, as if by rules of their own; not kept."""
        return self._decide(self._sections, reach_with_skips(self.reach, positions))

    @cached_property
    def plan_without_sensitivity(self) -> Plan:
        """The plan with no layer skipped for its QS."""
        return self._planner.decide(self._sections, self.reach, {})

    def rules(self) -> Iterator[tuple[int, ResolvedRule]]:
        """The rules that can be used, with their numbers in `reach`."""
        return iter(enumerate(self.reach.rules))

    @cached_property
    def _sections(self) -> Settings:
        """The settings that plans are made with: without a tail where the file names a wrong output for it."""
        return self.settings if self.tail_error is None else sections_with_tail(self.settings, False)

    def _decide(self, settings: Settings, reach: RuleReach) -> Plan:
        return self._planner.decide(settings, reach, self.measured)

    @cached_property
    def _planner(self) -> Planner:
        """Makes every plan of this context: each looks only at what differs from the one before."""
        return Planner(self.graph, self.target, wiring=self.wiring, index=self.index)

    # reports

    @property
    def has_report(self) -> bool:
        """Whether there is a report of this very graph."""
        report = self.raw_report
        return (
            report is not None and self._graph is not None and report.fingerprint == self._graph.fingerprint
        )

    @property
    def report(self) -> Report:
        """The last report of this very graph; `raw_report` is there for another graph too."""
        if self.raw_report is None or not self.has_report:
            raise UnavailableError("report")
        return self.raw_report

    @property
    def reference(self) -> Report:
        """The report to compare with, of this graph or another version of the model."""
        if self.raw_reference is None:
            raise UnavailableError("reference report")
        return self.raw_reference
