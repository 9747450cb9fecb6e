"""Ten architectures, each in Flax NNX, Flax Linen and Equinox, as users of each library write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import equinox
import jax
import jax.numpy as jnp
import numpy as np
from flax import linen, nnx

from tests.backends.jax.harness import JaxHarness
from tests.backends.jax.zoo import in_equinox, in_linen, in_nnx
from tests.backends.jax.zoo.inputs import INPUTS
from tests.backends.zoo.entry import Entry, Zoo

_EVERYDAY = {"nnx_resnet", "equinox_unet", "linen_vae"}


class JaxZoo(Zoo):
    """JAX: models written here."""

    harness = JaxHarness()
    capture = "clika_jax.tracing.captured"
    frameworks = ("jax", "flax", "equinox")

    def entries(self) -> tuple[Entry, ...]:
        libraries: dict[str, Callable[[str], Any]] = {
            "flax.nnx": in_nnx.build,
            "flax.linen": in_linen.build,
            "equinox": in_equinox.build,
        }
        return tuple(
            _entry(family, name, build, inputs)
            for name, inputs in INPUTS.items()
            for family, build in libraries.items()
        )

    def model(self, entry: Entry) -> Any:
        """The model, with batch norms as after some training."""
        return _with_statistics(entry.make())

    def call(self, model: Any, inputs: Any) -> Any:
        """The model's own result; Equinox modules take one sample."""
        with jax.enable_x64(_is_wide(inputs)):
            if isinstance(model, equinox.Module):
                return jax.vmap(equinox.nn.inference_mode(model))(*inputs)
            return model(*inputs)

    def widened(self, model: Any, inputs: Any) -> tuple[Any, Any] | None:
        """In float64, where the inputs tell a module that they are wide; tokens do not."""
        if not any(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in jax.tree.leaves(inputs)):
            return None
        with jax.enable_x64(True):
            wide = jax.tree.map(_wide, inputs)
            if isinstance(model, linen.Module):
                module, variables = model.unbind()
                return module.bind(jax.tree.map(_wide, variables)), wide
            return jax.tree.map(_wide, model), wide

    def leaves(self, result: Any) -> Iterator[Any]:
        return iter(jax.tree.leaves(result))


def _entry(family: str, name: str, build: Callable[[str], Any], inputs: Callable[[int], Any]) -> Entry:
    full = f"{family.rpartition('.')[2]}_{name}"
    return Entry(full, family, lambda: build(name), inputs, full in _EVERYDAY)


def _is_wide(inputs: Any) -> bool:
    return any(leaf.dtype == np.float64 for leaf in jax.tree.leaves(inputs))


def _wide(leaf: Any) -> Any:
    is_real = isinstance(leaf, jax.Array) and leaf.dtype == jnp.float32
    return jnp.asarray(np.asarray(leaf, np.float64)) if is_real else leaf


def _with_statistics(model: Any) -> Any:
    random = np.random.default_rng(0)

    def drawn(path: str, leaf: Any) -> Any:
        if path.endswith("var"):
            return jnp.asarray(random.uniform(0.5, 1.5, leaf.shape), jnp.float32)
        return jnp.asarray(0.1 * random.standard_normal(leaf.shape), jnp.float32)

    if isinstance(model, nnx.Module):
        for _, module in nnx.iter_modules(model):
            if isinstance(module, nnx.BatchNorm):
                module.mean[...], module.var[...] = drawn("mean", module.mean), drawn("var", module.var)
    elif isinstance(model, linen.Module):
        plain, variables = model.unbind()
        statistics = jax.tree_util.tree_map_with_path(
            lambda path, leaf: drawn(path[-1].key, leaf), variables.get("batch_stats", {})
        )
        held = {**variables, "batch_stats": statistics} if statistics else variables
        return plain.bind(held)
    return model


ZOO = JaxZoo()
