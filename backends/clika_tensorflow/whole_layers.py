"""Keras layers that are one operation each: while tracing, a call of `LSTM`, `GRU` or `Embedding` becomes a function
of its own, which the flattener keeps whole.

Keras would leave a loop in the graph, or arithmetic on indices. Recurrent layers have their operands and results as
the vocabulary has them: weights [gates · units, in], gates of an LSTM as input, forget, candidate, output and of a
GRU as reset, update, candidate, a bias for the input and one for the state, last states [1, N, units].
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
        """Its results: of a recurrent layer [N, T, units] and [1, N, units], of an LSTM also the last cell state."""
        return list(_RUNS[self.type](*(arguments[name] for name in self.arguments)))


_RECURRENT: Final = ("input", "kernel", "recurrent_kernel", "bias", "recurrent_bias")
_WHOLE: Final = {
    "LSTM": WholeLayer("Lstm", _RECURRENT),
    "GRU": WholeLayer("Gru", _RECURRENT),
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
    sequence = tf.reverse(given, [1]) if layer.go_backwards else given
    steps, *states = call(sequence, *_WEIGHTS[whole.type](layer.cell))
    if not layer.return_state:
        return steps if layer.return_sequences else states[0][0]
    lasts = [state[0] for state in states]
    return [steps if layer.return_sequences else lasts[0], *lasts]


def _lstm_weights(cell: Any) -> list[Any]:
    """Keras has one bias, the sum of both."""
    kernel, recurrent_kernel, bias = _held(cell)
    return [tf.transpose(kernel), tf.transpose(recurrent_kernel), bias, tf.zeros_like(bias)]


def _gru_weights(cell: Any) -> list[Any]:
    """Keras has the update first."""
    kernel, recurrent_kernel, biases = _held(cell)

    def ordered(value: Any) -> Any:
        update, reset, candidate = tf.split(value, 3, axis=-1)
        return tf.concat([reset, update, candidate], axis=-1)

    matrices = [tf.transpose(ordered(value)) for value in (kernel, recurrent_kernel)]
    both = ordered(biases)
    return [*matrices, both[0], both[1]]


def _held(cell: Any) -> list[Any]:
    return [tf.convert_to_tensor(v.value) for v in (cell.kernel, cell.recurrent_kernel, cell.bias)]


def _embedding(indices: Any, embeddings: Any) -> tuple[Any]:
    """Rows of the table; a negative index counts from the end, as in Keras."""
    positions = indices if indices.dtype.is_integer else tf.cast(indices, tf.int32)
    wrapped = tf.where(positions < 0, positions + tf.cast(embeddings.shape[0], positions.dtype), positions)
    return (tf.gather(embeddings, wrapped),)


def _lstm(x: Any, kernel: Any, recurrent_kernel: Any, bias: Any, recurrent_bias: Any) -> tuple[Any, ...]:
    """Hochreiter and Schmidhuber 1997 with forget gates."""

    def step(states: tuple[Any, Any], at: Any) -> tuple[Any, Any]:
        h, c = states
        carried = tf.matmul(h, recurrent_kernel, transpose_b=True) + recurrent_bias
        i, f, g, o = tf.split(at + carried, 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c

    zeros = _zeros(x, recurrent_kernel)
    hidden, cells = tf.scan(step, _projected(x, kernel, bias), (zeros, zeros))
    return tf.transpose(hidden, [1, 0, 2]), hidden[-1:], cells[-1:]


def _gru(x: Any, kernel: Any, recurrent_kernel: Any, bias: Any, recurrent_bias: Any) -> tuple[Any, ...]:
    """Cho et al. 2014, the reset gate after the product."""

    def step(h: Any, at: Any) -> Any:
        carried = tf.matmul(h, recurrent_kernel, transpose_b=True) + recurrent_bias
        (r, z, g), (hr, hz, hg) = (tf.split(value, 3, axis=1) for value in (at, carried))
        r, z = tf.sigmoid(r + hr), tf.sigmoid(z + hz)
        return z * h + (1 - z) * tf.tanh(g + r * hg)

    hidden = tf.scan(step, _projected(x, kernel, bias), _zeros(x, recurrent_kernel))
    return tf.transpose(hidden, [1, 0, 2]), hidden[-1:]


def _projected(x: Any, kernel: Any, bias: Any) -> Any:
    """What every step is given: [T, N, gates · units]."""
    return tf.transpose(tf.tensordot(x, kernel, [[2], [1]]) + bias, [1, 0, 2])


def _zeros(x: Any, recurrent_kernel: Any) -> Any:
    """The state before the first step."""
    return tf.zeros([tf.shape(x)[0], recurrent_kernel.shape[1]], x.dtype)


_RUNS: Final[Mapping[str, Callable[..., Any]]] = {"Embedding": _embedding, "Lstm": _lstm, "Gru": _gru}
_WEIGHTS: Final[Mapping[str, Callable[[Any], list[Any]]]] = {"Lstm": _lstm_weights, "Gru": _gru_weights}
