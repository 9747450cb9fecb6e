"""Baselines: known findings pass, new ones fail, and fixed ones must leave the file."""

from __future__ import annotations

import json

import pytest

from tests.linter.conftest import Lint, Project

RULE = "quantization_settings: {skip_quantization: true}"
ONE = f"layer_settings:\n  linear_1:\n    {RULE}\n"
TWO = f"{ONE}  conv_1:\n    quantization_settings: {{skip_quantization: false}}\n"
ARGUMENTS = ("--graph", "model.graph.json", "--select", "CLK204,CLK001", "--baseline", "baseline.json")


@pytest.fixture
def known(project: Project, lint: Lint) -> Project:
    """A project whose one finding is in its baseline."""
    project.graph()
    project.write("settings.yaml", ONE)
    ran = lint("settings.yaml", *ARGUMENTS, "--write-baseline")
    assert (ran.code, ran.out) == (0, "baseline.json holds 1 findings now.\n")
    return project


@pytest.mark.usefixtures("known")
def test_known_findings_pass_and_are_counted(lint: Lint) -> None:
    ran = lint("settings.yaml", *ARGUMENTS)
    assert (ran.code, ran.out) == (0, "No findings in 1 file.\n1 known from baseline.json.\n")


def test_a_known_finding_may_move_and_change_its_words(known: Project, lint: Lint) -> None:
    known.write("settings.yaml", "# moved\n\n" + ONE)
    assert lint("settings.yaml", *ARGUMENTS).code == 0


def test_new_findings_fail(known: Project, lint: Lint) -> None:
    known.write("settings.yaml", TWO)
    ran = lint("settings.yaml", *ARGUMENTS)
    assert ran.code == 1
    assert "conv_1" in ran.out
    assert "linear_1 stays" not in ran.out


def test_the_same_finding_twice_is_known_once(known: Project, lint: Lint) -> None:
    known.write("settings.yaml", ONE.replace("linear_1", "path:classifier"))
    ran = lint("settings.yaml", *ARGUMENTS)
    assert ran.code == 1
    assert "1 of baseline.json are fixed" in ran.out, "the selector is another one: old gone, new there"


def test_a_fixed_finding_must_leave_the_baseline(known: Project, lint: Lint) -> None:
    known.write("settings.yaml", "layer_settings:\n")
    ran = lint("settings.yaml", *ARGUMENTS)
    assert ran.code == 1
    assert "settings.yaml: CLK204" in ran.out
    assert lint("settings.yaml", *ARGUMENTS, "--write-baseline").code == 0
    assert lint("settings.yaml", *ARGUMENTS).code == 0
    assert json.loads((known.folder / "baseline.json").read_text())["findings"] == []


def test_rules_that_did_not_run_and_files_that_were_not_linted_keep_their_entries(
    known: Project, lint: Lint
) -> None:
    before = (known.folder / "baseline.json").read_text()
    known.write("other.yaml", "training_settings: {num_epochs: 3}\n")
    assert lint("other.yaml", *ARGUMENTS).code == 0
    assert lint("settings.yaml", "--select", "CLK001", "--baseline", "baseline.json").code == 0
    assert lint("other.yaml", *ARGUMENTS, "--write-baseline").code == 0
    assert (
        lint("settings.yaml", "--select", "CLK001", "--baseline", "baseline.json", "--write-baseline").code
        == 0
    )
    assert (known.folder / "baseline.json").read_text() == before


def test_a_file_that_is_gone_leaves_the_baseline(known: Project, lint: Lint) -> None:
    (known.folder / "settings.yaml").rename(known.folder / "renamed.yaml")
    ran = lint("renamed.yaml", *ARGUMENTS)
    assert ran.code == 1
    assert "settings.yaml: CLK204" in ran.out


def test_a_baseline_of_the_configuration_lies_beside_it(
    known: Project, lint: Lint, monkeypatch: pytest.MonkeyPatch
) -> None:
    known.write("pyproject.toml", '[tool.clika.lint]\nbaseline = "baseline.json"\n')
    (known.folder / "below").mkdir()
    monkeypatch.chdir(known.folder / "below")
    assert lint("../settings.yaml", "--graph", "../model.graph.json", "--select", "CLK204").code == 0


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": "clika-lint-baseline"}', '{"format": 1}', "[" * 10**5]
)
def test_a_damaged_baseline_is_broken_usage(known: Project, lint: Lint, text: str) -> None:
    known.write("baseline.json", text)
    ran = lint("settings.yaml", *ARGUMENTS)
    assert ran.code == 2
    assert "--write-baseline" in ran.err
