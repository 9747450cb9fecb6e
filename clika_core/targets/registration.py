"""Registers the project's own targets, exactly as a stranger's plugin would."""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from clika_core.targets.ort import ORT
from clika_core.targets.target import Target

hookimpl = pluggy.HookimplMarker("clika")


@hookimpl
def clika_register_targets() -> Sequence[Target]:
    """The built-in targets."""
    return [ORT]
