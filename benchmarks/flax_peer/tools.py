"""What each tool makes of a Flax module: logits from images, how many operations it quantized, a rule misspelt.

Qwix quantizes the operands of convolutions and products: its operations are those that it meets as such. Here the
same are counted: convolutions, linear layers, and products of two values (two in attention).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import qwix
from flax import nnx
from numpy.typing import NDArray

import clika_core as clika
from clika_core.errors import ClikaError
from clika_core.pipeline import deployment

Array = NDArray[Any]
BATCH: Final = 40
COUNTED: Final = ("conv", "linear", "matmul", "attention")


@dataclass(frozen=True)
class Quantized:
    """`run` takes images; `weighted` and `products` are (quantized, all of them)."""

    run: Callable[[Array], Array]
    weighted: tuple[int, int]
    products: tuple[int, int]


def ours(model: nnx.Module, images: Array, *, deployed: bool) -> Quantized:
    """The default settings, every tail quantized too; in onnxruntime, or as the native function."""
    settings = clika.Settings()
    settings.global_quantization_settings.skip_tail_quantization = False
    result = clika.compress(
        model, settings=settings, calibration_data=images, batch_size=BATCH, output_dir=None
    )
    layers = [layer for layer in result.plan.graph.layers if layer.type in COUNTED]
    is_weighted = {
        (layer.name, part): layer.type in ("conv", "linear")
        for layer in layers
        for part in range(2 if layer.type == "attention" else 1)
    }
    taken = {key for key in is_weighted if result.plan[key[0]].precision == "quantized"}
    file = deployment.deploy(result.quantized).quantized.runner()
    native = jax.jit(result.model)
    return Quantized(
        (lambda x: file([x])[0]) if deployed else (lambda x: np.asarray(native(x))),
        *_shares(is_weighted, taken),
    )


def _shares(is_weighted: Mapping[Any, bool], taken: set[Any]) -> tuple[tuple[int, int], tuple[int, int]]:
    kinds = [[name for name, weighted in is_weighted.items() if weighted is kind] for kind in (True, False)]
    first, second = ((len(taken.intersection(names)), len(names)) for names in kinds)
    return first, second


class _Seen:
    """What a provider was asked about, beside what its rule said."""

    def __init__(self, provider: Any) -> None:
        self.rules: dict[tuple[str, str], Any] = {}
        ask = provider._get_current_rule_and_op_id

        def asked(operation: str, **options: Any) -> Any:
            rule, name = ask(operation, **options)
            if name is not None:
                path = "/".join(map(str, qwix._src.utils.flax_util.get_current_module_path()))
                self.rules[path, name] = rule
            return rule, name

        provider._get_current_rule_and_op_id = asked

    def shares(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """(quantized, all) of what has a weight, and of products of two values, which attention alone has."""
        is_weighted = {
            key: key[1].startswith(("conv", "dot_general")) and not key[0].endswith("attention")
            for key in self.rules
        }
        taken = {
            key for key, rule in self.rules.items() if rule is not None and rule.weight_qtype is not None
        }
        return _shares(is_weighted, taken)


def qwix_rules(*before: Any, is_static: bool, with_attention: bool = True) -> list[Any]:
    """int8 for weights and activations everywhere, after other rules: the first that matches counts.

    Products in attention are within a compiled function, out of which Qwix cannot bring statistics: they have
    scales of each batch.
    """
    int8 = {"weight_qtype": "int8", "act_qtype": "int8"}
    attention = qwix.QuantizationRule(
        module_path=".*attention", op_names=("einsum",), **(int8 if with_attention else {})
    )
    return [*before, attention, qwix.QuantizationRule(**int8, act_static_scale=is_static)]


def qwix_model(model: nnx.Module, images: Array, rules: list[Any]) -> tuple[Any, Any]:
    """The quantized module with the provider that made it; its scales are of the calibration images."""
    batches = jnp.split(jnp.asarray(images), len(images) // BATCH)  # it takes no arrays of NumPy
    watched = qwix.quantize_model(nnx.clone(model), qwix.QtProvider(rules), batches[0])
    if rules[-1].act_static_scale:
        for batch in batches:
            watched(batch)
    provider = qwix.PtqProvider(rules)
    return qwix.quantize_model(watched, provider, batches[0]), provider


def of_qwix(model: nnx.Module, images: Array, *, is_static: bool, with_attention: bool = True) -> Quantized:
    """Qwix after training: scales of activations from the calibration images, or from each batch as it comes."""
    rules = qwix_rules(is_static=is_static, with_attention=with_attention)
    quantized, provider = qwix_model(model, images, rules)
    seen = _Seen(provider)
    quantized(jnp.asarray(images[:BATCH]))
    run = nnx.jit(lambda module, x: module(x))
    return Quantized(lambda x: np.asarray(run(quantized, jnp.asarray(x))), *seen.shares())


TOOLS: Mapping[str, Callable[[nnx.Module, Array], Quantized]] = {
    "ours, in onnxruntime": lambda model, images: ours(model, images, deployed=True),
    "ours, native": lambda model, images: ours(model, images, deployed=False),
    "Qwix, calibrated scales": lambda model, images: of_qwix(model, images, is_static=True),
    "Qwix, calibrated scales, attention float": lambda model, images: of_qwix(
        model, images, is_static=True, with_attention=False
    ),
    "Qwix, scales of each batch": lambda model, images: of_qwix(model, images, is_static=False),
}


def misspelt_ours(model: nnx.Module, images: Array) -> str:
    """What a rule for a layer says that is not there."""
    settings = clika.Settings()
    settings.set_quantization_settings_for_layer(
        "linaer_1", clika.LayerQuantizationSettings(skip_quantization=True)
    )
    try:
        clika.compress(model, settings=settings, calibration_data=images, output_dir=None)
    except ClikaError as error:
        return f"refused: {' '.join(str(error).split()).partition('.py:')[2].partition(': ')[2]}"
    return "accepted"


def misspelt_qwix(model: nnx.Module, images: Array) -> str:
    """The same for Qwix: a rule without a type keeps what it matches in floating point."""
    unused = qwix.QuantizationRule(module_path="haed")
    quantized, provider = qwix_model(model, images, qwix_rules(unused, is_static=False))
    seen = _Seen(provider)
    quantized(jnp.asarray(images[:BATCH]))
    head = next(rule for (path, _), rule in seen.rules.items() if path == "head")
    kept = "quantized" if head is not None and head.weight_qtype else "float"
    found = [rule.module_path for rule in provider.get_unused_rules()]
    return f"accepted without a word, and the layer is {kept}; `get_unused_rules()`, if asked, says {found}"
