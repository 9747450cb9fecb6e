"""Submodules of a model that are traced by themselves, with the paths that they have in it.

Where the whole cannot be traced (a branch on data, a call out of torch), its backbone often can.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from clika_core.backend.signature import Signature
from clika_core.errors import ModelError, nearest
from clika_torch.inputs import as_tensors
from clika_torch.structure import flatten


class Part(nn.Module):
    """The submodule at `path` of another module, with its parameters at the same paths, called as it is itself."""

    def __init__(self, module: nn.Module, path: str) -> None:
        """Share `module`; nothing is copied."""
        super().__init__()
        self._path = path
        holder: nn.Module = self
        *above, name = path.split(".")
        for step in above:
            inner = nn.Module()
            holder.add_module(step, inner)
            holder = inner
        holder.add_module(name, module)

    @classmethod
    def of(cls, model: nn.Module, path: str) -> Part:
        """The part of `model` at `path`. Raises ModelError where there is no such module."""
        module = _submodule(model, path)
        return _class_like(type(module).forward, type(module).__name__)(module, path)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the submodule computes."""
        return self.get_submodule(self._path)(*args, **kwargs)


def calls(model: nn.Module, path: str, inputs: Any) -> list[Any]:
    """What the submodule at `path` is given while `model` runs on `inputs`, in evaluation mode: one entry per call.

    An entry is a tuple, or a dict by argument where an argument is given by its name.
    """
    module, seen = _submodule(model, path), list[Any]()
    signature = inspect.signature(module.forward)

    def see(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen.append(dict(signature.bind(*args, **kwargs).arguments) if kwargs else args)

    device = next((tensor.device for tensor in (*model.parameters(), *model.buffers())), None)
    call = flatten(Signature.of(model.forward).call_form(inputs))
    args, kwargs = call.build(as_tensors(call.leaves.values(), device))
    was_training = [inner for inner in model.modules() if inner.training]
    handle = module.register_forward_pre_hook(see, with_kwargs=True)
    try:
        with torch.no_grad():
            model.eval()(*args, **kwargs)
    finally:
        handle.remove()
        for inner in was_training:
            inner.training = True
    return seen


def with_parts(model: nn.Module, parts: Mapping[str, nn.Module]) -> nn.Module:
    """A copy of `model` with other modules in these places; the tensors of all others are copied too."""
    memo: dict[int, Any] = {id(_submodule(model, path)): part for path, part in parts.items()}
    whole: nn.Module = copy.deepcopy(model, memo)
    return whole


def _submodule(model: nn.Module, path: str) -> nn.Module:
    known: dict[str, nn.Module] = {name: module for name, module in model.named_modules() if name}
    if path in known:
        return known[path]
    close = nearest(path, list(known))
    raise ModelError(
        f"the model has no module {path!r}",
        expected="a path as in named_modules()",
        fix=f"did you mean {' or '.join(map(repr, close))}?" if close else "see model.named_modules()",
    )


def _class_like(forward: Any, name: str) -> type[Part]:
    """A class of parts whose `forward` has the arguments of another: inputs get their names from there."""

    @functools.wraps(forward)
    def alike(self: Part, *args: Any, **kwargs: Any) -> Any:
        return Part.forward(self, *args, **kwargs)

    return type(name, (Part,), {"forward": alike})
