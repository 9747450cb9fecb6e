"""Flax Linen, Flax NNX and Equinox modules as functions of their arrays. Each library is imported where it is met."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import jax

from clika_core.errors import ModelError
from clika_jax.inputs import is_array, path_text
from clika_jax.scopes import scopes
from clika_jax.traceable import SplitTree, Traceable, inspected


def from_module(model: Any) -> Traceable:
    """The module as a function. Raises ModelError for one that holds no parameters yet."""
    for library, kind, adapt in _KINDS:
        loaded = sys.modules.get(library)
        if loaded is not None and isinstance(model, getattr(loaded, kind)):
            return adapt(model)
    raise ModelError(
        "this is no model of JAX",
        found=type(model).__name__,
        expected="clika_jax.Model(fn, params), a Flax or an Equinox module",
    )


def _linen(model: Any) -> Traceable:
    if model.scope is None:
        raise ModelError(
            f"{type(model).__name__} has no parameters: a Linen module holds none by itself",
            expected="a module bound to its variables",
            fix="trace module.bind(variables), with variables from module.init or from training",
        )
    module, variables = model.unbind()
    split = SplitTree.of(variables)

    def call(arrays: Sequence[Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        return module.apply(split.join(arrays), *args, **kwargs)

    name = type(module).__name__
    return Traceable(name, _short_names(split.arrays), inspected(module.__call__), call, root=name)


def _short_names(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Names without Linen's collections (`params.Dense_0.kernel`), where they stay different."""
    short = [name.partition(".")[2] or name for name in arrays]
    return dict(zip(short if len(set(short)) == len(short) else arrays, arrays.values(), strict=True))


def _nnx(model: Any) -> Traceable:
    from flax import nnx

    definition, random, rest = nnx.split(model, nnx.RngState, ...)  # type: ignore[misc]
    split = SplitTree.of(rest)

    def call(arrays: Sequence[Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        own = nnx.merge(definition, jax.tree.map(lambda key: key, random), split.join(arrays), copy=True)
        own.eval()
        with scopes({path_text(path): module for path, module in nnx.iter_modules(own)}):
            return own(*args, **kwargs)

    arrays = {name.removesuffix(".value"): array for name, array in split.arrays.items()}
    return Traceable(type(model).__name__, arrays, inspected(model.__call__), call, keeps_scopes=False)


def _equinox(model: Any) -> Traceable:
    """An Equinox module takes one sample: it is mapped over the batch, unless it takes a batch only."""

    def run(module: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        return _mapped(module, args, kwargs)

    return equinox_call(model, type(model).__name__, run, inspected(model.__call__))


def equinox_call(
    params: Any,
    name: str,
    run: Callable[[Any, tuple[Any, ...], Mapping[str, Any]], Any],
    signature: Any,
) -> Traceable:
    """A function of an Equinox module, which runs in inference mode."""
    import equinox

    split = SplitTree.of(params)

    def call(arrays: Sequence[Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        own = equinox.nn.inference_mode(split.join(arrays))
        with scopes(dict(_submodules(own, "", equinox.Module))):
            return run(own, args, kwargs)

    return Traceable(name, split.arrays, signature, call, keeps_scopes=False)


def _mapped(module: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """The module on every sample, or on the whole batch where it refuses samples."""
    axes = tuple(0 if any(map(is_array, jax.tree_util.tree_leaves(arg))) else None for arg in args)
    if not any(axis == 0 for axis in axes):
        return module(*args, **kwargs)

    def on_samples(*given: Any) -> Any:
        return jax.vmap(lambda *sample: module(*sample, **kwargs), in_axes=axes)(*given)

    try:
        jax.eval_shape(lambda: on_samples(*args))
    except Exception as error:  # noqa: BLE001 - whatever it refuses in one sample
        try:
            jax.eval_shape(lambda: module(*args, **kwargs))
        except Exception:  # noqa: BLE001 - what it says of samples is what the user has to know
            raise error from None
        return module(*args, **kwargs)
    return on_samples(*args)


def _submodules(value: Any, path: str, kind: type[Any]) -> Iterator[tuple[str, Any]]:
    """Every module inside, by its path."""
    if isinstance(value, kind):
        yield path, value
    if is_dataclass(value) and not isinstance(value, type):
        children = [(field.name, getattr(value, field.name, None)) for field in fields(value)]
    elif isinstance(value, list | tuple):
        children = [(str(index), child) for index, child in enumerate(value)]
    elif isinstance(value, Mapping):
        children = [(str(key), child) for key, child in value.items()]
    else:
        return
    for name, child in children:
        yield from _submodules(child, f"{path}.{name}" if path else name, kind)


_KINDS: tuple[tuple[str, str, Callable[[Any], Traceable]], ...] = (
    ("flax.nnx", "Module", _nnx),
    ("flax.linen", "Module", _linen),
    ("equinox", "Module", _equinox),
)
