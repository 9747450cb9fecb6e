"""Which files are linted, with which graph and report, and what the configuration may say."""

from __future__ import annotations

import json
import os

import pytest

from clika_core.testing.builder import GraphBuilder
from clika_linter.configuration import Configuration, ModelTable
from clika_linter.discovery import Pairing, find_files, pairings_of
from clika_linter.example_graphs import classifier, residual, two_heads
from clika_linter.rules.table import RULES
from clika_linter.selection import Selection
from tests.linter.conftest import Lint, Project

SETTINGS = "training_settings: {num_epochs: 3}\n"
RULE = "layer_settings: {linear_1: {quantization_settings: {skip_quantization: true}}}\n"


def two_linears(g: GraphBuilder) -> None:
    """linear_1, which is not in the tail, then linear_2, which is."""
    g.output(g.layer("linear", g.layer("linear", g.input("x"), weight=(8, 8)), weight=(4, 8)))


def files(lint: Lint, *arguments: str) -> list[str]:
    """The files that a run says it looked at."""
    found: list[str] = json.loads(lint(*arguments, "--format", "json").out)["files"]
    return found


def test_a_folder_stands_for_the_files_in_it_that_look_like_settings(project: Project, lint: Lint) -> None:
    for name in ("a.yaml", "deep/er/b.yml", "c.json", "d.toml", ".hidden/e.yaml"):
        text = {"c.json": '{"training_settings": {}}', "d.toml": "[training_settings]\n"}.get(name, SETTINGS)
        project.write(name, text)
    project.write("other.yaml", "groceries: [bread]\n")
    project.write(
        "outputs/clika_report.json", '{"format": "clika-report", "settings": {"training_settings": {}}}'
    )
    project.graph("model.graph.json")
    assert files(lint, ".") == files(lint) == ["a.yaml", "c.json", "d.toml", "deep/er/b.yml"]
    assert files(lint, "deep", "a.yaml", "./a.yaml") == ["a.yaml", "deep/er/b.yml"]


def test_a_link_that_leads_back_is_not_followed(project: Project, lint: Lint) -> None:
    project.write("deep/a.yaml", SETTINGS)
    (project.folder / "deep" / "round").symlink_to(project.folder)
    assert files(lint, "deep") == ["deep/a.yaml"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_a_folder_is_not_waited_for(project: Project, lint: Lint) -> None:
    project.write("a.yaml", SETTINGS)
    os.mkfifo(project.folder / "b.yaml")
    assert files(lint, ".") == ["a.yaml"]


def test_the_configuration_lists_what_is_linted_from_any_folder_below(
    project: Project, lint: Lint, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("settings/a.yaml", SETTINGS)
    project.write("settings/b.yaml", "groceries: [bread]\n")
    project.write("elsewhere/c.yaml", SETTINGS)
    project.write("pyproject.toml", '[tool.clika.lint]\npaths = ["settings/*.yaml"]\n')
    assert files(lint) == ["settings/a.yaml", "settings/b.yaml"]
    monkeypatch.chdir(project.folder / "elsewhere")
    assert files(lint) == [str(project.folder / "settings" / name) for name in ("a.yaml", "b.yaml")]


def test_every_way_to_name_a_graph_is_understood_and_the_command_line_wins() -> None:
    models = (ModelTable(("*.yaml",), "m.json", "r.json", "old.json"),)
    text = '# Settings of the detector\n# clika: graph=c.json report="with space.json"\n'
    assert pairings_of("s.yaml", text, Pairing("g.json"), Configuration(models=models)) == (
        Pairing("g.json"),
    )
    assert pairings_of("s.yaml", text, Pairing(), Configuration(models=models)) == (
        Pairing("m.json", "r.json", "old.json"),
    )
    assert pairings_of("sub/s.toml", text, Pairing(), Configuration(models=models)) == (
        Pairing("sub/c.json", "sub/with space.json"),
    )
    assert pairings_of("s.toml", "a: 1 # clika: graph=x.json", Pairing(report="r.json"), Configuration()) == (
        Pairing(report="r.json"),
    )


def test_a_misspelt_word_in_the_comment_is_a_finding(project: Project, lint: Lint) -> None:
    project.write("settings.yaml", "# Settings\n# clika: grap=model.graph.json\n" + SETTINGS)
    ran = lint("settings.yaml")
    assert ran.code == 1
    assert "settings.yaml:2:1: error[CLK001] the comment that names the graph has 'grap'" in ran.out
    assert "did you mean 'graph'?" in ran.out


def test_a_settings_file_of_several_models_is_linted_with_each(project: Project, lint: Lint) -> None:
    project.graph("a.graph.json", classifier)
    project.graph("b.graph.json", residual)
    project.graph("c.graph.json", two_heads)
    tables = "".join(
        f'[[tool.clika.lint.models]]\nsettings = "s/*.yaml"\ngraph = "{name}.graph.json"\n' for name in "ab"
    )
    project.write("pyproject.toml", tables)
    path = project.write("s/x.yaml", RULE)
    ran = lint("--select", "CLK204")
    assert (ran.code, ran.out.count("CLK204")) == (1, 1), "redundant for both, and said once"
    assert "graph: a.graph.json" in ran.out
    more = '[[tool.clika.lint.models]]\nsettings = "s/x.yaml"\ngraph = "d.graph.json"\n'
    project.write("pyproject.toml", tables + more)
    project.graph("d.graph.json", two_linears)
    assert lint("--select", "CLK204").code == 0, "one of the models needs the rule"
    lint("--fix", "--select", "CLK204")
    assert path.read_text() == RULE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.clika.lint]\npathes = []\n", "did you mean 'paths'?"),
        ("[tool.clika.lint]\npaths = 3\n", "a list of texts"),
        ('[tool.clika.lint]\nfail-on = "panic"\n', "error, warning, info, never"),
        ("[tool.clika.lint]\nrequire-reason = 1\n", "true or false"),
        ("[tool.clika]\nlint = 1\n", "a table"),
        ('[[tool.clika.lint.models]]\ngraph = "g.json"\n', "models[0].settings"),
        ('[[tool.clika.lint.models]]\nsettings = "*"\ngraf = "g.json"\n', "did you mean 'graph'?"),
        ('[tool.clika.lint]\nselect = ["CLK9999"]\n', "no lint rule is called 'CLK9999'"),
        ('[tool.clika.lint.per-file-ignores]\n"*" = ["nope"]\n', "no lint rule is called 'nope'"),
        ("[tool.clika.lint.rules.sensitivity-hotspots]\nmax-qs = 1\n", "did you mean sensitivity-hotspot?"),
        ("[tool.clika.lint.rules.sensitivity-hotspot]\nmax_qs = 1\n", "has no option 'max_qs'"),
        ('[tool.clika.lint.rules.sensitivity-hotspot]\nmax-qs = "1"\n', "a finite number"),
        ("[tool.clika.lint\n", "is not TOML"),
        ('[tool.clika.lint]\npaths = ["not-there.yaml"]\n', "which does not exist"),
    ],
)
def test_a_wrong_configuration_is_one_clear_message(
    project: Project, lint: Lint, text: str, message: str
) -> None:
    project.write("settings.yaml", SETTINGS)
    project.write("pyproject.toml", text)
    ran = lint(*([] if "not-there" in text else ["settings.yaml"]))
    assert ran.code == 2
    assert message in ran.err
    assert "pyproject.toml" in ran.err or "rule is called" in ran.err or "configuration" in ran.err


