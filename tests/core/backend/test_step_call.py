"""A layer's operands go to their places, absent ones included, whatever the backend computes with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from clika_core.backend.schedule import Step
from clika_core.backend.step_call import Lookup, StepCall
from clika_core.errors import GraphError
from clika_core.ir.graph import InputPort, Node, NodeKind, Value, Weight
from clika_core.ir.recording import Ref, Region


@dataclass(frozen=True)
class Native:
    """An operation on NumPy arrays; `bias` in a slot may be None."""

    id: str
    kind: str
    operands: tuple[Ref, ...]
    slots: Mapping[str, int] = field(default_factory=dict)

    @property
    def reads(self) -> Iterator[Ref]:
        return iter(self.operands)

    def result(self, operands: Sequence[Any]) -> Any:
        if self.kind == "add":
            return operands[0] + operands[1]
        product = operands[0] @ operands[1]
        return product if len(operands) < 3 or operands[2] is None else product + operands[2]


class Call(StepCall[Native]):
    """A step on NumPy arrays."""

    def compute(
        self, operation: Native, lookup: Lookup, dtype: Any, placed: Mapping[str, Any]
    ) -> dict[Ref, Any]:
        operands = [*map(lookup, operation.operands)] + [None] * (
            len(operation.slots) - len(operation.operands)
        )
        for role, value in placed.items():
            operands[operation.slots[role]] = value
        return {Ref(operation.id): operation.result(operands)}

    def float_dtype(self, value: Any) -> str | None:
        return str(value.dtype) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else None

    def common_dtype(self, values: Sequence[Any]) -> Any:
        return np.result_type(*[value for value in values if self.float_dtype(value)])

    def cast(self, value: Any, dtype: Any) -> Any:
        return value.astype(dtype) if self.float_dtype(value) else value

    def zeros(self, shape: Sequence[int], dtype: str) -> Any:
        return np.zeros(shape, dtype)


X, W, B = (
    np.array([[1.0, -2.0]], np.float32),
    np.array([[3.0, 1.0], [0.5, 4.0]], np.float32),
    np.array([10.0, 20.0], np.float32),
)
PRODUCT = X @ W
IN_ONE = (Native("mm", "linear", (Ref("x"), Ref("w")), {"input": 0, "weight": 1, "bias": 2}),)
IN_TWO = (
    Native("mm", "linear", (Ref("x"), Ref("w")), {"input": 0, "weight": 1}),
    Native("sum", "add", (Ref("mm"), Ref("b"))),
)


def call_of(body: tuple[Native, ...], weights: Mapping[str, Any]) -> Call:
    """A linear layer as one operation, or as two that have a bias in the trace."""
    shapes = {"weight": (2, 2), "bias": (2,)}
    held = {"weight": Ref("w"), **({"bias": Ref("b")} if len(body) == 2 else {})}
    node = Node(
        "linear_1",
        "linear",
        NodeKind.LAYER,
        inputs=(InputPort("x"),),
        outputs=(Value("float32", (1, 2), (1, 2)),),
        weights=tuple(Weight(role, shapes[role], "float32", role) for role in held),
    )
    last = body[-1].id
    region = Region(tuple(operation.id for operation in body), (Ref("x"),), held, (Ref(last),))
    step = Step(node, region, (Ref("x"),), held, body, (), ("float32",))
    return Call(step, (X,), weights, {Ref("w"): W, Ref("b"): B}.__getitem__)


@pytest.mark.parametrize("body", [IN_ONE, IN_TWO], ids=["one operation", "two operations"])
def test_an_absent_bias_adds_nothing_and_a_present_one_is_added(body: tuple[Native, ...]) -> None:
    call = call_of(body, {"weight": W, "bias": B} if len(body) == 2 else {"weight": W})
    assert np.array_equal(call.run(weights={"bias": None})[0], PRODUCT)
    assert np.array_equal(call.run(weights={"bias": B})[0], PRODUCT + B)


def test_another_dtype_carries_every_operand_with_it() -> None:
    call = call_of(IN_TWO, {"weight": W, "bias": B})
    (wide,) = call.run([X.astype(np.float64)])
    assert wide.dtype == np.float64
    assert np.array_equal(wide, PRODUCT + B)
    (without,) = call.run([X.astype(np.float64)], {"bias": None})
    assert without.dtype == np.float64
    assert np.array_equal(without, PRODUCT)


def test_integers_convert_nothing() -> None:
    call = call_of(IN_TWO, {"weight": W, "bias": B})
    (found,) = call.run([X.astype(np.int32)])
    assert found.dtype == np.result_type(np.int32, np.float32)


def test_a_role_without_a_place_is_refused_and_so_is_a_missing_weight() -> None:
    call = call_of(IN_TWO, {"weight": W, "bias": B})
    with pytest.raises(GraphError, match="no operand 'gate'"):
        call.run(weights={"gate": B})
    with pytest.raises(GraphError, match="cannot do without its 'weight'"):
        call.run(weights={"weight": None})


def test_what_is_left_out_is_not_among_the_weights() -> None:
    assert dict(call_of(IN_ONE, {"weight": W, "bias": None}).weights) == {"weight": W}
