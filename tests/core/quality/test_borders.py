"""A border can be balanced where linear layers alone read its codes, be it behind layers that only move them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pytest

from clika_core.ir.recording import Ref
from clika_core.pipeline.quantization import Quantized
from clika_core.quality.borders import Border, balanced_borders, hindered_borders
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Sketch, batches
from tests.core.loopback.quantizing import quantized, settings_with
from tests.core.quality.encoders import norm, post_norm, pre_norm

Move: TypeAlias = tuple[str, dict[str, Any]]
Moves: TypeAlias = list[Move]


def borders(model: LoopbackModel, skip: Sequence[str] = ()) -> dict[str, Border]:
    found: Quantized = quantized(model, batches(model), settings=settings_with(skip=skip))
    return {key[0]: border for key, border in balanced_borders(found.simulation).items()}


def through(*moves: Move) -> LoopbackModel:
    """A norm [n, 8, 8], layers that move its result, and a linear layer over the last axis."""
    s = Sketch(0)
    x: Ref = norm(s, s.input("x", 8, 8))
    for name, attributes in moves:
        x = s.op(name, x, **attributes)
    return s.output(s.linear(x, 8, 4))


def test_a_norm_that_only_linear_layers_read_takes_gains_itself() -> None:
    found = borders(pre_norm(0))
    assert found["layer_norm_1"].readers == ("linear_1", "linear_2")
    assert found["layer_norm_1"].norm == "layer_norm_1"
    assert found["gelu_1"].norm is None


def test_a_norm_that_a_sum_reads_too_stays_as_it_is() -> None:
    found = borders(post_norm(0))
    assert found["layer_norm_1"].readers == ("linear_1",)
    assert found["layer_norm_1"].norm is None


def test_a_norm_with_a_reader_that_was_skipped_stays_as_it_is() -> None:
    found = borders(pre_norm(0), skip=["linear_2"])
    assert found["layer_norm_1"].readers == ("linear_1",)
    assert found["layer_norm_1"].norm is None


def test_an_input_of_the_model_can_be_balanced() -> None:
    s = Sketch(0)
    assert borders(s.output(s.linear(s.input("x", 8), 8, 4)))["x"].readers == ("linear_1",)


@pytest.mark.parametrize(
    "moves",
    [
        [("permute", {"axes": (1, 0, 2)})],
        [("reshape", {"shape": (-1, 4, 2, 8)}), ("permute", {"axes": (0, 2, 1, 3)})],
        [("slice", {"axis": 1, "start": 0, "end": 3, "step": 1})],
        [("select", {"axis": 1, "index": 0})],
        [("unsqueeze", {"axes": (1,)}), ("squeeze", {"axes": (1,)})],
    ],
)
def test_a_norm_takes_gains_through_movements_that_keep_features(moves: Moves) -> None:
    (border,) = borders(through(*moves)).values()
    assert border.readers == ("linear_1",)
    assert border.norm == "layer_norm_1"


@pytest.mark.parametrize(
    "moves",
    [
        [("permute", {"axes": (0, 2, 1)})],
        [("select", {"axis": 2, "index": 0})],
        [("reshape", {"shape": (-1, 4, 16)}), ("reshape", {"shape": (-1, 8, 8)})],
        [("flip", {"axes": (2,)})],
    ],
)
def test_behind_other_movements_a_norm_takes_none(moves: Moves) -> None:
    (border,) = borders(through(*moves)).values()
    assert border.norm is None


def test_a_norm_that_is_read_before_it_is_moved_takes_none() -> None:
    s = Sketch(0)
    x = norm(s, s.input("x", 8, 8))
    moved = s.op("permute", x, axes=(1, 0, 2))
    (border,) = borders(s.output(s.linear(moved, 8, 4), s.op("tanh", x))).values()
    assert border.norm is None


def test_other_integer_readers_stand_in_the_way() -> None:
    s = Sketch(0)
    x = s.input("x", 3, 5, 5)
    flat = s.op("reshape", x, shape=(-1, 75))
    model = s.output(s.conv(x, 3, 4), s.linear(flat, 75, 4))
    assert not borders(model)


def test_models_in_half_precision_are_left_alone() -> None:
    s = Sketch(0)
    x = s.model.input("x", ("n", 8), "float16")
    weight, bias = (s.weights(*shape).astype(np.float16) for shape in ((4, 8), (4,)))
    assert not borders(s.output(s.op("linear", x, weight=weight, bias=bias)))


def test_a_value_whose_codes_other_layers_read_too_is_named_with_them() -> None:
    s = Sketch(0)
    x = s.input("x", 8)
    model = s.output(s.linear(x, 8, 4), s.op("sigmoid", x))
    found = quantized(model, batches(model))
    assert not balanced_borders(found.simulation)
    assert hindered_borders(found.simulation) == {("x", 0): "sigmoid_1 reads its codes too"}
