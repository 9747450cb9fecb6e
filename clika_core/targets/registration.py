"""Registers the project's own targets, exactly as a stranger's plugin would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clika_core.targets.target import Target


def clika_register_targets() -> Sequence[Target]:
    """The built-in targets."""
    from clika_core.targets.ort import ORT

    return [ORT]
