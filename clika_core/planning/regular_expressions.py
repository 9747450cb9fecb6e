"""Regular expressions in linear time, by RE2: a hostile settings file cannot make a command hang."""

from __future__ import annotations

from collections.abc import Callable

from clika_core.errors import SettingsError


def regex_matcher(pattern: str) -> Callable[[str], bool]:
    """A function that tells whether the whole of a name matches `pattern`, in RE2's syntax.

    Raises SettingsError for a malformed pattern, or one that needs look-around or back-references.
    """
    import re2  # imported here: only rules with `re:` pay for it

    try:
        compiled = re2.compile(pattern, _quiet_options())
    except re2.error as error:
        raise SettingsError(
            f"'re:{pattern}' is no regular expression",
            found=str(error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]),
            expected="RE2 syntax: no look-around, no back-references",
            fix="correct the pattern, or use a glob such as 'blocks.*.attn'",
        ) from None
    return lambda name: compiled.fullmatch(name) is not None


def _quiet_options() -> object:
    import re2

    options = re2.Options()
    options.log_errors = False
    return options
