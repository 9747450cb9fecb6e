"""The rules and output forms of all plugins. What is wrong with a plugin becomes a finding, CLK903."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Final, NamedTuple

from clika_core.diagnostics import Severity
from clika_core.errors import SettingsError, nearest
from clika_core.plugins.manager import LoadedPlugins, plugins
from clika_core.plugins.registry import problems
from clika_linter.entry import RuleEntry
from clika_linter.reported import WORKPLACE, Reported
from clika_linter.reporter import ReporterEntry

BROKEN: Final = ("CLK903", "broken-plugin", Severity.WARNING)
_OWN: Final = ("lint", "CLK")  # the linter's own plugin, and the prefix that is its alone
_CODE = re.compile(r"[A-Z]{2,6}[0-9]{3}")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class Registered(NamedTuple):
    """All rules by code, all output forms by name, and what is wrong with plugins."""

    rules: tuple[RuleEntry, ...]
    reporters: dict[str, ReporterEntry]
    findings: tuple[Reported, ...]

    def rule(self, word: str) -> RuleEntry:
        """The rule of that code or name. Raises SettingsError with the nearest ones."""
        for entry in self.rules:
            if word in (entry.name, entry.code) or word.upper() == entry.code:
                return entry
        close = nearest(word, [known for entry in self.rules for known in (entry.code, entry.name)])
        fix = f"did you mean {' or '.join(close)}?" if close else "see `clika lint --list-rules`"
        raise SettingsError(f"no lint rule is called {word!r}", fix=fix)


@cache
def registered() -> Registered:
    """What the installed plugins registered."""
    return collect(plugins())


def collect(loaded: LoadedPlugins) -> Registered:
    """What `loaded` plugins registered; a rule that cannot be taken is reported and left out."""
    findings = [_finding(broken.message, broken.help) for broken in problems(loaded)]
    given, broken_rules = loaded.try_collect("clika_register_lint_rules")
    forms, broken_forms = loaded.try_collect("clika_register_reporters")
    findings += [_finding(broken.message, broken.help) for broken in (*broken_rules, *broken_forms)]
    rules: dict[str, tuple[str, RuleEntry]] = {}
    for plugin, entry in sorted(given, key=lambda pair: pair[0] != _OWN[0]):
        problem = _problem(plugin, entry, rules)
        if problem:
            findings.append(_finding(f"plugin {plugin!r} {problem}", f"set CLIKA_DISABLE_PLUGINS={plugin}"))
        else:
            rules[entry.code] = (plugin, entry)
    entries = sorted((entry for _, entry in rules.values()), key=lambda entry: entry.code)
    return Registered(tuple(entries), _reporters(forms, findings), tuple(findings))


def _problem(plugin: str, entry: Any, rules: dict[str, tuple[str, RuleEntry]]) -> str | None:
    """Why an entry cannot be taken, after the plugin's name."""
    if not isinstance(entry, RuleEntry):
        return f"registers a {type(entry).__name__} as a lint rule, which is no RuleEntry"
    if not (_CODE.fullmatch(entry.code) and _NAME.fullmatch(entry.name)):
        return f"registers the lint rule {entry.code!r} ({entry.name!r}); codes look like ABC123, names like a-name"
    if entry.code.startswith(_OWN[1]) and plugin != _OWN[0]:
        return f"registers the lint rule {entry.code}; codes with {_OWN[1]} are the linter's own"
    taken = next((p for p, e in rules.values() if e.code == entry.code or e.name == entry.name), None)
    return f"registers the lint rule {entry.code} ({entry.name}) of plugin {taken!r} again" if taken else None


def _reporters(forms: Iterable[tuple[str, Any]], findings: list[Reported]) -> dict[str, ReporterEntry]:
    found: dict[str, ReporterEntry] = {}
    for plugin, form in sorted(forms, key=lambda pair: pair[0] != _OWN[0]):
        if not isinstance(form, ReporterEntry) or form.name in found:
            name = form.name if isinstance(form, ReporterEntry) else type(form).__name__
            words = (
                f"plugin {plugin!r} registers the output form {name!r}, which is taken or no ReporterEntry"
            )
            findings.append(_finding(words, f"set CLIKA_DISABLE_PLUGINS={plugin}"))
        else:
            found[form.name] = form
    return found


def _finding(message: str, help: str | None) -> Reported:
    code, name, severity = BROKEN
    return Reported(WORKPLACE, code, name, severity, message, help=help)
