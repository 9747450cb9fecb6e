"""Where a settings file names layers: the selector of a rule, or an entry of its `skip_quantization_until`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clika_core.frozen import frozen
from clika_core.planning.rule_errors import RuleError
from clika_core.settings.model import LayerRule
from clika_core.settings.source import Span
from clika_linter.context import Context
from clika_linter.editing import Edits

READINGS = ("name", "path", "glob", "re", "op")
_UNTIL = "skip_quantization_until"


@frozen
class Mention:
    """One place that names layers: entry `item` of `skip_quantization_until`, or the selector where it is None."""

    rule: LayerRule
    item: int | None = None

    @property
    def text(self) -> str:
        """The selector or entry."""
        until = self.rule.settings.skip_quantization_until or ()
        return self.rule.selector if self.item is None else until[self.item]

    def span(self, context: Context) -> Span | None:
        """Its characters."""
        place = context.places.rules[self.rule.selector]
        return place.selector_span if self.item is None else place.value_span(_UNTIL, self.item)

    def renamed(self, context: Context, name: str) -> Edits | None:
        """The edits that put `name` in its place; None where there is a rule of that name already."""
        if self.item is None and name in context.places.rules:
            return None
        return context.editor.replace_name(self.span(context), name)


def mentions_in(rule: LayerRule) -> Iterator[Mention]:
    """The rule's selector, then its `skip_quantization_until` entries."""
    yield Mention(rule)
    for item, _ in enumerate(rule.settings.skip_quantization_until or ()):
        yield Mention(rule, item)


def mentions_at_fault(errors: Iterable[RuleError]) -> Iterator[tuple[RuleError, Mention]]:
    """Each error with the place of its selector: an error of `until: [A]` on `A` comes after that of `A` itself."""
    seen: set[tuple[str, int | None]] = set()
    for error in errors:
        for mention in mentions_in(error.rule):
            key = (error.rule.selector, mention.item)
            if mention.text == error.selector and key not in seen:
                seen.add(key)
                yield error, mention
                break


def reading_of(text: str) -> tuple[str, str]:
    """The prefix of a selector that forces a reading, with its colon, and the rest: `("path:", "features.0")`."""
    prefix, colon, rest = text.partition(":")
    return (f"{prefix}:", rest) if colon and prefix in READINGS else ("", text)
