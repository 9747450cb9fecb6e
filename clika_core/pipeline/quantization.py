"""Post-training quantization of a traced model: everything between the trace and the quantized model."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from clika_core.backend.interface import TracedModel
from clika_core.backend.preprocessing import preprocess
from clika_core.backend.workers import ALONE, Workers
from clika_core.calibration.calibrate import Calibration, calibrate, make_parameters
from clika_core.ir.graph import ValueKey
from clika_core.observers import DEFAULT_OBSERVER
from clika_core.pipeline.data import Batches
from clika_core.pipeline.environment import cpu_flags, lacks_vnni
from clika_core.pipeline.journal import Journal, Progress
from clika_core.planning.plan import Plan, make_plan
from clika_core.planning.sensitivities import Sensitivity
from clika_core.planning.wiring import Wiring
from clika_core.plugins.registry import observer_named
from clika_core.quality.work import Improvement
from clika_core.sensitivity.measure import measure
from clika_core.sensitivity.sums import Measurement
from clika_core.settings.model import Settings
from clika_core.simulation.learned import learn_scales
from clika_core.simulation.parameters import Parameters
from clika_core.simulation.points import BOUNDS, PROBABILITIES, Points, quantization_points
from clika_core.simulation.visitor import Simulation, simulation
from clika_core.targets.masked import filling
from clika_core.targets.target import Target
from clika_core.training.program import QuantizedProgram

Result = TypeVar("Result")


@dataclass(frozen=True)
class Quantized:
    """A quantized model and all that led to it. `model` is preprocessed; `timings_seconds` are per step.

    `improvements` say what techniques did, by the setting that switches each; `unimproved` is the preprocessed model
    before them.
    """

    model: TracedModel
    plan: Plan
    target: Target
    calibration: Calibration
    parameters: Parameters
    measurements: Mapping[str, Measurement]
    simulation: Simulation
    timings_seconds: Mapping[str, float] = field(default_factory=dict)
    improvements: Mapping[str, Improvement] = field(default_factory=dict)
    unimproved: TracedModel | None = None

    @property
    def floating(self) -> TracedModel:
        """The preprocessed model whose float results are the traced model's."""
        return self.model if self.unimproved is None else self.unimproved

    @property
    def program(self) -> QuantizedProgram:
        """What a native model runs. It knows its scales, for a backend that holds them beside the weights."""
        learned = learn_scales(self.simulation, self.plan, self.target, self.parameters)
        return QuantizedProgram(self.simulation, learned)


@dataclass(frozen=True)
class Prepared:
    """A preprocessed model with parameters of its own, changed, and what was done to it, as in `Quantized`."""

    model: TracedModel
    improvements: Mapping[str, Improvement]


Prepare: TypeAlias = Callable[[TracedModel, Points], Prepared]
"""What is made of a preprocessed model before ranges are observed, given what will be rounded."""


def quantize_traced(
    traced: TracedModel,
    settings: Settings,
    target: Target,
    data: Batches,
    progress: Progress | Journal | None = None,
    workers: Workers = ALONE,
    prepare: Prepare | None = None,
) -> Quantized:
    """Plan, preprocess, `prepare`, calibrate, measure every layer, and plan again with what was measured.

    Data is read twice: once by the observers, once by the measurement. Raises SettingsError before any data
    is read where a rule cannot be used. Each of several workers has a part of the data; what they find is merged,
    so that all decide the same.
    """
    journal = Journal.of(progress)
    clock = _Clock(journal)
    target = fitted_target(settings, target, journal)
    wiring = Wiring(traced.graph)
    first_plan = clock("plan", lambda: make_plan(traced.graph, settings, target))
    free_plan = make_plan(traced.graph, unrestricted(settings), target)
    floating = clock("preprocess", lambda: preprocess(traced))
    plans = [(plan, _points(wiring, plan, target)) for plan in (first_plan, free_plan)]
    prepared = Prepared(floating, {})
    if prepare is not None:
        prepared = clock("prepare", lambda: prepare(floating, plans[0][1]))
    model = prepared.model
    values = list(dict.fromkeys(key for _, points in plans for key in points.observed))
    if settings.global_quantization_settings.quantization_sensitivity_threshold is not None:
        values = _float_values(
            wiring, target
        )  # which layers will be float is known only after the measurement
    make_observer = observer_named(settings.global_quantization_settings.observer or DEFAULT_OBSERVER)
    batches = data.native(model)
    seen = clock(
        "calibrate",
        lambda: calibrate(
            model, values, journal.track(batches, "calibrate", data.length), make_observer, workers
        ),
    )
    free = _simulate(model, free_plan, plans[1][1], seen, target, settings)
    again = journal.track(data.native(model), "sensitivity", seen.num_batches)
    measured = clock("sensitivity", lambda: measure(model, free.simulation, free_plan.groups, again, workers))
    by_layer = {name: Sensitivity(m.qs, m.abs_l2) for name, m in measured.items()}
    plan = make_plan(traced.graph, settings, target, by_layer)
    chosen = clock(
        "quantize", lambda: _simulate(model, plan, _points(wiring, plan, target), seen, target, settings)
    )
    return Quantized(
        model,
        plan,
        target,
        seen,
        chosen.parameters,
        measured,
        chosen.simulation,
        clock.seconds,
        prepared.improvements,
        None if prepare is None else floating,
    )


