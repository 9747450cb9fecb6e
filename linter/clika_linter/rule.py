"""`Rule`: what every lint rule is. One file per rule, which holds its text, its cases and its logic."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from clika_core.diagnostics import Severity
from clika_linter.case import Invalid, Valid
from clika_linter.finding import Finding, Safety
from clika_linter.option import Option

if TYPE_CHECKING:
    from clika_linter.context import Context


class Need(StrEnum):
    """What has to be there for a rule to run. What is missing is said once, in a note."""

    DOCUMENT = "document"  # the file's text, and its tree where it can be read at all
    SETTINGS = "settings"  # the tree could be read; keys that are wrong are left out
    LAYER_RULES = "layer rules"  # at least one entry under layer_settings
    GRAPH = "graph"
    PLAN = "plan"  # graph and a target that is installed; rules that cannot be used are left out
    REPORT = "report"  # of this very graph
    REFERENCE = "reference report"  # of the same graph or an earlier one


class Rule(ABC):
    '''A lint rule.

    The docstring is the rule's page. Its first line ends the sentence "<name>: ..."; then the sections `What it
    does`, `Why is this bad?`, `Example`, `Use instead` and, where there is a fix, `Fix safety`, each under a line
    `## <title>`. Rules are named after the finding, so that "allow <name>" reads well.

        class TailDisabled(Rule):
            """Skipping of the tail is turned off. ..."""

            code = "CLK102"
            name = "tail-disabled"
            severity = Severity.WARNING
            needs = (Need.SETTINGS,)
            VALID = (Valid(settings="..."), ...)          # at least three
            INVALID = (Invalid(settings="...«false»", messages=("...",)), ...)      # at least three

            def check(self, context: Context) -> Iterator[Finding]:
                ...

    `silences` lists codes of rules whose findings say less about the same cause: a finding of theirs is dropped
    when this rule reports the same nodes, or has a finding without nodes. `holds_for_every_graph`: where one
    settings file serves several graphs, a finding counts only if it is made for each of them (a rule is redundant
    only if no model needs it). `is_made_by_engine`: the findings come from the linter itself, not from `check`.
    '''

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity]
    needs: ClassVar[tuple[Need, ...]]
    fix: ClassVar[Safety | None] = None
    silences: ClassVar[tuple[str, ...]] = ()
    holds_for_every_graph: ClassVar[bool] = False
    is_made_by_engine: ClassVar[bool] = False
    VALID: ClassVar[tuple[Valid, ...]]
    INVALID: ClassVar[tuple[Invalid, ...]]

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        """Take checked values of options, by attribute name."""
        self.options = options or {}

    @abstractmethod
    def check(self, context: Context) -> Iterable[Finding]:
        """What is wrong; findings in any order. Must not change anything reached from `context`."""

    @classmethod
    def declared_options(cls) -> dict[str, Option[Any]]:
        """The options by their name in files."""
        options = (value for value in vars(cls).values() if isinstance(value, Option))
        return {option.name: option for option in options}
