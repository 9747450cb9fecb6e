"""`Valid` and `Invalid`: the cases of a rule. Tests, the docs page and `--explain` are made from them.

`settings` is the text of a settings file. In invalid cases every span that is to be underlined stands between
`«` and `»`, in the order of the findings; the marks are taken out before the rule sees the text. A finding
without a span has no marks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from clika_core.testing.builder import GraphBuilder

_NONE: Final[Mapping[str, Any]] = MappingProxyType({})

MakeGraph: TypeAlias = "Callable[[GraphBuilder], None]"
"""Adds nodes to the builder it is given; see `clika_linter.example_graphs`."""


class Valid:
    """Input on which the rule says nothing.

    `report` and `reference` hold what matters of a `clika_report.json`: `{"layers": [{"name": "conv_1", "qs":
    2e4}]}`; format, version and the fingerprint of the case's graph are added. `options` are the rule's, by
    kebab-case name. `syntax` is `yaml`, `json` or `toml`.
    """

    def __init__(
        self,
        *,
        settings: str = "",
        graph: MakeGraph | None = None,
        report: Mapping[str, Any] | None = None,
        reference: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] = _NONE,
        syntax: str = "yaml",
        about: str = "",
    ) -> None:
        """Take the parts of the input; `about` says what the case shows."""
        self.settings = settings
        self.graph = graph
        self.report = report
        self.reference = reference
        self.options = options
        self.syntax = syntax
        self.about = about

    def with_settings(self, settings: str) -> Valid:
        """The same input with another settings file."""
        return Valid(
            settings=settings,
            graph=self.graph,
            report=self.report,
            reference=self.reference,
            options=self.options,
            syntax=self.syntax,
        )


class Invalid(Valid):
    """Input on which the rule says `messages`, sorted by place; each is the start of a message, or all of it.

    `nodes` are, per finding, the related graph nodes; `fixed` is the settings text after the rule's fixes, safe and
    unsafe ones; `severities` per finding where they differ from the rule's.
    """

    def __init__(
        self,
        *,
        messages: tuple[str, ...],
        nodes: tuple[tuple[str, ...], ...] | None = None,
        fixed: str | None = None,
        severities: tuple[str, ...] | None = None,
        **parts: Any,
    ) -> None:
        """Take what the rule says of the input that `parts` describe, as those of `Valid`."""
        super().__init__(**parts)
        self.messages = messages
        self.nodes = nodes
        self.fixed = fixed
        self.severities = severities
