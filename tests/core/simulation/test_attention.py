"""Attention on codes, against int64 sums and float64 probabilities written down again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clika_core.ir.graph import Node
from clika_core.numerics import QuantParams
from clika_core.schemes.named import ACTIVATION_UINT8
from clika_core.settings.model import LayerQuantizationSettings
from clika_core.simulation.attention import probabilities
from clika_core.simulation.compute import compute_codes
from clika_core.simulation.layer_spec import LayerSpec
from clika_core.simulation.points import PROBABILITIES
from clika_core.targets.target import Arithmetic
from clika_core.testing.builder import GraphBuilder
from clika_loopback.arrays import LoopbackArrays
from tests.core.loopback.networks import Sketch, batches
from tests.core.loopback.quantizing import quantized, settings_with

Codes = NDArray[np.int64]
F32 = np.float32


@dataclass(frozen=True)
class Held:
    """A call with parametric operands alone."""

    node: Node
    weights: Mapping[str, Any]


@st.composite
def params(draw: st.DrawFn) -> QuantParams:
    """Of uint8 codes, the scale such that scores of a few codes matter to a softmax."""
    scheme = ACTIVATION_UINT8
    scale, zero = draw(st.floats(0.002, 0.2)), draw(st.integers(0, 255))
    return QuantParams(np.asarray(scale), np.asarray(zero), scheme.format, scheme.granularity)


def spec_of(operands: Mapping[str, QuantParams], output: QuantParams, **attributes: Any) -> LayerSpec:
    """A layer of attention with these parameters, made by hand."""
    g = GraphBuilder()
    given_ = [g.input(name, ("d0", 4, 4)) for name in ("q", "k", "v")]
    g.output(g.layer("attention", *given_, scale=0.35, **attributes))
    query, key, value = operands.values()
    scheme = ACTIVATION_UINT8
    inner = QuantParams(np.asarray(1 / 256), np.asarray(0), scheme.format, scheme.granularity)
    return LayerSpec(
        g.build()["attention_1"],
        Arithmetic.ATTEND,
        tuple(operands.values()),
        {},
        (output,),
        multiplier=np.asarray(inner.scale * value.scale / output.scale),
        scores_scale=np.asarray(query.scale * key.scale),
        probabilities=inner,
    )


def expected(codes: list[Codes], spec: LayerSpec, mask: NDArray[Any] | None) -> Codes:
    """Codes at the output: sums in int64, the softmax in float64, each product with a scale in float32."""
    query, key, value = codes
    (_, _, of_values), output = spec.inputs, spec.outputs[0]
    assert of_values is not None
    assert output is not None
    unit = F32(spec.inputs[0].scale) * F32(spec.inputs[1].scale)  # type: ignore[union-attr]
    scores = np.einsum("nle,nse->nls", query, key).astype(F32) * unit * F32(0.35)
    scores = scores.astype(np.float64) + (0 if mask is None else mask)
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    shares = powers / powers.sum(-1, keepdims=True)
    inner = np.minimum(np.rint(shares * 256).astype(np.int64), 255)
    sums = np.einsum("nls,nsv->nlv", inner, value).astype(F32)
    factor = F32(F32(1 / 256) * F32(of_values.scale) / F32(output.scale))
    return np.asarray(np.clip(np.rint(sums * factor).astype(np.int64) + int(output.zero_point), 0, 255))


def drawn_codes(seed: int, operands: Mapping[str, QuantParams]) -> list[Codes]:
    random = np.random.default_rng(seed)
    return [random.integers(0, 256, (2, 4, 4)) - int(p.zero_point) for p in operands.values()]


@given(
    st.lists(params(), min_size=4, max_size=4),
    st.integers(0, 2**16),
    st.sampled_from(["", "mask", "choice", -np.inf, -1e9]),
)
def test_both_products_are_sums_of_integers_and_the_softmax_between_them_is_real(
    drawn: list[QuantParams], seed: int, masked: str | float
) -> None:
    *operands, output = drawn
    named = dict(zip(("query", "key", "value"), operands, strict=True))
    filled = {"masked_value": masked} if isinstance(masked, float) else {}
    spec, codes = spec_of(named, output, **filled), drawn_codes(seed, named)
    added, allowed = np.where(np.tri(4) > 0, 0, -np.inf).astype(F32), np.tri(4, dtype=bool)
    mask = {"": None, "mask": added, "choice": allowed}.get(str(masked), ~allowed)
    centred = [array.astype(F32) for array in codes]
    held = Held(spec.node, {} if mask is None else {"mask": mask})
    (found,) = compute_codes(spec, held, centred, LoopbackArrays())  # type: ignore[arg-type]
    wanted = expected(codes, spec, None if mask is None else added)
    steps = np.abs(found + int(output.zero_point) - wanted)
    # a probability between two codes may take either: one code of it moves a sum by one code of a value
    largest = np.ceil(255 * float(spec.multiplier))  # type: ignore[arg-type]
    assert steps.max() <= largest
    assert np.count_nonzero(steps) <= 4  # those of one query


def test_a_causal_layer_masks_what_comes_later() -> None:
    p = QuantParams(np.asarray(0.02), np.asarray(128), ACTIVATION_UINT8.format, ACTIVATION_UINT8.granularity)
    named = {"query": p, "key": p, "value": p}
    codes = drawn_codes(3, named)
    spec = spec_of(named, p, is_causal=True)
    (found,) = compute_codes(spec, Held(spec.node, {}), [c.astype(F32) for c in codes], LoopbackArrays())  # type: ignore[arg-type]
    added = np.where(np.tri(4) > 0, 0, -np.inf)
    np.testing.assert_array_equal(found + 128, expected(codes, spec, added))


def test_heads_that_share_keys_read_them_in_turn() -> None:
    s = Sketch(3)
    shared = quantized(
        s.output(s.attention(s.input("q", 4, 3, 5), s.input("k", 4, 3, 5), s.input("v", 4, 3, 5), rank=4)),
        [tuple(np.random.default_rng(0).standard_normal((2, 4, 3, 5)).astype(F32) for _ in "qkv")],
    ).simulation.specs["attention_1"]
    random = np.random.default_rng(1)
    query, key, value = (random.integers(-90, 90, (2, heads, 3, 5)).astype(F32) for heads in (4, 2, 2))
    wide = [query, np.repeat(key, 2, axis=1), np.repeat(value, 2, axis=1)]
    grouped = replace(shared, node=replace_attributes(shared, enable_gqa=True))
    found = [
        compute_codes(spec, Held(spec.node, {}), inputs, LoopbackArrays())[0]  # type: ignore[arg-type]
        for spec, inputs in ((grouped, [query, key, value]), (shared, wide))
    ]
    np.testing.assert_array_equal(*found)


def replace_attributes(spec: LayerSpec, **attributes: Any) -> Any:
    from clika_core.frozen import replace as replaced

    return replaced(spec.node, attributes={**spec.node.attributes, **attributes})


def test_probabilities_are_calibrated() -> None:
    """Where no query looks at one key alone, codes are not kept for it."""
    s = Sketch(1)
    x = s.linear(s.input("x", 40, 6), 6, 6)
    model = s.output(s.attention(s.op("mul", x, 0.1), x, x))
    found = quantized(model, batches(model))
    params = found.parameters.activations["attention_1", PROBABILITIES]
    seen: list[Any] = []
    found.model.interpret(found.model.native_inputs(batches(model)[0]), lambda call: keep(call, seen))
    assert seen[0].max() < 0.2
    assert int(params.zero_point) == 0
    assert float(params.scale) * 255 >= seen[0].max()
    assert float(params.scale) * 255 < 0.2
    assert found.measurements["attention_1"].qs < 0.02


def keep(call: Any, seen: list[Any]) -> Any:
    if call.node.type == "attention":
        seen.append(probabilities(call, LoopbackArrays()))
    return call.run()


def test_a_mask_is_no_value_of_the_grid() -> None:
    s = Sketch(1)
    x, mask = s.input("x", 4, 6), s.input("mask", 4, 4)
    linear = s.linear(x, 6, 6)
    model = s.output(
        s.attention(
            linear, linear, linear, s.op("unsqueeze", s.op("select", mask, axis=1, index=0), axes=(1,))
        )
    )
    found = quantized(model, batches(model))
    assert [d.name for d in found.plan.decisions if d.precision == "float"] == ["select_1", "unsqueeze_1"]
    assert ("mask", 0) not in found.parameters.activations
    assert found.simulation.specs["attention_1"].operands.keys() == {"query", "key", "value"}
    assert "mask_quantized" not in {border.name for border in found.plan.borders}


def test_a_mask_that_is_a_value_of_the_grid_is_read_as_reals() -> None:
    s = Sketch(1)
    x = s.input("x", 4, 4)
    linear = s.linear(x, 4, 4)
    found = quantized(model := s.output(s.attention(linear, linear, linear, linear)), batches(model))
    native = found.model.native_inputs(batches(model, count=1, seed=9)[0])
    (simulated,) = found.simulation.run(found.model, native)
    (real,) = found.model.interpret(native, lambda call: call.run())
    assert np.linalg.norm(simulated - real) < 0.02 * np.linalg.norm(real)


def test_attention_is_skipped_as_any_layer() -> None:
    s = Sketch(1)
    x = s.linear(s.input("x", 4, 6), 6, 6)
    model = s.output(s.linear(s.attention(x, x, x), 6, 2))
    settings = settings_with()
    settings.set_quantization_settings_for_layer(
        "op:attention", LayerQuantizationSettings(skip_quantization=True)
    )
    found = quantized(model, batches(model), settings=settings)
    assert found.plan.skipped == ("attention_1",)
    assert {border.name for border in found.plan.borders} >= {"linear_1_dequantized", "attention_1_quantized"}
