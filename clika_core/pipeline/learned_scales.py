"""Scales that are learned: whether the settings ask for them, and whether the backend can."""

from __future__ import annotations

from clika_core.backend.interface import TracedModel
from clika_core.errors import SettingsError
from clika_core.planning.plan import Plan
from clika_core.settings.model import Settings
from clika_core.simulation.learned import LearnedSimulation, learn_scales
from clika_core.simulation.parameters import Parameters
from clika_core.simulation.visitor import Simulation
from clika_core.targets.target import Target


def learned_scales(
    settings: Settings,
    model: TracedModel,
    plan: Plan,
    simulation: Simulation,
    target: Target,
    parameters: Parameters,
) -> LearnedSimulation | None:
    """The simulation with scales to learn, where the settings ask for it. Raises SettingsError without support."""
    if not settings.training_settings.learn_scales:
        _refuse_freezing(settings)
        return None
    require_learning(model, settings, "learn_scales")
    return learn_scales(simulation, plan, target, parameters)


def _refuse_freezing(settings: Settings) -> None:
    if settings.training_settings.freeze_scales_after_epochs is not None:
        raise SettingsError(
            "training_settings.freeze_scales_after_epochs freezes learned scales, and none are learned",
            found="learn_scales is not set: ranges stay as they were calibrated from the first epoch on",
            fix="set learn_scales: true, or remove freeze_scales_after_epochs",
            location=settings.location_of("training_settings", "freeze_scales_after_epochs"),
        )


def require_learning(model: TracedModel, settings: Settings, key: str) -> None:
    """Raise SettingsError where the backend cannot give a scale its gradient: `key` needs that."""
    if not hasattr(model.arrays, "learned_codes"):
        raise SettingsError(
            f"the {model.graph.backend} backend does not honour training_settings.{key}",
            fix="remove the setting",
            location=settings.location_of("training_settings", key),
        )
