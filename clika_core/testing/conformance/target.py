"""`TargetConformance`: the definition of "a target works". Read the package's docstring first."""

from __future__ import annotations

import re
from typing import ClassVar

import pytest

from clika_core.errors import TargetError
from clika_core.ir.graph import Graph
from clika_core.ir.operators import OPERATORS, Trait
from clika_core.planning.plan import make_plan
from clika_core.planning.wiring import Wiring
from clika_core.schemes import IntegerFormat, PerTensor
from clika_core.schemes.integer_format import MAX_BITS, MIN_BITS
from clika_core.settings.model import Settings
from clika_core.simulation.points import quantization_points
from clika_core.targets.target import Arithmetic, Target
from clika_core.testing.builder import GraphBuilder
from clika_core.testing.conformance.kit import Kit


class TargetConformance(Kit):
    """Subclass this with a fixture `target` that returns your `Target`."""

    supplied: ClassVar[tuple[str, ...]] = ("target",)

    @pytest.fixture
    def target(self) -> Target:
        """The author's part."""
        raise NotImplementedError("define a fixture `target` in the subclass")

    def test_a_target_is_named_and_described(self, target: Target) -> None:
        """The name is what users write after --target."""
        assert re.fullmatch(r"[a-z][a-z0-9_]*", target.name), target.name
        assert target.description
        assert re.fullmatch(r"\.[a-z0-9]+", target.file_suffix), target.file_suffix

    def test_kernels_and_fusions_are_of_known_types(self, target: Target) -> None:
        """A type outside the vocabulary is never quantized, so it has no kernel."""
        named = {*target.kernels, *target.fusions, *target.fixed_outputs, *sum(target.fusions.values(), ())}
        assert sorted(named - set(OPERATORS)) == []
        assert set(target.fusions) <= set(target.kernels)
        assert set(target.fixed_outputs) <= set(target.kernels)

    def test_only_clamps_are_fused(self, target: Target) -> None:
        """What is computed by the saturation of codes: relu, relu6, clip."""
        for fused in set(sum(target.fusions.values(), ())):
            assert OPERATORS[fused].bounds is not None, fused

    def test_kernels_that_move_codes_move_values(self, target: Target) -> None:
        """Codes go through unchanged only where values do."""
        for name, kernel in target.kernels.items():
            if kernel.arithmetic is Arithmetic.MOVE:
                assert OPERATORS[name].trait in (Trait.TRANSPARENT, Trait.REMOVED), name
            if kernel.weight_axis is not None:
                assert OPERATORS[name].weight_operands, name

    def test_schemes_are_integers_that_hold_zero(self, target: Target) -> None:
        """Weights symmetric, activations per tensor, at every width there are kernels for."""
        assert target.weights.is_symmetric
        assert isinstance(target.activations.granularity, PerTensor)
        assert 8 in target.weight_bits
        assert 8 in target.activation_bits
        for bits in target.weight_bits:
            assert isinstance(target.weights.with_num_bits(bits).format, IntegerFormat)
        for bits in target.activation_bits:
            found = target.activation_scheme(bits).format
            assert isinstance(found, IntegerFormat)
            assert found.quant_min <= 0 <= found.quant_max

    def test_fixed_outputs_are_codes(self, target: Target) -> None:
        """A positive scale, and a zero point that is a code."""
        found = target.activation_scheme().format
        for scale, zero_point in target.fixed_outputs.values():
            assert scale > 0
            assert found.quant_min <= zero_point <= found.quant_max

    def test_support_says_yes_or_why_not(self, target: Target) -> None:
        """A reason is a sentence that names the target."""
        graph = _network()
        others = [bits for bits in range(MIN_BITS, MAX_BITS + 1) if bits not in target.activation_bits]
        for node in graph.layers:
            reason = target.support(graph, node)
            assert reason is None or target.name in reason
            for bits in others:
                assert target.support(graph, node, 8, bits), f"{node.name} runs with {bits}-bit activations"

    def test_a_half_range_is_there_or_refused(self, target: Target) -> None:
        """`weights_utilize_full_int_range: false` is never ignored."""
        if target.has_half_range:
            assert target.with_half_range().weights != target.weights
        else:
            with pytest.raises(TargetError):
                target.with_half_range()

    def test_a_network_is_planned(self, target: Target) -> None:
        """Something is quantized; planning is repeatable; every quantized value has parameters."""
        graph, settings = _network(), Settings()
        settings.global_quantization_settings.skip_tail_quantization = False
        plan = make_plan(graph, settings, target)
        assert plan == make_plan(graph, settings, target)
        assert plan.quantized
        points = quantization_points(Wiring(graph), plan.groups, target, set(plan.skipped))
        known = {*points.observed, *points.shared}
        for head, group in plan.groups.items():
            if head not in plan.skipped:
                assert (group.end, 0) in known, head


def _network() -> Graph:
    """conv, relu, max_pool, a residual sum, a global pool, linear, softmax."""
    g = GraphBuilder()
    x = g.layer("relu", g.layer("conv", g.input("x", ("d0", 3, 8, 8)), weight=(8, 3, 3, 3), bias=(8,)))
    y = g.layer("conv", g.layer("max_pool", x), weight=(8, 8, 1, 1))
    z = g.layer("adaptive_avg_pool", g.layer("relu", g.layer("add", y, g.layer("sigmoid", y))))
    g.output(g.layer("softmax", g.layer("linear", g.layer("flatten", z), weight=(10, 8), bias=(10,))))
    return g.build()
