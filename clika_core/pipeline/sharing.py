"""Who trains together: what the settings ask for, and what a launcher started, made to agree."""

from __future__ import annotations

import json
from typing import Any

from clika_core.backend.interface import Backend
from clika_core.backend.workers import ALONE, Workers
from clika_core.digests import sha256
from clika_core.errors import SettingsError
from clika_core.planning.plan import Plan
from clika_core.settings.model import Settings
from clika_core.simulation.parameters import Parameters

SECTION = "distributed_training_settings"


def workers_for(backend: Backend, settings: Settings) -> Workers:
    """The workers of this training. Raises SettingsError where the settings and the launch do not agree."""
    asked = settings.distributed_training_settings
    if asked.use_sharding and not asked.multi_gpu:
        raise SettingsError(
            f"{SECTION}.use_sharding shares parameters out over workers, and there is one",
            found="multi_gpu: false",
            fix="set multi_gpu: true, and start one process per device; or remove use_sharding",
            location=settings.location_of(SECTION, "use_sharding"),
        )
    if type(backend).workers is Backend.workers:
        return _alone(backend, settings)
    workers = backend.workers()
    if asked.multi_gpu and workers is ALONE:
        raise SettingsError(
            f"{SECTION}.multi_gpu needs one process per device, and this one was started by itself",
            fix=backend.launching,
            location=settings.location_of(SECTION, "multi_gpu"),
        )
    if workers.count > 1 and not asked.multi_gpu:
        raise SettingsError(
            f"{workers.count} processes were started together, and would each train by themselves",
            found=f"{SECTION}.multi_gpu: false",
            fix="set multi_gpu: true, or start one process",
            location=settings.location_of(SECTION, "multi_gpu"),
        )
    return workers


def _alone(backend: Backend, settings: Settings) -> Workers:
    if settings.distributed_training_settings.multi_gpu:
        raise SettingsError(
            f"the {backend.name} backend does not honour {SECTION}.multi_gpu",
            found="true",
            fix="remove the setting",
            location=settings.location_of(SECTION, "multi_gpu"),
        )
    return ALONE


def agree_on(plan: Plan, parameters: Parameters, workers: Workers) -> None:
    """Raise ModelError where workers would train different models: decisions or parameters that differ."""
    if workers.count > 1:
        decisions = [
            [d.name, str(d.precision), d.weights_num_bits, d.activations_num_bits] for d in plan.decisions
        ]
        workers.agree("the decisions on layers", _digest(decisions))
        workers.agree("quantization parameters", _digest(parameters.to_json()))


def _digest(value: Any) -> str:
    return sha256(json.dumps(value).encode()).hexdigest()
