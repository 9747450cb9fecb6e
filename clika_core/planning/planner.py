"""`Planner`: plans of one graph for one target. What no setting changes is prepared once; then every plan looks only
at the layers whose answer can differ from the last one's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from clika_core.ir.collection import paused_collection
from clika_core.ir.graph import Graph
from clika_core.planning.plan import Plan
from clika_core.planning.question import Question
from clika_core.planning.rule_book import RuleBook
from clika_core.planning.rule_errors import RuleError, raise_all
from clika_core.planning.rule_reach import RuleReach
from clika_core.planning.selectors import SelectorIndex
from clika_core.planning.sensitivities import Sensitivity, sensitivities
from clika_core.planning.skip_rules import examine
from clika_core.planning.tail import tails
from clika_core.planning.tail_outputs import tail_outputs
from clika_core.planning.verdicts import Verdicts
from clika_core.planning.wiring import Wiring
from clika_core.settings.model import LayerRule, Settings
from clika_core.targets.target import Target

_MAX_SINGLE_CHANGES = 16  # of rules; beyond, all rules at once are faster

Measured = Mapping[str, "float | Sensitivity | None"]


class Planner:
    """Plans of one graph for one target.

    >>> planner = Planner(graph, target)
    >>> plan = planner.plan(settings)           # linear in nodes and edges
    >>> other = planner.plan(changed_settings)  # as fast as the change is small

    Plans are independent values: what is asked later changes none of them.
    """

    def __init__(
        self,
        graph: Graph,
        target: Target,
        *,
        wiring: Wiring | None = None,
        index: SelectorIndex | None = None,
    ) -> None:
        """Prepare nothing yet: what a plan needs is made when the first one is asked for.

        `wiring` and `index` are of the same graph, where the caller has them already.
        """
        self.graph, self.target = graph, target
        self.wiring = wiring or Wiring(graph)
        self.index = index or SelectorIndex(graph)
        self._book: RuleBook | None = None
        self._verdicts: Verdicts | None = None
        self._tails: dict[tuple[str, ...], Mapping[int, tuple[str, ...]]] = {}

    def plan(self, settings: Settings, sensitivity: Measured | None = None) -> Plan:
        """Decide every layer. Raises SettingsError for rules that cannot be used, or a tail of an unknown output.

        `sensitivity` maps layers to their measured QS.
        """
        with paused_collection():
            reach, touched = self._reach_of(settings.rules)
            return self._decide(settings, reach, sensitivities(sensitivity or {}), touched)

    def examine(self, rules: Iterable[LayerRule]) -> tuple[RuleReach, list[RuleError]]:
        """Resolve `rules` as far as they can be used, and everything that is wrong with them; never raises."""
        return examine(rules, self.index)

    def decide(self, settings: Settings, reach: RuleReach, measured: Mapping[str, Sensitivity]) -> Plan:
        """The plan of the rules in `reach`; of `settings` only the sections are read.

        For tools that compare plans of one graph; what is the same as in the last plan costs next to nothing.
        Raises SettingsError for a tail of an unknown output.
        """
        with paused_collection():
            return self._decide(settings, reach, measured, None)

    def _reach_of(self, rules: Collection[LayerRule]) -> tuple[RuleReach, set[int] | None]:
        """What the rules reach, and the layers that the rules which changed concern; None: not known."""
        book, given = self._book, tuple(rules)
        if book is not None and book.num_changes(given) <= _MAX_SINGLE_CHANGES:
            self._book = None  # until the change has succeeded
            touched, problems = book.change(given)
            if not problems:
                self._book = book
                return book.reach(), touched
        book = RuleBook(self.index)
        raise_all(book.fill(given))
        self._book = book
        return book.reach(), None

    def _decide(
        self,
        settings: Settings,
        reach: RuleReach,
        measured: Mapping[str, Sensitivity],
        touched: set[int] | None,
    ) -> Plan:
        question = Question.of(settings, reach, self._tail(settings), measured)
        verdicts, self._verdicts = self._verdicts or Verdicts(self.wiring, self.target), None
        plan = verdicts.plan(question, touched)
        self._verdicts = verdicts  # not where something interrupted it halfway
        return plan

    def _tail(self, settings: Settings) -> Mapping[int, tuple[str, ...]]:
        outputs = tail_outputs(self.graph, settings)
        if outputs not in self._tails:
            if len(self._tails) > 16:
                self._tails.clear()
            self._tails[outputs] = tails(self.graph, outputs, self.wiring.traits)
        return self._tails[outputs]