def fitted_target(settings: Settings, target: Target, journal: Journal) -> Target:
    """The target with the weight range the settings ask for; says so where the processor would need the other.

    That is `deployment_settings.cpu`, else the one that this runs on.
    """
    target = target.with_weight_groups(settings.global_quantization_settings.weights_group_size)
    if settings.deployment_settings.weights_utilize_full_int_range is False:
        return target.with_half_range()
    cpu = settings.deployment_settings.cpu
    if target.has_half_range and (lacks_vnni(cpu_flags()) if cpu is None else cpu == "avx2"):
        which = "this processor" if cpu is None else f"a processor with {cpu} alone"
        journal.note(
            f"{which} lacks VNNI, so sums of int8 products can overflow on it; "
            "set weights_utilize_full_int_range: false where the model will run on such a one"
        )
    return target


@dataclass(frozen=True)
class _Simulated:
    parameters: Parameters
    simulation: Simulation


def _simulate(
    model: TracedModel,
    plan: Plan,
    points: Points,
    seen: Calibration,
    target: Target,
    settings: Settings,
) -> _Simulated:
    heads = [head for head in plan.groups if head not in set(plan.skipped)]
    wiring = Wiring(plan.graph)
    parameters = make_parameters(model, wiring, heads, points, seen, target, bits_of(plan, settings))
    return _Simulated(parameters, simulation(model, plan, target, parameters))


def bits_of(plan: Plan, settings: Settings) -> dict[str, tuple[int, int]]:
    """Bits of (weights, activations) of every layer and graph input."""
    bits = {d.name: (d.weights_num_bits, d.activations_num_bits) for d in plan.decisions}
    given = settings.global_quantization_settings
    return bits | {
        node.name: (given.weights_num_bits, given.activations_num_bits) for node in plan.graph.inputs
    }


def _float_values(wiring: Wiring, target: Target) -> list[ValueKey]:
    """Every floating-point value of inputs and of layers that stay, but for what masks fill; what may be rounded in
    halves, and probabilities inside attention."""
    graph = wiring.graph
    staying = [node for node in graph.nodes if node.name not in wiring.removed and not filling(graph, node)]
    given = [
        (node.name, port) for node in staying for port, value in enumerate(node.outputs) if value.is_float
    ]
    halved = [
        node.name for node in staying if node.type in target.kernels and target.kernels[node.type].halves_for
    ]
    inner = [(node.name, PROBABILITIES) for node in staying if node.type == "attention"]
    return [*given, *inner, *((name, half) for name in halved for half in BOUNDS)]


def _points(wiring: Wiring, plan: Plan, target: Target) -> Points:
    return quantization_points(wiring, plan.groups, target, set(plan.skipped))


def unrestricted(settings: Settings) -> Settings:
    """The same settings without rule, tail or threshold: what QS is measured under."""
    free = Settings()
    free.global_quantization_settings = copy.deepcopy(settings.global_quantization_settings)
    free.global_quantization_settings.skip_tail_quantization = False
    free.global_quantization_settings.quantization_sensitivity_threshold = None
    return free


class _Clock:
    """Runs steps, says which, and keeps how long each took."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.seconds: dict[str, float] = {}

    def __call__(self, step: str, action: Callable[[], Result]) -> Result:
        self._journal.step(step)
        started = time.perf_counter()
        result = action()
        self.seconds[step] = round(time.perf_counter() - started, 4)
        return result
