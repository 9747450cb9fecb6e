"""The learning rate's factor at every step: a linear warm-up, then constant or falling along a cosine."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LearningRateSchedule:
    """What every group's own learning rate is multiplied by.

    In each of the first `warmup_epochs` epochs the factor rises linearly over `warmup_steps` steps, at most the
    epoch's own, and reaches 1 at the last of them:  factor = (step + 1) / warmup_steps.
    """

    warmup_epochs: int = 0
    warmup_steps: int = 0
    num_epochs: int = 1
    is_cosine: bool = False

    def factor(self, epoch: int, step: int, steps_in_epoch: int | None) -> float:
        """The factor at step `step` (from 0) of epoch `epoch` (from 1); None: the epoch's length is not known."""
        return self._warmup(epoch, step, steps_in_epoch) * self._decay(epoch, step, steps_in_epoch)

    def _warmup(self, epoch: int, step: int, steps_in_epoch: int | None) -> float:
        steps = self.warmup_steps if steps_in_epoch is None else min(self.warmup_steps, steps_in_epoch)
        if epoch > self.warmup_epochs or not steps:
            return 1.0
        return min(1.0, (step + 1) / steps)

    def _decay(self, epoch: int, step: int, steps_in_epoch: int | None) -> float:
        """From 1 at the first step to 0 after the last: (1 + cos(pi · done)) / 2 (Loshchilov & Hutter 2017)."""
        if not self.is_cosine:
            return 1.0
        within = step / steps_in_epoch if steps_in_epoch else 0.0
        done = min(1.0, (epoch - 1 + within) / max(self.num_epochs, 1))
        return (1 + math.cos(math.pi * done)) / 2
