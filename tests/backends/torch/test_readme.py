"""The README's example runs, and prints what the README shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).resolve().parents[3] / "README.md"


def test_the_readme_shows_what_its_example_prints(capsys: pytest.CaptureFixture[str]) -> None:
    text = README.read_text(encoding="utf-8")
    ((example, shown),) = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL)
    exec(compile(example, README.name, "exec"), {})
    assert capsys.readouterr().out == shown


def test_a_loop_of_one_s_own_trains_the_quantized_model() -> None:
    above, loop = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[:2]
    names: dict[str, Any] = {}
    exec(compile(above, README.name, "exec"), names)
    names["torch"].manual_seed(0)
    exec(compile(loop, README.name, "exec"), names)
    before = names["model"].state_dict()
    after = names["result"].model.state_dict()
    assert len(loop.splitlines()) <= 10
    assert not any((after[name] == tensor).all() for name, tensor in before.items())


def test_the_program_of_the_guide_to_fine_tuning_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (README.parent / "docs" / "how-to" / "fine-tune.md").read_text(encoding="utf-8")
    ((program, shown),) = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "fine-tune.md", "exec"), {})
    assert capsys.readouterr().out == shown
