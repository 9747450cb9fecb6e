"""LSTM and GRU over whole sequences, by `lax.scan`. Gates stand in PyTorch's order, two biases are added."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp


def lstm(
    x: Any, of_input: Any, of_hidden: Any, bias: Any, second_bias: Any, *states: Any
) -> tuple[Any, Any, Any]:
    """All steps [N, T, H] and the last states [1, N, H] of x [N, T, in]; `states` [1, N, H] or zeros."""

    def step(carried: Any, projected: Any) -> Any:
        h, c = carried
        i, f, g, o = jnp.split(projected + h @ of_hidden.T, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    start = _start(x, of_hidden, states, 2)
    (h, c), steps = jax.lax.scan(step, start, _projected(x, of_input, bias + second_bias))
    return steps.swapaxes(0, 1), h[None], c[None]


def gru(x: Any, of_input: Any, of_hidden: Any, bias: Any, second_bias: Any, *states: Any) -> tuple[Any, Any]:
    """The same; the reset gate stands behind the product."""

    def step(h: Any, projected: Any) -> Any:
        r, z, a = jnp.split(projected, 3, axis=1)
        hr, hz, d = jnp.split(h @ of_hidden.T + second_bias, 3, axis=1)
        z = jax.nn.sigmoid(z + hz)
        h = (1 - z) * jnp.tanh(a + jax.nn.sigmoid(r + hr) * d) + z * h
        return h, h

    (start,) = _start(x, of_hidden, states, 1)
    h, steps = jax.lax.scan(step, start, _projected(x, of_input, bias))
    return steps.swapaxes(0, 1), h[None]


def _projected(x: Any, of_input: Any, bias: Any) -> Any:
    """[T, N, gates · H]."""
    return (x @ of_input.T + bias).swapaxes(0, 1)


def _start(x: Any, of_hidden: Any, states: Sequence[Any], count: int) -> tuple[Any, ...]:
    if states:
        return tuple(state[0] for state in states)
    return (jnp.zeros((x.shape[0], of_hidden.shape[1]), x.dtype),) * count


LAYERS: Final[Mapping[str, Callable[..., Any]]] = {"lstm": lstm, "gru": gru}
