"""A traced model as data runs as the traced one does, to the bit, and holds nothing but data."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from torch.utils import _pytree as pytree

from clika_core.backend.trainable import StoredProgram
from clika_core.errors import ModelError, StateError
from clika_torch.stored_program import restored_model
from tests.backends.torch.conftest import traced_case
from tests.backends.torch.models import CASES

CLASSES_OF_THEIR_OWN = {"structured"}


def through_json(stored: StoredProgram) -> StoredProgram:
    return StoredProgram(json.loads(json.dumps(stored.values, allow_nan=False)), stored.arrays)


@pytest.mark.parametrize("name", sorted(set(CASES) - CLASSES_OF_THEIR_OWN))
def test_what_was_stored_runs_as_before(name: str) -> None:
    _, traced = traced_case(name)
    restored = restored_model(through_json(traced.stored()), traced.graph)
    inputs = CASES[name].inputs(3)
    expected, spec = pytree.tree_flatten(traced.run(inputs))
    found, found_spec = pytree.tree_flatten(restored.run(inputs))
    assert found_spec == spec
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other) if isinstance(other, torch.Tensor) else one == other


@pytest.mark.parametrize("name", sorted(CLASSES_OF_THEIR_OWN))
def test_classes_of_the_user_are_no_data(name: str) -> None:
    with pytest.raises(ModelError, match="in containers of a class of its own"):
        traced_case(name)[1].stored()


def changed(change: Any) -> StoredProgram:
    stored = through_json(traced_case("classifier")[1].stored())
    change(stored.values)
    return stored


@pytest.mark.parametrize(
    "target",
    [
        "aten.from_file.default",
        "aten.conv2d.nothing",
        "prims.add.default",
        "os.system",
        "builtins.eval",
        "operator.attrgetter",
        "aten",
    ],
)
def test_only_operators_that_compute_are_run(target: str) -> None:
    def name_it(values: Any) -> None:
        values["operations"][0]["target"] = target

    with pytest.raises(StateError):
        restored_model(changed(name_it), traced_case("classifier")[1].graph)


@pytest.mark.parametrize("key", "inputs operations state results result example arguments regions".split())
@pytest.mark.parametrize("value", [None, 3, [3], {"x": 3}])
def test_a_damaged_program_is_a_state_error(key: str, value: Any) -> None:
    def damage(values: Any) -> None:
        values[key] = value

    graph = traced_case("classifier")[1].graph
    try:
        restored_model(changed(damage), graph)
    except StateError:
        return
    assert key in ("inputs", "regions", "results", "operations", "arguments")  # noticed when it runs


def test_the_order_in_memory_is_kept() -> None:
    from clika_torch.tracing import trace

    model = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    traced = trace(model, torch.randn(2, 3, 8, 8))
    restored = restored_model(through_json(traced.stored()), traced.graph)
    for record, tensor in traced.held.state.items():
        assert restored.held.state[record].stride() == tensor.stride()
