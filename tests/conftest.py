"""Hypothesis profiles, chosen by HYPOTHESIS_PROFILE; `ci` where CI is set, else `dev`."""

from __future__ import annotations

import os
from datetime import timedelta

from hypothesis import HealthCheck, Phase, settings

PHASES = [phase for phase in Phase if phase is not Phase.explain]  # it replays a failure for minutes

settings.register_profile("dev", max_examples=100, deadline=timedelta(seconds=2), phases=PHASES)
settings.register_profile(
    "ci", max_examples=100, deadline=None, derandomize=True, print_blob=True, phases=PHASES
)
settings.register_profile(
    "nightly",
    max_examples=5_000,
    deadline=None,
    phases=PHASES,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))
