"""Keras layers that are one operation each: while tracing, a call of `LSTM`, `GRU` or `Embedding` becomes a function
of its own, which the flattener keeps whole.

Keras would leave a loop in the graph, or arithmetic on indices. Gates stand in Keras' order, and are computed as
Keras does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import tensorflow as tf

from clika_tensorflow.callable_model import keras_module

_MARK: Final = "clika_whole_"
_INLINED: Final = frozenset({"PartitionedCall", "StatefulPartitionedCall"})


@dataclass(frozen=True, slots=True)
class WholeLayer:
    """A layer as a function of its input and weights."""

    type: str
    arguments: tuple[str, ...]

    def __call__(self, arguments: Mapping[str, Any], dtype: str | None = None) -> list[Any]:
        """Its results: of a recurrent layer [N, T, units] and [N, units], of an LSTM also the last cell state."""
        return list(_RUNS[self.type](*(arguments[name] for name in self.arguments)))


_WHOLE: Final = {
    "LSTM": WholeLayer("Lstm", ("input", "kernel", "recurrent_kernel", "bias")),
    "GRU": WholeLayer("Gru", ("input", "kernel", "recurrent_kernel", "bias")),
    "Embedding": WholeLayer("Embedding", ("indices", "embeddings")),
}


def whole_layer(operation: Any) -> WholeLayer | None:
    """The layer that a call of a function is, if it is one kept whole."""
    if operation.type not in _INLINED:
        return None
    name = str(operation.get_attr("f").name)
    return next((whole for whole in _WHOLE.values() if _MARK + whole.type in name), None)


def is_whole(layer: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether this call is one that `run_whole` computes: the layer as it comes, on an input without a mask."""
    keras = keras_module()
    kinds = () if keras is None else (keras.layers.LSTM, keras.layers.GRU, keras.layers.Embedding)
    if type(layer) not in kinds or not layer.built or len(args) != 1:
        return False
    rest = {name: value for name, value in kwargs.items() if value is not None and name != "training"}
    is_alone = not rest and getattr(args[0], "_keras_mask", None) is None
    return is_alone and (
        _is_plain_table(layer) if "Embedding" in type(layer).__name__ else _is_plain_cell(layer)
    )


def _is_plain_table(layer: Any) -> bool:
    return not layer.mask_zero and not layer.lora_enabled and not getattr(layer, "quantization_mode", None)


def _is_plain_cell(layer: Any) -> bool:
    return bool(
        layer.use_bias
        and layer.cell.activation is sys.modules["keras"].activations.tanh
        and layer.cell.recurrent_activation is sys.modules["keras"].activations.sigmoid
        and not layer.stateful
        and getattr(layer, "reset_after", True)
    )


def run_whole(layer: Any, inputs: Any) -> Any:
    """What the layer returns, computed by one function call in the graph."""
    whole = _WHOLE[type(layer).__name__]

    def function(*operands: Any) -> list[Any]:
        return whole(dict(zip(whole.arguments, operands, strict=True)))

    function.__name__ = _MARK + whole.type
    call = tf.function(function, autograph=False)
    given = tf.convert_to_tensor(inputs)
    if whole.type == "Embedding":
        return call(given, tf.convert_to_tensor(layer.embeddings.value))[0]
    cell = layer.cell
    sequence = tf.reverse(given, [1]) if layer.go_backwards else given
    weights = [tf.convert_to_tensor(v.value) for v in (cell.kernel, cell.recurrent_kernel, cell.bias)]
    steps, *states = call(sequence, *weights)
    result = steps if layer.return_sequences else states[0]
    return [result, *states] if layer.return_state else result


def _embedding(indices: Any, embeddings: Any) -> tuple[Any]:
    """Rows of the table; a negative index counts from the end, as in Keras."""
    positions = indices if indices.dtype.is_integer else tf.cast(indices, tf.int32)
    wrapped = tf.where(positions < 0, positions + tf.cast(embeddings.shape[0], positions.dtype), positions)
    return (tf.gather(embeddings, wrapped),)


def _lstm(x: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> tuple[Any, Any, Any]:
    """Hochreiter and Schmidhuber 1997 with forget gates: input, forget, candidate, output."""
    units = recurrent_kernel.shape[0]
    projected = tf.tensordot(x, kernel, 1) + bias

    def step(states: tuple[Any, Any], at: Any) -> tuple[Any, Any]:
        h, c = states
        i, f, g, o = tf.split(at + tf.matmul(h, recurrent_kernel), 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c

    zeros = tf.zeros([tf.shape(x)[0], units], x.dtype)
    hidden, cells = tf.scan(step, tf.transpose(projected, [1, 0, 2]), (zeros, zeros))
    return tf.transpose(hidden, [1, 0, 2]), hidden[-1], cells[-1]


def _gru(x: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> tuple[Any, Any]:
    """Cho et al. 2014, the reset gate after the product: update, reset, candidate. `bias` is [2, 3 · units]."""
    units = recurrent_kernel.shape[0]
    projected = tf.tensordot(x, kernel, 1) + bias[0]

    def step(h: Any, at: Any) -> Any:
        z, r, g = tf.split(at, 3, axis=1)
        hz, hr, hg = tf.split(tf.matmul(h, recurrent_kernel) + bias[1], 3, axis=1)
        z, r = tf.sigmoid(z + hz), tf.sigmoid(r + hr)
        return z * h + (1 - z) * tf.tanh(g + r * hg)

    zeros = tf.zeros([tf.shape(x)[0], units], x.dtype)
    hidden = tf.scan(step, tf.transpose(projected, [1, 0, 2]), zeros)
    return tf.transpose(hidden, [1, 0, 2]), hidden[-1]


_RUNS: Final[Mapping[str, Callable[..., Any]]] = {"Embedding": _embedding, "Lstm": _lstm, "Gru": _gru}