def test_a_pyproject_of_others_is_passed_over_however_broken(project: Project, lint: Lint) -> None:
    project.write("settings.yaml", SETTINGS)
    project.write("pyproject.toml", "[project\n")
    assert lint("settings.yaml").code == 0


def test_options_of_rules_and_fail_on_come_from_the_configuration(project: Project, lint: Lint) -> None:
    fingerprint = json.loads(project.graph().read_text())["fingerprint"]
    layers = [{"name": "conv_2", "qs": 0.7}]
    report = {"format": "clika-report", "version": 1, "graph": {"fingerprint": fingerprint}, "layers": layers}
    project.write("report.json", json.dumps(report))
    project.write("settings.yaml", "# clika: graph=model.graph.json report=report.json\n" + SETTINGS)
    assert lint("settings.yaml", "--select", "CLK301").code == 0
    project.write("pyproject.toml", "[tool.clika.lint.rules.sensitivity-hotspot]\nmax-qs = 0.5\n")
    assert lint("settings.yaml", "--select", "CLK301").code == 1
    other = project.write("other.toml", '[tool.clika.lint]\nfail-on = "error"\n')
    assert lint("settings.yaml", "--select", "CLK301", "--config", str(other)).code == 0


def codes(selection: Selection, file: str = "settings/a.yaml") -> set[str]:
    return {entry.code for entry in selection.rules_for(file, RULES)}


def test_the_longest_prefix_decides_and_ignore_wins_over_an_equal_one() -> None:
    every = codes(Selection())
    assert every == {entry.code for entry in RULES}
    assert codes(Selection(select=("CLK2",))) == {code for code in every if code.startswith("CLK2")}
    assert codes(Selection(select=("CLK204",), ignore=("CLK2",))) == {"CLK204"}
    assert codes(Selection(ignore=("CLK204",))) == every - {"CLK204"}
    assert codes(Selection(select=("CLK204",), ignore=("CLK204",))) == set()
    assert codes(Selection(select=("redundant-skip",), ignore=("CLK204",))) == set()
    assert codes(Selection(select=("CLK001",), extend_select=("CLK204",))) == {"CLK001", "CLK204"}
    assert codes(Selection(ignore=("ALL",))) == set()


def test_files_may_have_rules_ignored_by_pattern() -> None:
    ignores = {"settings/*": ("CLK204",), "*.json": ("CLK3",)}
    assert "CLK204" not in codes(Selection(per_file_ignores=ignores))
    assert "CLK204" in codes(Selection(per_file_ignores=ignores), "old/a.yaml")
    assert "CLK204" not in codes(Selection(per_file_ignores=ignores), "/anywhere/settings/a.yaml")
    assert "CLK301" not in codes(Selection(per_file_ignores=ignores), "x/a.json")


def test_files_come_sorted_and_once(project: Project) -> None:
    for name in ("b.yaml", "a.yaml"):
        project.write(name, SETTINGS)
    assert find_files(["b.yaml", ".", "a.yaml"], Configuration()) == ["a.yaml", "b.yaml"]
