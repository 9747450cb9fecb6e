"""The reference pages that are committed are what the code says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from clika_core.cli.main import COMMANDS
from clika_core.ir.operators import OPERATORS
from clika_core.planning.plan import make_plan
from clika_core.settings.model import Settings
from clika_core.settings.sections import SECTIONS
from clika_core.targets.ort import ORT
from docs.generate import REFERENCE
from docs.generators import models
from docs.generators.commands import page_commands
from docs.generators.files import CAUSE, PLAN, example_plan
from docs.generators.markdown import table
from tests.core.pictures import networks


@pytest.fixture(scope="module")
def written(root: Path) -> Mapping[str, str]:
    """By a process of its own: click remembers how a command's help was asked for first."""
    program = "import json; from docs.generate import pages; print(json.dumps(pages()))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, check=True, capture_output=True, text=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_the_committed_pages_are_what_the_code_says(written: Mapping[str, str]) -> None:
    committed = {name: (REFERENCE / name).read_text(encoding="utf-8") for name in written}
    assert committed == dict(written), "run `python -m docs.generate`"


def test_every_command_has_its_help_with_an_example(written: Mapping[str, str]) -> None:
    page = written["command-line.md"]
    assert set(page_commands()) == {*COMMANDS, "lint"}
    for name in page_commands():
        (section,) = re.findall(rf"^## clika {name}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
        assert f"Usage: clika {name} " in section
        assert "Example" in section, name


def test_every_setting_is_on_its_page(written: Mapping[str, str]) -> None:
    for section in SECTIONS.values():
        for key in section.keys:
            assert f"| `{key}` |" in written["settings.md"]


def test_every_operator_and_kernel_is_on_its_page(written: Mapping[str, str]) -> None:
    for name in OPERATORS:
        assert f"| `{name}` |" in written["operators.md"]
    for name in ORT.kernels:
        assert f"| `{name}` |" in written["targets.md"]


def test_the_members_of_a_plan_are_those_that_are_described() -> None:
    plan = example_plan()
    assert list(plan) == list(PLAN)
    causes = [cause for layer in plan["layers"] for cause in layer["causes"]]
    assert {kind for cause in causes for kind in [cause["kind"]]} >= {"rule", "tail"}
    assert all(list(cause) == list(CAUSE) for cause in causes)
    assert list(make_plan(networks.residual_graph(), Settings(), ORT).to_json()) == list(PLAN)


def test_a_cell_cannot_break_its_table() -> None:
    assert table(("a",), [("x|y\nz",)]).splitlines()[-1] == "| x\\|y z |"


def test_the_example_of_the_numerics_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    page = (REFERENCE.parent / "explanation" / "numerics.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", page, re.DOTALL)
    exec(example[0], {})
    assert capsys.readouterr().out == example[1]


def test_the_page_of_models_says_which_rows_were_measured_at_another_time() -> None:
    row = {
        **dict.fromkeys(("layers", "weighted", "quantized", "tail", "simulated", "deployed"), 1),
        **dict.fromkeys(("trace_seconds", "capture_seconds", "floor", "turned", "latency_ratio"), 1.0),
        "family": "own",
    }
    measured = {"a": "one", "b": "two", "c": "one"}
    said = models.section("torch", [{**row, "name": name, "measured": how} for name, how in measured.items()])
    assert "Measured with one. With two: b." in said
    alone = models.section("torch", [{**row, "name": "a", "measured": "one"}])
    assert "Measured with one.\n" in alone
