"""`clika trace`: what is no model is said to be none, before example inputs are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.cli.conftest import Clika
from tests.core.loopback.registered import loopback_registered


@pytest.fixture(autouse=True)
def _loopback() -> Iterator[None]:
    with loopback_registered():
        yield


def test_an_object_that_is_no_model_is_refused_by_its_type(clika: Clika, tmp_path: Path) -> None:
    (tmp_path / "no_models.py").write_text("number = 3")
    outcome = clika("trace", "no_models.py:number")
    assert (outcome.code, outcome.out) == (2, "")
    assert "no backend takes a builtins.int" in outcome.err
    assert not (tmp_path / "model.graph.json").exists()


def test_a_lone_input_may_have_any_name(clika: Clika) -> None:
    outcome = clika("trace", "tests.core.cli.my_network:make_small", "--input", "x=f32[2,3,8,8]")
    assert (outcome.code, outcome.out) == (0, "model.graph.json: 2 layers, 1 input, 1 output\n"), outcome.err


def test_of_several_inputs_a_wrong_name_is_an_error(clika: Clika, tmp_path: Path) -> None:
    wrong = ("--input", "x=f32[2,3,8,8]", "--input", "facts=f32[2,4]")
    outcome = clika("trace", "tests.core.cli.my_network:make", *wrong)
    assert outcome.code == 2
    assert not (tmp_path / "model.graph.json").exists()


def test_what_is_said_of_a_lone_input_names_it_as_it_was_given(clika: Clika) -> None:
    outcome = clika("trace", "tests.core.cli.my_network:make_small", "--input", "image=f32[2,5,8,8]")
    assert outcome.code == 2
    assert "image" in outcome.err


@pytest.mark.parametrize("option", ["x", "x:", "x:a", ":1", "x:1;2"])
def test_an_axis_that_cannot_be_read_is_refused(clika: Clika, option: str) -> None:
    outcome = clika("trace", "tests.core.cli.my_network:make_small", "--dynamic", option)
    assert outcome.code == 2
    assert f"{option!r}; expected an input and its axes, for example input_ids:1 or image:2,3" in outcome.err


def test_axes_that_the_backend_cannot_free_are_an_error(clika: Clika) -> None:
    lone = ("--input", "x=f32[2,3,8,8]", "--dynamic", "x:2,3")
    outcome = clika("trace", "tests.core.cli.my_network:make_small", *lone)
    assert outcome.code == 2
    assert "the loopback backend leaves no size free beside the batch" in outcome.err
