"""What training from scratch excludes: everything that needs a model that has learned something."""

from __future__ import annotations

from clika_core.errors import SettingsError
from clika_core.pipeline.task import Task
from clika_core.settings.model import Settings

_SECTION = "training_settings"


def check_following(settings: Settings, task: Task) -> None:
    """Raise SettingsError where ranges cannot follow the training, or the training cannot begin from scratch."""
    training = settings.training_settings
    if training.learn_scales and training.freeze_observers_after_epochs:
        raise _excluded(
            settings,
            "freeze_observers_after_epochs",
            "ranges that are learned do not follow observers",
            "learn_scales: true",
            "remove one of both",
        )
    if not training.is_training_from_scratch:
        return
    fix = "train from scratch without, and then go on from what was trained"
    if training.learn_scales:
        raise _excluded(
            settings,
            "is_training_from_scratch",
            "learned scales begin with calibrated ranges, and an untrained model has none",
            "learn_scales: true",
            fix,
        )
    if training.distillation is not None or not task.training_losses:
        raise _excluded(
            settings,
            "is_training_from_scratch",
            "an untrained model cannot be the teacher of its quantized copy",
            "no training loss" if training.distillation is None else f"distillation: {training.distillation}",
            "give training_losses, and no distillation",
        )
    if task.workers.count > 1:
        raise _excluded(
            settings,
            "is_training_from_scratch",
            "norms that train go by whole batches, and each worker sees a share",
            f"{task.workers.count} workers",
            "train in one process",
        )


def _excluded(settings: Settings, key: str, message: str, found: str, fix: str) -> SettingsError:
    return SettingsError(
        f"{_SECTION}.{key}: {message}", found=found, fix=fix, location=settings.location_of(_SECTION, key)
    )
