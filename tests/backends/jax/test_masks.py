"""Masks made of constants, whatever shape and form the program gives them, are one sample's, and added."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import clika_core as clika
import clika_jax
from clika_core.pipeline import deployment
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import quantize_traced
from clika_core.targets.ort import ORT

PARAMS = {"q": jnp.eye(4) + 0.1, "k": jnp.eye(4) - 0.1, "v": jnp.eye(4)}


def _x(batch: int) -> Any:
    return np.random.default_rng(batch).standard_normal((batch, 6, 4)).astype(np.float32)


def _attention(masked: Callable[[Any, Any], Any]) -> clika_jax.Model:
    def forward(params: Any, x: Any) -> Any:
        q, k, v = (x @ params[name] for name in "qkv")
        return jax.nn.softmax(masked(q @ k.transpose(0, 2, 1), x)) @ v

    return clika_jax.Model(forward, PARAMS)


def _of_every_sample(scores: Any, x: Any) -> Any:
    places = jnp.broadcast_to(jnp.arange(x.shape[1]), x.shape[:2])
    return jnp.where(places[:, :, None] >= places[:, None, :], scores, -1e30)


def _of_one(scores: Any, _: Any) -> Any:
    return jnp.where(jnp.tril(jnp.ones(scores.shape[1:], bool)), scores, jnp.finfo(jnp.float32).min)


def _of_data(scores: Any, x: Any) -> Any:
    return jnp.where(x[:, None, :, 0] > -1.5, scores, -1e30)


@pytest.mark.parametrize("masked", [_of_every_sample, _of_one, _of_data])
def test_scores_replaced_in_front_of_a_softmax_are_one_attention(masked: Callable[[Any, Any], Any]) -> None:
    model = _attention(masked)
    traced = clika.trace(model, _x(2))
    assert [layer.type for layer in traced.graph.layers].count("attention") == 1
    (found,) = (traced.run(_x(3)),)
    np.testing.assert_allclose(found, model.fn(PARAMS, _x(3)), rtol=1e-5, atol=1e-6)


def test_a_mask_for_every_sample_is_a_constant_of_the_file() -> None:
    traced = clika.trace(_attention(_of_every_sample), _x(2))
    data = Batches([(_x(4),), (_x(3),)])
    quantized = quantize_traced(traced, clika.Settings(), ORT, data, lambda _: None)
    (simulated,) = deployment.run_simulation(quantized, [[_x(5)]])
    (shipped,) = deployment.run_deployed(deployment.deploy(quantized).quantized, [[_x(5)]])
    np.testing.assert_allclose(shipped, simulated, rtol=1e-5, atol=1e-6)


def _chosen(params: Any, x: Any) -> Any:
    """Values that are replaced, and no softmax behind them."""
    return jnp.where(jnp.tril(jnp.ones((x.shape[0], 6, 4), bool)), x @ params["v"], -1e30)


def _counted(params: Any, x: Any) -> Any:
    """A constant that is another one for every sample."""
    return x @ params["v"] + jnp.arange(x.shape[0], dtype=jnp.float32)[:, None, None] * jnp.ones(x.shape)


@pytest.mark.parametrize("forward", [_chosen, _counted])
def test_what_is_no_mask_computes_what_it_did(forward: Callable[[Any, Any], Any]) -> None:
    traced = clika.trace(clika_jax.Model(forward, PARAMS), _x(2))
    for batch in (3, 5):
        np.testing.assert_array_equal(traced.run(_x(batch)), jax.jit(forward)(PARAMS, _x(batch)))


def test_masks_are_no_parameters() -> None:
    result = clika.compress(_attention(_of_one), calibration_data=_x(8), output_dir=None)
    gradients = jax.grad(lambda params: jnp.square(result.model.apply(params, _x(2))).sum())(
        result.model.params
    )
    assert {leaf.dtype for leaf in jax.tree.leaves(gradients)} == {np.dtype(np.float32)}
