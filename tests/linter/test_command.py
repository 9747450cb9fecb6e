"""`clika lint` as people and machines run it: what it prints, and how it exits."""

from __future__ import annotations

import json

import pytest

from tests.linter.conftest import Lint, Project

REDUNDANT = """\
layer_settings:
  linear_1: # the head
    quantization_settings: {skip_quantization: true}
  conv_1:
    quantization_settings: {skip_quantization: true}
"""
FIXED = """\
layer_settings:
  conv_1:
    quantization_settings: {skip_quantization: true}
"""
ONLY = ("--select", "CLK204,CLK001,CLK901")


def test_a_finding_shows_its_line_its_span_its_layer_and_what_to_do(project: Project, lint: Lint) -> None:
    project.write("settings.yaml", REDUNDANT)
    project.graph()
    ran = lint("settings.yaml", "--graph", "model.graph.json", *ONLY)
    assert ran.code == 1
    assert ran.err == ""
    assert ran.out == (
        "settings.yaml:2:3: warning[CLK204] rule 'linear_1' changes nothing: "
        "linear_1 stays float because of the tail of output_1\n"
        "  |\n"
        "2 |   linear_1: # the head\n"
        "  |   ^^^^^^^^\n"
        "  = layer: linear_1\n"
        "  = help: remove it\n"
        "  = fix: remove the rule (clika lint --fix)\n"
        "\n"
        "Found 1 warning in 1 file.\n"
        "Can be fixed: 1 with --fix.\n"
    )


def test_a_clean_file_exits_with_0_and_says_so(project: Project, lint: Lint) -> None:
    project.write("settings.yaml", FIXED)
    project.graph()
    ran = lint("settings.yaml", "--graph", "model.graph.json", *ONLY)
    assert (ran.code, ran.out) == (0, "\nNo findings in 1 file.\n".lstrip("\n"))


def test_without_a_graph_one_note_says_what_was_left_out(project: Project, lint: Lint) -> None:
    project.write("a.yaml", REDUNDANT)
    project.write("b.yaml", REDUNDANT)
    ran = lint("a.yaml", "b.yaml", *ONLY)
    assert ran.code == 0
    assert ran.out.count("note:") == 1
    assert "a.yaml, b.yaml: 1 rule left out for want of a graph" in ran.out


