"""A saved training is taken over where it is the model's, and refused before anything of it is used elsewhere."""

from __future__ import annotations

import collections

import numpy as np
import pytest

from clika_core.backend.saved import named_class, not_to_be_saved, saved_weights
from clika_core.errors import StateError

OWN = {"conv.weight": (4, 3), "conv.bias": (4,), "scales.conv": ()}
ARRAYS = {f"t.{name}": np.ones(shape, np.float32) for name, shape in OWN.items()}


def is_scale(name: str) -> bool:
    return name.startswith("scales.")


def test_weights_come_by_name_and_what_has_another_prefix_is_left() -> None:
    found = saved_weights({"optimizer.conv.weight": np.zeros(1), **ARRAYS}, "t.", OWN, is_scale)
    assert list(found) == list(OWN)
    assert found["conv.bias"] is ARRAYS["t.conv.bias"]


def test_scales_may_be_others_than_those_that_were_saved() -> None:
    saved = {name: array for name, array in ARRAYS.items() if name != "t.scales.conv"}
    assert list(saved_weights({**saved, "t.scales.add": np.ones(())}, "t.", OWN, is_scale)) == [
        "conv.weight",
        "conv.bias",
    ]


def test_weights_of_another_model_are_refused_with_what_differs() -> None:
    saved = {name: array for name, array in ARRAYS.items() if name != "t.conv.bias"}
    with pytest.raises(StateError, match="of another model") as info:
        saved_weights({**saved, "t.head.weight": np.ones(1)}, "t.", OWN, is_scale)
    assert info.value.found == "not in the model: ['head.weight']"
    assert info.value.expected == "also: ['conv.bias']"


def test_a_weight_of_another_shape_is_refused() -> None:
    with pytest.raises(StateError, match=r"'conv\.weight' has another shape") as info:
        saved_weights({**ARRAYS, "t.conv.weight": np.ones((4, 5))}, "t.", OWN, is_scale)
    assert (info.value.found, info.value.expected) == ("[4, 5]", "[4, 3]")


@pytest.mark.parametrize("name", ["nothing", "abc", "deque", "__doc__", "a b", None, 3])
def test_only_a_class_of_the_module_and_the_kind_is_taken_by_name(name: object) -> None:
    assert named_class(collections, "OrderedDict", dict) is collections.OrderedDict
    with pytest.raises(StateError, match="a class that is not in collections"):
        named_class(collections, name, dict)


def test_what_cannot_be_saved_is_named_with_its_key() -> None:
    assert not_to_be_saved(open, "hook").found == "'hook': builtin_function_or_method"
