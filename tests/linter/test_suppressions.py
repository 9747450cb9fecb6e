"""Suppression comments: where they work, that text which looks like one is none, and what CLK901 says."""

from __future__ import annotations

import pytest

from clika_core.settings.load import read_document
from clika_linter.suppression import find_suppressions
from tests.linter.conftest import Lint, Project

RULE = "quantization_settings: {skip_quantization: true}"
ONLY = ("--graph", "model.graph.json", "--select", "CLK204,CLK901")


def found(text: str, syntax: str = "yaml") -> list[tuple[list[str], str, int | None]]:
    """Codes, reason and line of each suppression."""
    document = read_document(text, f"settings.{syntax}", syntax)
    return [([code for code, _ in s.codes], s.reason, s.line) for s in find_suppressions(document)]


def test_a_comment_at_the_end_of_a_line_is_about_that_line() -> None:
    assert found("a: 1\nb: 2 # clika: ignore[CLK204, CLK101] because\n") == [
        (["CLK204", "CLK101"], "because", 2)
    ]


def test_a_comment_on_a_line_of_its_own_is_about_the_next_line_with_content() -> None:
    assert found("# clika: ignore[CLK204] x\n\n# other\n\na: 1\n") == [(["CLK204"], "x", 5)]


def test_a_comment_for_the_file_has_no_line() -> None:
    assert found("a: 1 # clika: ignore-file[CLK1] all\n") == [(["CLK1"], "all", None)]


@pytest.mark.parametrize(
    "text",
    [
        'a: "# clika: ignore[CLK204]"\n',
        "a: |\n  # clika: ignore[CLK204]\n  more\n",
        "a: x#clika: ignore[CLK204]\n",
        "# clika: graph=model.graph.json\n",
        "# clika: ignored[CLK204]\n",
    ],
)
def test_what_only_looks_like_a_suppression_is_none(text: str) -> None:
    assert found(text) == []


def test_toml_has_suppressions_too() -> None:
    text = "[training_settings]\nnum_epochs = 3 # clika: ignore[CLK503] short on purpose\n"
    assert found(text, "toml") == [(["CLK503"], "short on purpose", 2)]


@pytest.mark.parametrize(
    "text",
    [
        f"layer_settings:\n  linear_1: # clika: ignore[CLK204] explicit\n    {RULE}\n",
        f"layer_settings:\n  linear_1: # clika: ignore[redundant-skip] explicit\n    {RULE}\n",
        f"layer_settings:\n  # clika: ignore[CLK204] explicit\n  linear_1:\n    {RULE}\n",
        f"# clika: ignore-file[CLK204] explicit\nlayer_settings:\n  linear_1:\n    {RULE}\n",
    ],
    ids=["line", "by name", "line above", "file"],
)
def test_a_suppressed_finding_is_gone_and_its_suppression_is_used(
    project: Project, lint: Lint, text: str
) -> None:
    project.graph()
    project.write("settings.yaml", text)
    ran = lint("settings.yaml", *ONLY)
    assert (ran.code, "No findings" in ran.out) == (0, True)


def test_a_suppression_on_another_line_is_unused_and_the_finding_stays(project: Project, lint: Lint) -> None:
    project.graph()
    project.write("settings.yaml", f"layer_settings:\n  linear_1:\n    {RULE} # clika: ignore[CLK204] x\n")
    ran = lint("settings.yaml", *ONLY, "--format", "concise")
    assert [line.split("[")[1][:6] for line in ran.out.splitlines()] == ["CLK204", "CLK901"]


def test_a_suppression_of_a_rule_that_did_not_run_is_not_called_unused(project: Project, lint: Lint) -> None:
    project.write("settings.yaml", f"layer_settings:\n  conv_1: # clika: ignore[CLK204] x\n    {RULE}\n")
    assert lint("settings.yaml", "--select", "CLK204,CLK901").code == 0
    project.graph()
    assert lint("settings.yaml", "--select", "CLK901", "--graph", "model.graph.json").code == 0
    assert lint("settings.yaml", *ONLY).code == 1


def test_without_rules_for_layers_what_suppresses_findings_on_them_is_unused(
    project: Project, lint: Lint
) -> None:
    project.write("settings.yaml", "training_settings: # clika: ignore[CLK204] x\n  num_epochs: 3\n")
    assert lint("settings.yaml", "--select", "CLK204,CLK901").code == 1


def test_where_a_reason_is_demanded_a_suppression_without_one_does_not_work(
    project: Project, lint: Lint
) -> None:
    project.graph()
    project.write("pyproject.toml", "[tool.clika.lint]\nrequire-reason = true\n")
    text = f"layer_settings:\n  linear_1: # clika: ignore[CLK204]\n    {RULE}\n"
    project.write("settings.yaml", text)
    ran = lint("settings.yaml", *ONLY, "--format", "concise")
    assert "CLK204" in ran.out
    assert "gives no reason" in ran.out
    project.write("settings.yaml", text.replace("[CLK204]", "[CLK204] the head is explicit"))
    assert lint("settings.yaml", *ONLY).code == 0


def test_fixing_unused_suppressions_keeps_the_used_codes(project: Project, lint: Lint) -> None:
    project.graph()
    path = project.write(
        "settings.yaml",
        f"layer_settings:\n  linear_1: # clika: ignore[CLK001, CLK204, CLK301] explicit\n    {RULE}\n",
    )
    assert (
        lint("settings.yaml", "--graph", "model.graph.json", "--fix", "--select", "CLK204,CLK001,CLK901").code
        == 0
    )
    assert "# clika: ignore[CLK204, CLK301] explicit" in path.read_text(), (
        "CLK301 did not run: it may be needed"
    )
