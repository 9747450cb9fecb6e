"""MODEL and --input: every mistake gets one message that says what to do."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from clika_core.cli.input_option import example_inputs
from clika_core.cli.model_argument import load_model
from clika_core.errors import ClikaError

FILE = """
class Model:
    def __init__(self, width=3):
        self.width = width

def make():
    return Model(5), "inputs"

def needs(size):
    return Model(size)

ready = Model(7)
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some_models.py").write_text(FILE)


@pytest.mark.parametrize(
    ("argument", "width", "inputs"),
    [
        ("some_models.py:make", 5, "inputs"),
        ("some_models.py:ready", 7, None),
        ("some_models.py:Model", 3, None),
    ],
)
def test_a_factory_a_class_or_a_model_is_taken(argument: str, width: int, inputs: str | None) -> None:
    model, examples = load_model(argument)
    assert (model.width, examples) == (width, inputs)


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("some_models.py", "names no model"),
        ("missing.py:make", "there is no file 'missing.py'"),
        ("missing_package.module:make", "there is no module"),
        ("some_models.py:mak", "did you mean 'make'"),
        ("some_models.py:needs", "requires size"),
    ],
)
def test_a_wrong_argument_says_what_is_wrong(argument: str, said: str) -> None:
    with pytest.raises(ClikaError, match=said):
        load_model(argument)


@pytest.mark.parametrize(
    ("text", "said"),
    [("def (", "no Python file"), ("import nothing_like_it", "needs the module 'nothing_like_it'")],
)
def test_a_broken_file_says_what_is_wrong(text: str, said: str) -> None:
    Path("broken_model.py").write_text(text)
    with pytest.raises(ClikaError, match=said):
        load_model("broken_model.py:make")


def test_inputs_with_names_make_a_dict() -> None:
    found = example_inputs(["x=f32[2,3]", "mask=bool[2]"])
    assert {name: (array.shape, str(array.dtype)) for name, array in found.items()} == {
        "x": ((2, 3), "float32"),
        "mask": ((2,), "bool"),
    }


def test_inputs_without_names_make_a_tuple() -> None:
    (only,) = example_inputs(["i64[4]"])
    assert (only.shape, str(only.dtype)) == ((4,), "int64")


def test_no_option_is_no_input() -> None:
    assert example_inputs([]) is None


@pytest.mark.parametrize("options", [["x=f33[2]"], ["x=f32(2)"], ["x=f32[2]", "f32[2]"], ["x=f32[a]"]])
def test_a_malformed_input_is_a_usage_error(options: list[str]) -> None:
    with pytest.raises(click.BadParameter):
        example_inputs(options)
