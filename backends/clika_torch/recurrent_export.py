"""Recurrent layers over a length that is free.

torch finds the shapes of `lstm` and `gru` by running them step by step, which fixes their number. While a model
is traced they are operators of ours that tell their shapes; in the trace torch's own stand in their places.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor, fx
from torch.library import Library, register_fake
from torch.overrides import TorchFunctionMode

_NUM_ARGUMENTS: Final = 9  # of an overload over padded inputs; one over packed inputs has eight, or others

_OPERATORS: Final = {
    torch.lstm: ("lstm", "Tensor[] hx", "(Tensor, Tensor, Tensor)", torch.ops.aten.lstm.input),
    torch.gru: ("gru", "Tensor hx", "(Tensor, Tensor)", torch.ops.aten.gru.input),
}
_LIBRARY: Final[Any] = Library("clika", "FRAGMENT")  # type: ignore[no-untyped-call]

for _name, _states, _results, _native in _OPERATORS.values():
    _LIBRARY.define(
        f"{_name}(Tensor input, {_states}, Tensor[] params, bool has_biases, int num_layers, float dropout, "
        f"bool train, bool bidirectional, bool batch_first) -> {_results}"
    )
    _LIBRARY.impl(_name, _native, "CompositeExplicitAutograd")


def _lstm(input: Tensor, hx: Sequence[Tensor], _: Any, *options: Any) -> tuple[Tensor, ...]:
    return _outputs(input, hx[0], options), torch.empty_like(hx[0]), torch.empty_like(hx[1])


def _gru(input: Tensor, hx: Tensor, _: Any, *options: Any) -> tuple[Tensor, ...]:
    return _outputs(input, hx, options), torch.empty_like(hx)


def _outputs(x: Tensor, state: Tensor, options: Sequence[Any]) -> Tensor:
    """The outputs of all steps: as wide as a state, twice where both ways are run."""
    is_bidirectional = options[4]
    return x.new_empty(*x.shape[:-1], state.shape[-1] * (2 if is_bidirectional else 1))


register_fake("clika::lstm", _lstm)
register_fake("clika::gru", _gru)


@contextmanager
def kept_whole() -> Iterator[None]:
    """While a model is traced: its recurrent layers are operators of ours."""
    with _Replacing():
        yield


def put_back(graph: fx.Graph) -> None:
    """torch's own operators in the places of ours: arguments and results are the same."""
    for name, _, _, native in _OPERATORS.values():
        for node in graph.find_nodes(op="call_function", target=getattr(torch.ops.clika, name).default):
            node.target = native


class _Replacing(TorchFunctionMode):
    """Calls our operators where torch's are called on padded inputs."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        operator = _OPERATORS.get(func) if func in (torch.lstm, torch.gru) else None
        if operator is None or kwargs or len(args) != _NUM_ARGUMENTS or isinstance(args[2], Tensor):
            return func(*args, **(kwargs or {}))
        return getattr(torch.ops.clika, operator[0])(*args)
