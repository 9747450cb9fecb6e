"""Rules and output forms of strangers join the linter's own; what is wrong with a plugin is one finding, CLK903."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clika_core.errors import PluginError, SettingsError
from clika_core.plugins.installed import PluginPoint
from clika_core.plugins.manager import load
from clika_linter.registry import Registered, collect
from clika_linter.reporter import ReporterEntry
from clika_linter.rules.table import RULES

OWN = PluginPoint("lint", "clika_linter.registration", "clika-core", "1")
HEAD = """
from clika_core.diagnostics import Severity
from clika_core.plugins.hooks import hookimpl
from clika_linter.entry import RuleEntry
from clika_linter.finding import Finding
from clika_linter.reporter import ReporterEntry
from clika_linter.rule import Need, Rule

class ShoutingModel(Rule):
    code, name, severity, needs = "ACME001", "shouting-model", Severity.WARNING, (Need.GRAPH,)
    VALID = INVALID = ()
    def check(self, context):
        if context.graph.name.isupper():
            yield Finding("the model shouts")

def shout(result):
    return "FOUND %d" % len(result.findings)
"""
RULE = HEAD + "\n@hookimpl\ndef clika_register_lint_rules():\n    return {}\n"
FORM = HEAD + "\n@hookimpl\ndef clika_register_reporters():\n    return {}\n"


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the module of a plugin `acme_plugin` is written."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "acme_plugin.py"
    sys.modules.pop("acme_plugin", None)


def register(path: Path, text: str) -> Registered:
    """What is registered when the plugin's module holds `text`."""
    path.write_text(text)
    return collect(load([OWN, PluginPoint("acme", "acme_plugin", "acme-clika", "2")]))


def test_a_rule_of_a_stranger_stands_beside_the_built_in_ones(acme: Path) -> None:
    found = register(acme, RULE.format("[RuleEntry.of(ShoutingModel)]"))
    assert found.findings == ()
    assert found.rules == (found.rule("ACME001"), *RULES)
    assert found.rule("shouting-model").load().name == "shouting-model"


def test_an_output_form_of_a_stranger_stands_beside_the_built_in_ones(acme: Path) -> None:
    entry = 'ReporterEntry("shout", "Loud.", "acme_plugin:shout")'
    found = register(acme, FORM.format(f"[{entry}]"))
    assert found.findings == ()
    assert isinstance(found.reporters["shout"], ReporterEntry)
    assert {"text", "json", "shout"} <= set(found.reporters)


OF = "RuleEntry.of(ShoutingModel)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "raise ImportError('no acme_core')",
            "plugin 'acme' of acme-clika 2 could not be loaded: ImportError",
        ),
        (
            RULE.format("1 / 0"),
            "plugin 'acme' of acme-clika 2 fails in clika_register_lint_rules: ZeroDivisionError",
        ),
        (
            RULE.format("None"),
            "plugin 'acme' of acme-clika 2 fails in clika_register_lint_rules: TypeError",
        ),
        (RULE.format("[ShoutingModel]"), "registers a ABCMeta as a lint rule, which is no RuleEntry"),
        (RULE.format(f"[{OF}._replace(code='CLK204')]"), "codes with CLK are the linter's own"),
        (RULE.format(f"[{OF}._replace(code='acme-1')]"), "codes look like ABC123"),
        (RULE.format(f"[{OF}, {OF}]"), "of plugin 'acme' again"),
        (RULE.format(f"[{OF}._replace(name='redundant-skip')]"), "of plugin 'lint' again"),
        (FORM.format("[ReporterEntry('text', '', '')]"), "which is taken or no ReporterEntry"),
        (FORM.format("['text']"), "which is taken or no ReporterEntry"),
        (FORM.format("[]").replace("reporters", "reporter"), "could not be loaded: PluginValidationError"),
    ],
)
def test_a_broken_plugin_is_one_finding_and_everything_else_works(
    acme: Path, text: str, message: str
) -> None:
    found = register(acme, text)
    (finding,) = found.findings
    assert (finding.code, str(finding.severity)) == ("CLK903", "warning")
    assert message in finding.message
    assert [rule for rule in found.rules if rule.code.startswith("CLK")] == list(RULES)
    assert {"text", "json"} <= set(found.reporters)


def test_an_output_form_without_its_function_is_refused_when_it_is_used() -> None:
    with pytest.raises(PluginError, match="no function"):
        ReporterEntry("x", "", "clika_linter.formats:nothing").load()


def test_an_unknown_rule_gets_the_nearest_names() -> None:
    with pytest.raises(SettingsError) as raised:
        collect(load([OWN])).rule("CLK0001")
    assert raised.value.fix is not None
    assert "CLK001" in raised.value.fix