@pytest.mark.parametrize(
    ("fail_on", "code"), [("error", 0), ("warning", 1), ("info", 1), ("never", 0), (None, 1)]
)
def test_fail_on_decides_which_severity_fails(
    project: Project, lint: Lint, fail_on: str | None, code: int
) -> None:
    project.write("settings.yaml", REDUNDANT)
    project.graph()
    options = [] if fail_on is None else ["--fail-on", fail_on]
    assert lint("settings.yaml", "--graph", "model.graph.json", *ONLY, *options).code == code


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing-here.yaml"],
        ["--select", "CLK777", "settings.yaml"],
        ["--ignore", "no-such-rule", "settings.yaml"],
        ["--format", "sariff", "settings.yaml"],
        ["--explain", "CLK777"],
        ["--write-baseline", "settings.yaml"],
        ["--no-such-option"],
        ["--baseline", "nothing-here.json", "settings.yaml"],
        ["picture.png"],
    ],
    ids=" ".join,
)
def test_broken_usage_exits_with_2_and_one_message(
    project: Project, lint: Lint, arguments: list[str]
) -> None:
    project.write("settings.yaml", FIXED)
    project.write("picture.png", "")
    ran = lint(*arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert "rror: " in ran.err
    assert "Traceback" not in ran.err


def test_nothing_to_lint_is_broken_usage_too(project: Project, lint: Lint) -> None:
    project.write("notes.yaml", "groceries: [bread]\n")
    assert lint().code == 2


def test_fix_edits_the_file_and_a_second_run_has_nothing_to_do(project: Project, lint: Lint) -> None:
    path = project.write("settings.yaml", REDUNDANT)
    project.graph()
    ran = lint("settings.yaml", "--graph", "model.graph.json", "--fix", *ONLY)
    assert (ran.code, path.read_text()) == (0, FIXED)
    assert "Fixed 1." in ran.out
    again = lint("settings.yaml", "--graph", "model.graph.json", "--fix", *ONLY)
    assert (again.code, path.read_text()) == (0, FIXED)
    assert "Fixed" not in again.out


def test_diff_shows_the_change_and_leaves_the_file_alone(project: Project, lint: Lint) -> None:
    path = project.write("settings.yaml", REDUNDANT)
    project.graph()
    ran = lint("settings.yaml", "--graph", "model.graph.json", "--diff", *ONLY)
    assert (ran.code, path.read_text()) == (1, REDUNDANT)
    removed = [line[1:] for line in ran.out.splitlines() if line.startswith("-") and line[:3] != "---"]
    added = [line[1:] for line in ran.out.splitlines() if line.startswith("+") and line[:3] != "+++"]
    assert removed == ["  linear_1: # the head", "    quantization_settings: {skip_quantization: true}"]
    assert added == []
    project.write("settings.yaml", FIXED)
    assert lint("settings.yaml", "--graph", "model.graph.json", "--diff", *ONLY).code == 0


def test_unsafe_fixes_are_applied_only_when_asked_for(project: Project, lint: Lint) -> None:
    path = project.write("settings.yaml", FIXED)
    graph = json.loads(project.graph().read_text())
    report = {
        "format": "clika-report",
        "version": 1,
        "graph": {"fingerprint": graph["fingerprint"]},
        "layers": [{"name": "conv_2", "qs": 2e4}],
    }
    project.write("report.json", json.dumps(report))
    arguments = ["settings.yaml", "--graph", "model.graph.json", "--report", "report.json"]
    safe = lint(*arguments, "--fix", "--select", "CLK301")
    assert (safe.code, path.read_text()) == (1, FIXED)
    assert "Can be fixed: 1 with --fix --unsafe-fixes." in safe.out
    unsafe = lint(*arguments, "--fix", "--unsafe-fixes", "--select", "CLK301")
    assert unsafe.code == 0
    assert "conv_2" in path.read_text()


def test_statistics_count_the_findings_of_each_rule(project: Project, lint: Lint) -> None:
    project.write("settings.yaml", REDUNDANT)
    project.graph()
    ran = lint("settings.yaml", "--graph", "model.graph.json", "--statistics", *ONLY)
    assert (ran.code, ran.out) == (1, "1  CLK204  [*]  redundant-skip\n")


def test_show_plan_shows_the_decisions_and_lints_nothing(project: Project, lint: Lint) -> None:
    project.write("settings.yaml", REDUNDANT)
    project.graph()
    ran = lint("settings.yaml", "--graph", "model.graph.json", "--show-plan")
    assert ran.code == 0
    assert "linear_1             linear             float      tail of output_1; rule 'linear_1'" in ran.out
    without = lint("settings.yaml", "--show-plan")
    assert "no plan: there is no graph" in without.out


def test_an_output_file_takes_the_findings(project: Project, lint: Lint) -> None:
    project.write("settings.yaml", FIXED)
    ran = lint("settings.yaml", "--format", "json", "--output-file", "found.json")
    assert ran.out == ""
    assert json.loads((project.folder / "found.json").read_text())["files"] == ["settings.yaml"]
    assert lint("settings.yaml", "--output-file", "no/such/folder.json").code == 2


def test_colours_are_for_terminals_and_those_who_insist(project: Project, lint: Lint) -> None:
    project.write("settings.yaml", "training_settings: {")
    assert "\x1b[" not in lint("settings.yaml").out
    assert "\x1b[" in lint("settings.yaml", "--color", "always").out
    assert "\x1b[" not in lint("settings.yaml", "--color", "never").out


def test_the_order_of_paths_changes_nothing(project: Project, lint: Lint) -> None:
    for name in ("a.yaml", "b.yaml", "c.json"):
        project.write(name, "training_settings: [")
    given = lint("a.yaml", "b.yaml", "c.json", "--format", "json")
    assert lint("c.json", "b.yaml", "a.yaml", "b.yaml", "--format", "json").out == given.out


def test_a_broken_graph_or_report_is_a_finding_and_the_other_rules_go_on(
    project: Project, lint: Lint
) -> None:
    project.write("settings.yaml", FIXED)
    project.write("model.graph.json", "{")
    project.write("report.json", "[]")
    ran = lint("settings.yaml", "--graph", "model.graph.json", "--report", "report.json", *ONLY)
    assert ran.code == 1
    assert "model.graph.json:1:2: error[CLK001] this is no JSON" in ran.out
    assert "report.json:1:1: error[CLK001] report.json is no report" in ran.out


def test_a_graph_that_a_comment_names_but_is_missing_is_a_finding(project: Project, lint: Lint) -> None:
    project.write("settings.yaml", "# clika: graph=missing.graph.json\n" + FIXED)
    ran = lint("settings.yaml", *ONLY)
    assert ran.code == 1
    assert "error[CLK001] cannot read missing.graph.json" in ran.out
