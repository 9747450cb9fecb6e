"""One settings file, one table: every framework decides the same, and computes the same, code for code."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clika_core.backend.interface import Removals
from clika_core.pipeline.data import Batches
from clika_core.pipeline.improving import Preparation, improved
from clika_core.pipeline.journal import Journal
from clika_core.pipeline.quantization import Quantized
from clika_core.planning.plan import make_plan
from clika_core.quality import scale_correction
from clika_core.quality.bias_correction import BiasCorrection
from clika_core.quality.reference import Reference
from clika_core.quality.reworking import reworked
from clika_core.quality.running_layer import summing_heads
from clika_core.quality.techniques import TECHNIQUES
from clika_core.quality.work import Work
from clika_core.settings.model import Settings
from clika_core.simulation.points import quantization_points
from clika_core.targets.ort import ORT
from tests.backends.differential.comparing import (
    computing,
    copy_weights,
    fed,
    lines,
    neutral,
    quantize,
    sensitivities,
    settings,
    simulated,
    with_parameters_of,
)
from tests.backends.differential.expectations import EXPECTATIONS, expected
from tests.backends.differential.frameworks import INPUTS, OTHERS, REFERENCE, Framework, inputs

FLOAT_BETWEEN = {"post_norm_encoder", "pre_norm_encoder", "lstm_tagger", "vgg", "multi_input"}
"""Architectures with float layers between quantized ones: a rounding there may move a code by one."""


@functools.cache
def traced(framework: Framework, name: str):  # type: ignore[no-untyped-def]
    """Traced once; weights are those of the reference wherever another framework is compared."""
    model = framework.trace(name, framework.given(inputs(name, 2)))
    if framework is not REFERENCE:
        copy_weights(traced(REFERENCE, name), model)
    return model


@functools.cache
def quantized(framework: Framework, name: str):  # type: ignore[no-untyped-def]
    return quantize(traced(framework, name), [framework.given(inputs(name, 8, seed)) for seed in (1, 2)])


@pytest.fixture(params=OTHERS, ids=lambda framework: framework.name)
def other(request: pytest.FixtureRequest, name: str) -> Framework:
    """A framework that is compared; both have to be installed."""
    framework: Framework = request.param
    for needed in (REFERENCE, framework):
        if not needed.is_installed:
            pytest.skip(f"{needed.name} is not installed")
    if name in framework.missing:
        pytest.skip(framework.missing[name])
    return framework


def test_there_are_expectations_for_every_architecture() -> None:
    assert set(EXPECTATIONS) == set(INPUTS)
    assert len(INPUTS) >= 10


@pytest.mark.parametrize("name", INPUTS)
def test_the_reference_decides_as_the_table_says(name: str) -> None:
    pytest.importorskip("torch")
    assert lines(make_plan(traced(REFERENCE, name).graph, settings(), ORT)) == expected(name)


@pytest.mark.parametrize("name", INPUTS)
def test_another_framework_decides_as_the_table_says(name: str, other: Framework) -> None:
    assert lines(make_plan(traced(other, name).graph, settings(), ORT)) == expected(name)


@pytest.mark.parametrize("name", INPUTS)
def test_causes_name_the_same_lines_of_the_settings(name: str, other: Framework) -> None:
    plans = [make_plan(traced(f, name).graph, settings(), ORT) for f in (REFERENCE, other)]
    for layer in computing(plans[0].graph):
        first, second = (
            [(c.kind, c.how, c.selector, c.location) for c in plan[layer].causes] for plan in plans
        )
        assert first == second, layer


@pytest.mark.parametrize("name", INPUTS)
def test_with_the_same_weights_outputs_agree_within_rounding(name: str, other: Framework) -> None:
    given = inputs(name, 5, seed=3)
    results = []
    for framework in (REFERENCE, other):
        model = traced(framework, name)
        values = model.interpret(model.flatten_inputs(framework.given(given)), lambda call: call.run())
        results.append([framework.to_neutral(np.asarray(model.arrays.to_numpy(v))) for v in values])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", INPUTS)
def test_with_the_same_parameters_codes_are_equal_layer_by_layer(name: str, other: Framework) -> None:
    reference = quantized(REFERENCE, name)
    imported = with_parameters_of(quantized(other, name), reference)
    given = inputs(name, 8, seed=4)
    first, second = simulated(reference, given), simulated(imported, other.given(given))
    coded = [layer for layer in computing(reference.plan.graph) if layer in reference.simulation.specs]
    assert coded
    for layer in coded:
        ours, theirs = first[layer], neutral(imported, layer, second[layer], other.to_neutral)
        assert ours.shape == theirs.shape, layer
        if name in FLOAT_BETWEEN:
            assert np.mean(ours == theirs) >= 0.995, layer
            assert np.abs(ours - theirs).max() <= 1, layer
        else:
            np.testing.assert_array_equal(ours, theirs, err_msg=layer)


@pytest.mark.parametrize("name", sorted(FLOAT_BETWEEN))
def test_layers_that_are_fed_the_same_give_the_same_codes(name: str, other: Framework) -> None:
    """Where float layers stand between; elsewhere whole networks agree code for code."""
    reference = quantized(REFERENCE, name)
    imported = with_parameters_of(quantized(other, name), reference)
    given = inputs(name, 8, seed=5)
    first = simulated(reference, given)
    layers = set(computing(reference.plan.graph))
    kept = {layer: value for layer, value in first.items() if layer in layers}
    second = fed(imported, other.given(given), kept, other.to_native)
    for layer in layers & set(reference.simulation.specs):
        theirs = neutral(imported, layer, second[layer], other.to_neutral)
        np.testing.assert_array_equal(first[layer], theirs, err_msg=layer)


@pytest.mark.parametrize("name", INPUTS)
def test_with_the_same_parameters_sensitivities_are_equal(name: str, other: Framework) -> None:
    reference = quantized(REFERENCE, name)
    imported = with_parameters_of(quantized(other, name), reference)
    given = inputs(name, 8, seed=4)
    first, second = sensitivities(reference, [given]), sensitivities(imported, [other.given(given)])
    assert set(first) == set(second)
    for layer, qs in first.items():
        assert second[layer] == pytest.approx(qs, rel=1e-3, abs=1e-6), layer


@pytest.mark.parametrize("name", INPUTS)
def test_sensitivities_agree_with_own_calibration(name: str, other: Framework) -> None:
    first, second = quantized(REFERENCE, name).measurements, quantized(other, name).measurements
    both = [layer for layer in computing(quantized(REFERENCE, name).plan.graph) if layer in first]
    assert both
    for layer in both:
        assert second[layer].qs == pytest.approx(first[layer].qs, rel=0.02, abs=1e-5), layer


def _corrected_biases(found: Quantized, given: Sequence[Any]) -> dict[str, NDArray[Any]]:
    samples = found.model.flatten_inputs(tuple(given))
    reference = Reference(found.model, samples, summing_heads(found.simulation))
    own = found.model.preprocess(Removals({}))
    work = Work(own, reference, found.plan, found.target, found.parameters, found.simulation)
    after, (said,) = reworked(work, [BiasCorrection(work)])
    return {layer: after.model.parameters(layer)["bias"] for layer in said.layers}


@pytest.mark.parametrize("name", sorted(set(INPUTS) - FLOAT_BETWEEN))
def test_biases_are_corrected_alike(name: str, other: Framework) -> None:
    """The same samples and parameters give the same biases, but for the order in which a mean adds up."""
    mine = quantized(other, name)
    theirs = quantized(REFERENCE, name)
    biases = [
        _corrected_biases(found, framework.given(inputs(name, 8, 3)))
        for framework, found in ((REFERENCE, theirs), (other, with_parameters_of(mine, theirs)))
    ]
    assert biases[0]
    assert biases[0].keys() == biases[1].keys()
    for layer, bias in biases[0].items():
        assert np.abs(biases[1][layer] - bias).max() <= 1e-4 * max(np.abs(bias).max(), 1.0), layer


def _prepared(found: Quantized, chosen: Settings, data: Batches) -> Quantized:
    """`found` with the weights that its model has before calibration."""
    prepare = Preparation.of(chosen, data, Journal.of(None))
    if prepare is None:
        return found
    points = quantization_points(
        found.simulation.wiring, found.plan.groups, found.target, set(found.plan.skipped)
    )
    prepared = prepare(found.floating, points)
    return replace(found, model=prepared.model, improvements=prepared.improvements)


@pytest.mark.parametrize("technique", ["cross_layer_equalization", "adaptive_rounding", "scale_correction"])
@pytest.mark.parametrize("name", ["residual_cnn", "mobile_blocks", "super_resolution"])
def test_weights_are_improved_alike(
    name: str, technique: str, other: Framework, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same samples and parameters give the same weights, but for a few that are nearly as good either way."""
    monkeypatch.setattr(scale_correction, "SURE", 0)  # sixteen samples leave doubt
    chosen = settings()
    for each in TECHNIQUES:
        setattr(chosen.global_quantization_settings, each, each == technique)
    theirs = quantized(REFERENCE, name)
    found = []
    for framework, given in (
        (REFERENCE, theirs),
        (other, with_parameters_of(quantized(other, name), theirs)),
    ):
        data = Batches([tuple(framework.given(inputs(name, 8, seed))) for seed in (1, 2)])
        found.append(improved(_prepared(given, chosen, data), chosen, data, lambda _: None))
    first, second = (each.improvements[technique].layers for each in found)
    assert first or (name, technique) == ("mobile_blocks", "cross_layer_equalization")  # relu6 everywhere
    assert set(first) == set(second)
    for layer in first:
        weights = [each.model.parameters(layer)["weight"] for each in found]
        scale = np.asarray(found[0].parameters.weights[layer, "weight"].scale).max()
        is_other = np.abs(weights[0] - weights[1]) > 0.02 * scale
        assert is_other.mean() <= 0.02, layer
