"""`Traceable`: a model of any kind as a function of its arrays.

Model(fn, params)   Flax Linen (bound)   Flax NNX   Equinox   ->   call(arrays, args, kwargs)
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax

from clika_core.backend.signature import Signature
from clika_core.errors import ModelError
from clika_jax.inputs import is_array, path_text
from clika_jax.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class Traceable:
    """`call(arrays, args, kwargs)` is the model's result; `arrays` are its parameters by path, in order.

    `root` is the scope that the model itself opens, which is no part of its layers' paths. `keeps_scopes` says that
    scopes are paths; else only those are that `clika_jax.scopes` marks.
    """

    name: str
    arrays: Mapping[str, Any]
    signature: Signature
    call: Callable[[Sequence[Any], tuple[Any, ...], Mapping[str, Any]], Any]
    root: str | None = None
    keeps_scopes: bool = True


def traceable(model: Any) -> Traceable:
    """The model as a function. Raises ModelError for one that has no parameters yet."""
    if isinstance(model, Model):
        return _from_function(model)
    from clika_jax.modules import from_module

    return from_module(model)


def _from_function(model: Model) -> Traceable:
    parameters = list(inspected(model.fn).parameters.parameters.values())
    if not parameters:
        raise ModelError(
            "the function of a clika_jax.Model takes no parameters", expected="fn(params, *inputs)"
        )
    signature = Signature(inspected(model.fn).parameters.replace(parameters=parameters[1:]))
    name, root = model.name or getattr(model.fn, "__name__", "model").replace("<lambda>", "model"), None
    module = _linen_module(model.fn)
    if module is not None:  # `apply` hands on what it is given: the module knows the arguments
        root = type(module).__name__
        name, signature = model.name or root, inspected(module.__call__)
    equinox = sys.modules.get("equinox")
    if equinox is not None and isinstance(model.params, equinox.Module):
        from clika_jax.modules import equinox_call

        return equinox_call(
            model.params, name, lambda m, args, kwargs: model.fn(m, *args, **kwargs), signature
        )
    split = SplitTree.of(model.params)

    def call(arrays: Sequence[Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        return model.fn(split.join(arrays), *args, **kwargs)

    return Traceable(name, split.arrays, signature, call, root=root)


def _linen_module(function: Callable[..., Any]) -> Any:
    """The Linen module whose own `apply` a function is, else None."""
    linen, owner = sys.modules.get("flax.linen"), getattr(function, "__self__", None)
    is_apply = linen is not None and isinstance(owner, linen.Module) and function == owner.apply
    return owner if is_apply else None


def inspected(function: Callable[..., Any]) -> Signature:
    """The arguments of a function. Raises ModelError where it does not tell them."""
    try:
        return Signature.of(function)
    except (TypeError, ValueError) as error:
        raise ModelError(
            "the arguments of the model's function cannot be read", found=str(error), fix="wrap it in a def"
        ) from error


@dataclass(frozen=True, slots=True, eq=False)
class SplitTree:
    """A pytree taken apart: arrays by path; everything else stays with the structure."""

    arrays: Mapping[str, Any]
    tree: Any
    rest: tuple[Any, ...]

    @classmethod
    def of(cls, tree: Any) -> SplitTree:
        """Take a pytree apart."""
        leaves, structure = jax.tree_util.tree_flatten_with_path(tree)
        arrays = {path_text(path) or "params": leaf for path, leaf in leaves if is_array(leaf)}
        rest = tuple(None if is_array(leaf) else leaf for _, leaf in leaves)
        return cls(arrays, structure, rest)

    def join(self, arrays: Sequence[Any]) -> Any:
        """The pytree with other arrays, in order."""
        waiting = iter(arrays)
        leaves = [next(waiting) if was_array else held for held, was_array in self._places()]
        return jax.tree_util.tree_unflatten(self.tree, leaves)

    def _places(self) -> list[tuple[Any, bool]]:
        positions = jax.tree_util.tree_unflatten(self.tree, range(self.tree.num_leaves))
        paths = [
            path_text(path) or "params" for path, _ in jax.tree_util.tree_flatten_with_path(positions)[0]
        ]
        return [(held, path in self.arrays) for held, path in zip(self.rest, paths, strict=True)]
