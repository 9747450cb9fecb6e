"""`custom_jvp`, `custom_vjp` and `remat` are entered: layers inside have names, and run as they do in the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import clika_core as clika
import clika_jax


def _dense(x: Any, w: Any) -> Any:
    return jax.nn.relu(x @ w)


_custom_vjp = jax.custom_vjp(_dense)
_custom_vjp.defvjp(lambda x, w: (_dense(x, w), (x, w)), lambda saved, up: (up @ saved[1].T, saved[0].T @ up))
_custom_jvp = jax.custom_jvp(_dense)
_custom_jvp.defjvp(lambda primals, tangents: (_dense(*primals), tangents[0] @ primals[1]))

WRAPPED: dict[str, Callable[[Any, Any], Any]] = {
    "custom_vjp": _custom_vjp,
    "custom_jvp": _custom_jvp,
    "remat": jax.checkpoint(_dense),
    "jit": jax.jit(_dense),
    "remat_of_jit_of_custom_vjp": jax.checkpoint(jax.jit(_custom_vjp)),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_what_is_wrapped_is_the_same_layers(name: str) -> None:
    random = np.random.default_rng(0)
    params = {key: random.standard_normal((6, 6), np.float32) for key in ("first", "second")}

    def model(params: Any, x: Any) -> Any:
        return WRAPPED[name](x, params["first"]) @ params["second"]

    x = jnp.asarray(random.standard_normal((4, 6)), jnp.float32)
    traced = clika.trace(clika_jax.Model(model, params), x)
    assert [layer.name for layer in traced.graph.layers] == ["linear_1", "relu_1", "linear_2"]
    np.testing.assert_allclose(traced.run(x), model(params, x), rtol=1e-5, atol=1e-6)
