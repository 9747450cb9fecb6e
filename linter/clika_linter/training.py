"""What several rules ask about fine-tuning."""

from __future__ import annotations

from typing import Final

from clika_core.settings.model import Settings

TRAINING: Final = "training_settings"


def fine_tunes(settings: Settings) -> bool:
    """Whether the settings ask for an epoch of training; `method: null` depends on the command, and may."""
    is_post_training = settings.global_quantization_settings.method == "ptq"
    return not is_post_training and settings.training_settings.num_epochs > 0
