"""The demo's network in JAX, written as a function of its parameters.

`clika_core.demo.architecture` holds the numbers and the table of layers, `clika_core.demo.weights` the layout
of the weight file; this file is the translation. Start reading at `forward`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from clika_core.demo.architecture import (
    CLASS_COUNT,
    EXPANSION,
    NARROW_CHANNELS,
    NORM_EPSILON,
    STEM_CHANNELS,
    WIDE_CHANNELS,
)
from clika_core.demo.weights import Weights, load_weights
from clika_core.errors import DataError
from clika_jax.model import Model

Params = Mapping[str, Any]

_LAYOUT: Final = ("NCHW", "OIHW", "NCHW")


def _convolution(params: Params, x: Any, *, stride: int = 1, groups: int = 1) -> Any:
    """Convolution without bias, then batch norm with running statistics; the padding keeps an odd kernel centred."""
    weight = params["weight"]
    around = [(size // 2, size // 2) for size in weight.shape[2:]]
    y = lax.conv_general_dilated(
        x, weight, (stride, stride), around, dimension_numbers=_LAYOUT, feature_group_count=groups
    )
    gamma, beta, mean, variance = (
        params[name][:, None, None] for name in ("gamma", "beta", "mean", "variance")
    )
    return (y - mean) * (gamma * lax.rsqrt(variance + NORM_EPSILON)) + beta


def _residual(params: Params, x: Any, *, stride: int = 1) -> Any:
    """relu(shortcut(x) + second(first(x))); the shortcut is a 1x1 convolution where the shape changes."""
    y = jax.nn.relu(_convolution(params["first"], x, stride=stride))
    y = _convolution(params["second"], y)
    shortcut = _convolution(params["shortcut"], x, stride=stride) if "shortcut" in params else x
    return jax.nn.relu(shortcut + y)


def _inverted(params: Params, x: Any) -> Any:
    """x + project(depthwise(expand(x))), after MobileNetV2 (Sandler et al. 2018, figure 3b)."""
    hidden = x.shape[1] * EXPANSION
    y = jax.nn.relu6(_convolution(params["expand"], x))
    y = jax.nn.relu6(_convolution(params["depthwise"], y, groups=hidden))
    return x + _convolution(params["project"], y)


def forward(params: Params, x: Any) -> Any:
    """Images, float32 [N, 1, 28, 28] scaled as in `clika_core.demo.data`, to logits, float32 [N, 10]."""
    x = jax.nn.relu(_convolution(params["stem"], x))
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    x = jax.nn.relu(_convolution(params["widen"], x))
    x = _inverted(params["inverted_1"], _residual(params["residual_1"], x))
    x = _residual(params["down"], x, stride=2)
    x = _inverted(params["inverted_2"], _residual(params["residual_2"], x))
    return jnp.mean(x, axis=(2, 3)) @ params["head"]["weight"].T + params["head"]["bias"]


def demo_network(weights: Path | None = None) -> Model:
    """The network with the shipped weights, or with those of a safetensors file.

    Raises `clika_core.errors.DataError` when the file cannot be read or holds other tensors.
    """
    loaded = load_weights(weights)
    _check(loaded)
    return Model(forward, nested(loaded), name="DemoNetwork")


def nested(weights: Weights) -> dict[str, Any]:
    """Tensors by dotted names as a tree of arrays."""
    tree: dict[str, Any] = {}
    for name, array in weights.items():
        *parents, leaf = name.split(".")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = jnp.asarray(array)
    return tree


def flat(tree: Params, above: str = "") -> Weights:
    """The same tree as tensors by dotted names."""
    found: Weights = {}
    for key, held in tree.items():
        name = f"{above}.{key}" if above else key
        found.update(flat(held, name) if isinstance(held, Mapping) else {name: np.asarray(held)})
    return found


def expected_shapes() -> dict[str, tuple[int, ...]]:
    """The shape of every tensor by its name in the weight file."""
    found: dict[str, tuple[int, ...]] = {
        "head.weight": (CLASS_COUNT, WIDE_CHANNELS),
        "head.bias": (CLASS_COUNT,),
    }
    for name, shape in _convolutions():
        found[f"{name}.weight"] = shape
        found.update({f"{name}.{part}": shape[:1] for part in ("gamma", "beta", "mean", "variance")})
    return found


def _convolutions() -> list[tuple[str, tuple[int, ...]]]:
    narrow, wide = NARROW_CHANNELS, WIDE_CHANNELS
    found = [("stem", (STEM_CHANNELS, 1, 3, 3)), ("widen", (narrow, STEM_CHANNELS, 3, 3))]
    for index, channels in ((1, narrow), (2, wide)):
        hidden = channels * EXPANSION
        found += [(f"residual_{index}.{part}", (channels, channels, 3, 3)) for part in ("first", "second")]
        found += [
            (f"inverted_{index}.expand", (hidden, channels, 1, 1)),
            (f"inverted_{index}.depthwise", (hidden, 1, 3, 3)),
            (f"inverted_{index}.project", (channels, hidden, 1, 1)),
        ]
    return [
        *found,
        ("down.first", (wide, narrow, 3, 3)),
        ("down.second", (wide, wide, 3, 3)),
        ("down.shortcut", (wide, narrow, 1, 1)),
    ]


def _check(weights: Weights) -> None:
    expected = set(expected_shapes().items())
    found = {(name, array.shape) for name, array in weights.items()}
    if found != expected:
        raise DataError(
            "these are not the weights of the demo network",
            found=f"besides what fits: {sorted(found - expected)}",
            expected=f"also: {sorted(expected - found)}",
            fix="make the file anew: clika demo --train",
        )
