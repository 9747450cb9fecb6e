"""Calibration, sensitivity, the quantized model and the deployed file, against what is computed another way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from clika_core.backend.interface import Array, LayerCall
from clika_core.calibration.calibrate import calibrate
from clika_core.errors import DataError
from clika_core.ir.graph import ValueKey
from clika_core.observers import OBSERVERS
from clika_core.sensitivity.measure import measure
from clika_core.simulation.visitor import Simulation
from clika_core.testing.conformance.case import CALIBRATION, Case, assert_close
from clika_core.testing.conformance.kit import Kit
from clika_core.testing.conformance.oracle import sensitivity


class QuantizationChecks(Kit):
    """The core's visitors over this backend."""

    def test_calibration_sees_every_value(self, case: Case) -> None:
        """Limits equal those of the values that a visitor records."""
        model, found = case.preprocessed, case.quantized
        seen: dict[ValueKey, list[float]] = {}

        def visitor(call: LayerCall) -> Sequence[Array]:
            outputs = call.run()
            for port, value in enumerate(outputs):
                key = (call.node.name, port)
                held = np.asarray(model.arrays.to_numpy(value))
                low, high = seen.get(key, [np.inf, -np.inf])
                seen[key] = [min(low, float(held.min())), max(high, float(held.max()))]
            return outputs

        for seed in range(CALIBRATION):
            model.interpret(case.native_inputs(8, seed), visitor)
        observed = {key: o.extent for key, o in found.calibration.observers.items() if key in seen}
        assert observed
        for key, extent in observed.items():
            assert [extent.min_value, extent.max_value] == pytest.approx(seen[key], abs=1e-6), key

    def test_values_that_are_no_numbers_stop_calibration(self, simple: Case) -> None:
        """DataError naming the batch."""
        (first, *rest) = simple.numpy_inputs(2)
        first[0, 0] = np.nan
        batches = [simple.native_inputs(2), simple.traced.flatten_inputs((first, *rest))]
        with pytest.raises(DataError, match="batch 1"):
            calibrate(simple.traced, (), batches, OBSERVERS["min_max"])

    def test_something_is_quantized(self, case: Case) -> None:
        """Every convolution and dense layer, when no rule or tail is in the way."""
        for node in case.traced.graph.layers:
            if node.type in ("conv", "linear"):
                assert case.quantized.plan[node.name].precision == "quantized", node.name

    def test_sensitivity_equals_the_oracle(self, case: Case) -> None:
        """QS of every group, computed by the reference arithmetic in float64."""
        found = case.quantized
        batches = [case.native_inputs(8, seed) for seed in range(CALIBRATION)]
        for head, spec in found.simulation.specs.items():
            if any(params is not None for params in spec.outputs):
                expected = sensitivity(found, found.plan.groups[head], batches)
                assert found.measurements[head].qs == pytest.approx(expected, rel=0.02, abs=1e-6), head

    def test_sensitivity_of_all_layers_equals_one_layer_at_a_time(self, case: Case) -> None:
        """To the last bit: one pass is as good as many."""
        found = case.quantized
        batches = [case.native_inputs(8, seed) for seed in range(CALIBRATION)]
        for head, spec in found.simulation.specs.items():
            whole = found.simulation
            alone = Simulation(whole.wiring, {head: spec}, whole.members, whole.coded, whole.quantize_at)
            measured = measure(found.model, alone, found.plan.groups, batches)
            assert measured[head] == found.measurements[head]

    def test_quantizing_keeps_the_result(self, case: Case) -> None:
        """Eight bits cost these models little."""
        found, inputs = case.quantized, case.inputs(8)
        outputs = found.simulation.run(found.model, case.native_inputs(8))
        for ours, theirs in zip(outputs, case.expected(inputs), strict=True):
            difference = np.asarray(found.model.arrays.to_numpy(ours)) - theirs
            assert np.linalg.norm(difference) <= 0.1 * np.linalg.norm(theirs)

    def test_quantizing_twice_gives_the_same(self, case: Case) -> None:
        """Parameters and sensitivities, to the last bit."""
        again = Case(case.name, case.harness)
        assert again.quantized.parameters == case.quantized.parameters
        assert again.quantized.measurements == case.quantized.measurements

    @pytest.mark.parametrize("name", ["classifier", "residual"])
    def test_the_deployed_file_computes_the_same_codes(self, cases: Callable[[str], Case], name: str) -> None:
        """Layer by layer, fed the runtime's codes: 99.99 % equal, the rest off by one."""
        from clika_core.pipeline import deployment

        case = cases(name)
        deployed = deployment.deploy(case.quantized)
        batches = [case.numpy_inputs(8, seed) for seed in range(4)]
        for layer, found in deployment.agreement(case.quantized, deployed, batches).items():
            assert found.share_equal >= 0.9999, layer
            assert found.largest_difference <= 1, layer
        results = deployment.run_deployed(deployed.quantized, batches[:1])
        simulated = deployment.run_simulation(case.quantized, batches[:1])
        assert deployment.relative_distance(simulated, results) <= 0.01

    def test_the_native_model_computes_the_simulation(self, case: Case) -> None:
        """Called as the user's model is, with results of the same structure."""
        found, inputs = case.quantized, case.inputs(3)
        native = found.model.native(found.program)
        expected = found.simulation.run(found.model, found.model.flatten_inputs(inputs))
        result = case.harness.call(native, inputs)
        assert type(result) is type(case.harness.call(case.subject.model, inputs))
        assert_close(case.numpy(result), [case.numpy(x)[0] for x in expected], 0.0)
