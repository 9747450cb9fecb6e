"""A scan over the cell of an LSTM or a GRU is one layer, whatever library wrote it; any other scan is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox
import flax.linen as linen
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax import lax

import clika_core as clika
import clika_jax
from clika_core.pipeline import deployment
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import quantize_traced
from clika_core.targets.ort import ORT

SIZE, UNITS = 5, 6


def sequences(count: int = 2, length: int = 7, seed: int = 0) -> Any:
    return jnp.asarray(np.random.default_rng(seed).standard_normal((count, length, SIZE)), jnp.float32)


def _nnx(kind: Any) -> Any:
    return nnx.RNN(kind(SIZE, UNITS, rngs=nnx.Rngs(0)))


def _linen(kind: Any) -> Any:
    module = linen.RNN(kind(UNITS))
    return module.bind(module.init(jax.random.key(0), sequences()))


class _Equinox(equinox.Module):
    cell: Any

    def __call__(self, x: Any) -> Any:
        zeros = jnp.zeros(UNITS)
        start = (zeros, zeros) if isinstance(self.cell, equinox.nn.LSTMCell) else zeros

        def step(state: Any, x: Any) -> Any:
            state = self.cell(x, state)
            return state, state[0] if isinstance(state, tuple) else state

        return lax.scan(step, start, x)[1]


def _equinox(kind: Any) -> Any:
    return _Equinox(kind(SIZE, UNITS, key=jax.random.key(0)))


def _mapped(model: Any, given: Any) -> Any:
    return jax.vmap(model)(given)


CELLS: dict[str, tuple[str, Callable[[], Any]]] = {
    "nnx_lstm": ("lstm", lambda: _nnx(nnx.LSTMCell)),
    "nnx_optimized_lstm": ("lstm", lambda: _nnx(nnx.OptimizedLSTMCell)),
    "nnx_gru": ("gru", lambda: _nnx(nnx.GRUCell)),
    "linen_lstm": ("lstm", lambda: _linen(linen.LSTMCell)),
    "linen_optimized_lstm": ("lstm", lambda: _linen(linen.OptimizedLSTMCell)),
    "linen_gru": ("gru", lambda: _linen(linen.GRUCell)),
    "equinox_lstm": ("lstm", lambda: _equinox(equinox.nn.LSTMCell)),
    "equinox_gru": ("gru", lambda: _equinox(equinox.nn.GRUCell)),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_one_layer_that_computes_what_the_scan_does(name: str) -> None:
    kind, make = CELLS[name]
    model = make()
    traced = clika.trace(model, sequences())
    (layer,) = traced.graph.layers
    gates = 4 if kind == "lstm" else 3
    assert layer.type == kind
    assert [weight.shape for weight in layer.weights] == [
        (gates * UNITS, SIZE),
        (gates * UNITS, UNITS),
        (gates * UNITS,),
        (gates * UNITS,),
    ]
    given = sequences(3, seed=1)
    expected = _mapped(model, given) if isinstance(model, equinox.Module) else model(given)
    np.testing.assert_allclose(traced.run(given), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["nnx_lstm", "equinox_gru"])
def test_onnxruntime_computes_the_same(name: str) -> None:
    traced = clika.trace(CELLS[name][1](), sequences())
    found = quantize_traced(traced, clika.Settings(), ORT, Batches([(sequences(),)]), lambda _: None)
    given = np.asarray(sequences(3, seed=2))
    (ran,) = deployment.deploy(found).floating.runner()([given])
    np.testing.assert_allclose(ran, traced.run(given), rtol=1e-4, atol=1e-5)


def _lstm(params: Any, x: Any, start: Any, change: Callable[[Any], Any] = lambda h: h) -> Any:
    def step(state: Any, x: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(jnp.concatenate([x, h], axis=-1) @ params["w"] + params["b"], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = change(jax.nn.sigmoid(o) * jnp.tanh(c))
        return (h, c), h

    return lax.scan(step, start, x.swapaxes(0, 1))


def _params(rows: int = SIZE + UNITS) -> Any:
    random = np.random.default_rng(3)
    return {
        "w": random.standard_normal((rows, 4 * UNITS), np.float32) * 0.3,
        "b": random.standard_normal(4 * UNITS, np.float32),
    }


def test_initial_states_are_given_and_last_states_come_out() -> None:
    def model(params: Any, x: Any, h: Any, c: Any) -> Any:
        (h, c), steps = _lstm(params, x, (h, c))
        return {"steps": steps.swapaxes(0, 1), "h": h, "c": c}

    states = [jnp.asarray(np.random.default_rng(i).standard_normal((2, UNITS)), jnp.float32) for i in (1, 2)]
    given = (sequences(), *states)
    params = _params()
    traced = clika.trace(clika_jax.Model(model, params), given)
    assert [layer.type for layer in traced.graph.layers].count("lstm") == 1
    assert {port.role for port in traced.graph["lstm_1"].inputs} == {"input", "states.0", "states.1"}
    expected, found = model(params, *given), traced.run(given)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-5, atol=1e-6)


def test_a_long_sequence_is_one_layer_too() -> None:
    traced = clika.trace(_nnx(nnx.LSTMCell), sequences(1, 3000))
    assert [layer.type for layer in traced.graph.layers] == ["lstm"]


@pytest.mark.parametrize(
    "change",
    [lambda h: h * 0.5, lambda h: jnp.maximum(h, 0), lambda h: h[::-1], lambda h: h + 1],
    ids=["scaled", "clipped", "rows_mixed", "shifted"],
)
def test_what_is_nearly_a_cell_is_unrolled(change: Callable[[Any], Any]) -> None:
    def model(params: Any, x: Any) -> Any:
        zeros = jnp.zeros((x.shape[0], UNITS))
        return _lstm(params, x, (zeros, zeros), change)[1]

    traced = clika.trace(clika_jax.Model(model, _params()), sequences())
    assert "lstm" not in {layer.type for layer in traced.graph.layers}
    np.testing.assert_allclose(traced.run(sequences()), model(_params(), sequences()), rtol=1e-5, atol=1e-6)


def test_gates_that_see_the_cells_state_are_no_plain_cell() -> None:
    """Peepholes (Gers et al. 2002): the input of a gate depends on the cell's state."""

    def model(params: Any, x: Any) -> Any:
        def step(state: Any, x: Any) -> Any:
            h, c = state
            z = jnp.concatenate([x, h], axis=-1) @ params["w"] + params["b"]
            i, f, g, o = jnp.split(z + jnp.tile(c, (1, 4)), 4, axis=-1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zeros = jnp.zeros((x.shape[0], UNITS))
        return lax.scan(step, (zeros, zeros), x.swapaxes(0, 1))[1]

    traced = clika.trace(clika_jax.Model(model, _params()), sequences())
    assert "lstm" not in {layer.type for layer in traced.graph.layers}
    np.testing.assert_allclose(traced.run(sequences()), model(_params(), sequences()), rtol=1e-5, atol=1e-6)
