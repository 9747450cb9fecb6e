"""The how-to pages of the linter are true: their files work, their options and settings exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clika_core.plugins.installed import PluginPoint
from clika_core.plugins.manager import load
from clika_core.settings.interpret import interpret
from clika_core.settings.load import read_document
from clika_linter.command import command
from clika_linter.configuration import read_configuration
from clika_linter.context import Context
from clika_linter.engine import Engine
from clika_linter.registry import collect
from clika_linter.rule import Rule
from clika_linter.rule_table import rules_in_files
from clika_linter.suppression import find_suppressions
from clika_linter.testing import context_of

GUIDES = Path(__file__).parents[2] / "docs" / "how-to"
FIRST_RULE = (GUIDES / "write-a-lint-rule.md").read_text(encoding="utf-8")
LINT = (GUIDES / "lint-settings.md").read_text(encoding="utf-8")
RULES: dict[str, type[Rule]] = {rule.name: rule for rule in rules_in_files()}


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The files of the guide to a first rule, each at the place that its first line names."""
    for block in (*blocks(FIRST_RULE, "python"), *blocks(FIRST_RULE, "toml")):
        place = tmp_path / block.partition("\n")[0].removeprefix("# ")
        place.parent.mkdir(exist_ok=True)
        place.write_text(block, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme_clika"]:
        del sys.modules[name]


def test_the_guide_s_rule_is_loaded_as_a_plugin_and_finds_what_it_is_for(package: Path) -> None:
    assert (package / "acme_clika" / "registration.py").is_file()
    found = collect(load([PluginPoint("acme", "acme_clika.registration", "acme-clika", "1.0")]))
    assert [(entry.code, entry.name) for entry in found.rules] == [("ACME001", "quantized-stem")]
    assert found.findings == ()
    entry = found.rule("quantized-stem")
    context, _ = context_of(entry.load().INVALID[0])
    reported = Engine().check(found.rules, context).findings
    assert [(f.code, f.message) for f in reported] == [("ACME001", "the first layer, conv_1, is quantized")]


def test_the_guide_s_plugin_is_the_one_its_project_file_names(package: Path) -> None:
    assert 'acme = "acme_clika.registration"' in (package / "pyproject.toml").read_text(encoding="utf-8")


def test_the_guide_s_test_passes(package: Path) -> None:
    places = os.pathsep.join(path for path in (str(package), *sys.path) if path)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(package / "tests")],
        cwd=package,
        env={**os.environ, "PYTHONPATH": places},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "5 passed" in run.stdout


@pytest.mark.parametrize("block", blocks(LINT, "toml"))
def test_configurations_of_the_guide_are_read(block: str, tmp_path: Path) -> None:
    place = tmp_path / "pyproject.toml"
    place.write_text(block, encoding="utf-8")
    configuration = read_configuration(str(place))
    assert configuration is not None
    for name, options in configuration.rules.items():
        declared = RULES[name].declared_options()
        assert options.keys() <= declared.keys()
        assert all(declared[option].value_type.check(value) is not None for option, value in options.items())


def test_settings_of_the_guide_are_right_and_their_suppressions_are_found() -> None:
    texts = [block for block in blocks(LINT, "yaml") if "layer_settings" in block]
    documents = [read_document(text, "settings.yaml") for text in texts]
    assert [interpret(document)[1] for document in documents] == [(), ()]
    found = [suppression for document in documents for suppression in find_suppressions(document)]
    assert [(s.codes[0][0], s.reason) for s in found] == [("CLK209", "the checkpoint has no paths")]
    assert all(Context(document).settings.rules for document in documents)


def test_options_in_the_guide_s_commands_exist() -> None:
    known = {option for parameter in command.params for option in parameter.opts}
    commands = re.findall(r"^\$ clika lint(.*)$", LINT, re.MULTILINE)
    used = {word for line in commands for word in line.split() if word.startswith("--")}
    assert len(commands) > 5
    assert used <= known
