"""Inputs that do not fit are refused by name: what was found, what the trace takes, how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from clika_core.errors import DataError
from clika_torch.tracing import trace
from tests.backends.torch.conftest import traced_case


def refusal(name: str, inputs: Any) -> DataError:
    with pytest.raises(DataError) as caught:
        traced_case(name)[1].flatten_inputs(inputs)
    return caught.value


def test_another_dtype_is_named_and_nothing_is_cast() -> None:
    error = refusal("twice", np.zeros((2, 8)))
    assert error.message == "input 'x' has another dtype than in the trace"
    assert (error.found, error.expected) == ("float64", "float32")
    assert error.fix is not None
    assert ".astype('float32')" in error.fix


@pytest.mark.parametrize("shape", [(2, 7), (2,), (2, 8, 1)])
def test_another_shape_is_named(shape: tuple[int, ...]) -> None:
    error = refusal("twice", torch.zeros(shape))
    assert error.message == "input 'x' has a shape that the traced model does not take"
    assert (error.found, error.expected) == (str(list(shape)), "[d0, 8]")


def test_batches_of_different_sizes_are_named() -> None:
    error = refusal("tagger", {"tokens": torch.zeros(2, 7, dtype=torch.int64), "mask": torch.ones(3, 7) > 0})
    assert error.message == "input 'mask' has a shape that the traced model does not take"
    assert error.expected == "[d0 (= 2 elsewhere), 7]"


def test_missing_and_unknown_arguments_are_named() -> None:
    assert refusal("tagger", {"tokens": torch.zeros(2, 7)}).found == "missing a required argument: 'mask'"
    missing = refusal("structured", ({"x": torch.zeros(2, 4), "more": [], "less": torch.zeros(2)},))
    assert missing.found == "missing: batch.more.0; not known: batch.less"
    assert missing.expected == "batch.x, batch.more.0"


def test_a_constant_of_the_trace_cannot_change() -> None:
    tokens, mask = torch.zeros(2, 7, dtype=torch.int64), torch.ones(2, 7) > 0
    _, traced = traced_case("tagger")
    assert len(traced.flatten_inputs({"tokens": tokens, "mask": mask, "scale": 2.0})) == 2
    error = refusal("tagger", (tokens, mask, 3.0))
    assert error.message == "argument 'scale' is part of the traced model and cannot change"
    assert (error.found, error.expected) == ("3.0", "2.0")


def test_a_dict_is_the_first_argument_where_forward_has_no_arguments_of_these_names() -> None:
    class OfDict(nn.Module):
        def forward(self, batch: dict[str, Tensor]) -> Tensor:
            return batch["a"] + batch["b"]

    traced = trace(OfDict(), {"a": torch.ones(2, 3), "b": torch.ones(2, 3)})
    assert [node.name for node in traced.graph.inputs] == ["batch.a", "batch.b"]
    swapped = {"b": torch.ones(4, 3), "a": torch.zeros(4, 3)}
    assert torch.equal(traced.flatten_inputs(swapped)[0], swapped["a"])


class Variadic(nn.Module):
    def forward(self, *parts: Tensor) -> Tensor:
        return torch.cat(parts, dim=1)


class Keywords(nn.Module):
    def forward(self, **parts: Tensor) -> Tensor:
        return parts["left"] - parts["right"]


@pytest.mark.parametrize(
    ("make", "inputs", "names"),
    [
        (Variadic, (torch.ones(2, 3), torch.ones(2, 1)), ["input_1", "input_2"]),
        (Keywords, {"left": torch.ones(2, 3), "right": torch.ones(2, 3)}, ["left", "right"]),
    ],
)
def test_arguments_without_a_name_are_numbered_and_keywords_are_names(
    make: Callable[[], nn.Module], inputs: Any, names: list[str]
) -> None:
    traced = trace(make(), inputs)
    assert [node.name for node in traced.graph.inputs] == names
    model = make()
    expected = model(**inputs) if isinstance(inputs, dict) else model(*inputs)
    assert torch.equal(traced.run(inputs), expected)


def test_arrays_of_numpy_are_taken_without_a_copy_where_they_can_be() -> None:
    array = np.zeros((2, 8), np.float32)
    (tensor,) = traced_case("twice")[1].flatten_inputs(array)
    array[0, 0] = 7
    assert float(tensor[0, 0]) == 7
