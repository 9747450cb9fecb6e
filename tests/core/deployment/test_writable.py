"""What no ONNX file can hold is found in the graph alone."""

from __future__ import annotations

import pytest

from clika_core.deployment.writable import check_writable
from clika_core.errors import OutputError
from clika_core.ir.graph import Graph, Weight
from clika_core.testing import GraphBuilder


def linear(given: str = "float32", held: str = "float32", after: str = "relu") -> Graph:
    g = GraphBuilder()
    x = g.layer("linear", g.input("x", ("d0", 4), given), weight=Weight("weight", (3, 4), held, "fc.weight"))
    g.output(g.layer(after, x))
    return g.build()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_weights_in_other_precisions_are_named(dtype: str) -> None:
    with pytest.raises(OutputError, match="precision cannot be written to ONNX") as raised:
        check_writable(linear(held=dtype))
    assert raised.value.found is not None
    assert raised.value.found.endswith(f"in {dtype}")


def test_inputs_in_half_precision_are_named_and_others_pass() -> None:
    with pytest.raises(OutputError, match="half precision") as raised:
        check_writable(linear(given="float16"))
    assert raised.value.found == "'x' in float16"
    check_writable(linear())
    check_writable(linear(after="dropout"))  # which preprocessing takes out, and nothing writes
