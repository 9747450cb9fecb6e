"""Regular expressions in linear time, by RE2: a hostile settings file cannot make a command hang."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from typing import Any

from clika_core.errors import SettingsError
from clika_core.frozen import frozen

# What looks at more than one line, or changes what `^` and `$` mean: matched word by word.
_WHOLE_TEXT = re.compile(r"\\[AzZCQ]|\(\?[a-zA-Z]*-?[a-zA-Z]*m")


def regex_matcher(pattern: str) -> Callable[[str], bool]:
    """A function that tells whether the whole of a name matches `pattern`, in RE2's syntax.

    Raises SettingsError for a malformed pattern, or one that needs look-around or back-references.
    """
    compiled = _compile(pattern, pattern)
    return lambda name: compiled.fullmatch(name) is not None


@frozen(slots=False)
class Words:
    """Words to search: all of them in one text, a line each, so that RE2 passes over them once per pattern."""

    words: Sequence[str]

    def matching(self, pattern: str) -> Collection[str]:
        """The words that match `pattern` as a whole, in RE2's syntax.

        Raises SettingsError for a malformed pattern, or one that needs look-around or back-references.
        """
        is_match = regex_matcher(pattern)
        if not self._text or _WHOLE_TEXT.search(pattern):
            return [word for word in self.words if is_match(word)]
        found = [word for word in self._odd if is_match(word)]
        return [*found, *self._in_lines(_compile(f"(?m:^)(?m:{pattern})(?m:$)", pattern))]

    def _in_lines(self, expression: Any) -> Iterator[str]:
        text = self._text
        for match in expression.finditer(text):
            yield text[match.start() : match.end()].decode("utf-8", "surrogatepass")

    @cached_property
    def _odd(self) -> Sequence[str]:
        return [word for word in self.words if "\n" in word or not word]

    @cached_property
    def _text(self) -> bytes:
        """The words that fit on a line, a line each, encoded."""
        lines = [word for word in self.words if word and "\n" not in word] if self._odd else self.words
        return "\n".join(lines).encode("utf-8", "surrogatepass")


def _compile(expression: str, pattern: str) -> Any:
    import re2  # imported here: only rules with `re:` pay for it

    options = re2.Options()
    options.log_errors = False
    options.never_nl = expression is not pattern  # nothing matches a line's end, so no match spans two
    try:
        return re2.compile(expression, options)
    except re2.error as error:
        raise SettingsError(
            f"'re:{pattern}' is no regular expression",
            found=str(error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]),
            expected="RE2 syntax: no look-around, no back-references",
            fix="correct the pattern, or use a glob such as 'blocks.*.attn'",
        ) from None
