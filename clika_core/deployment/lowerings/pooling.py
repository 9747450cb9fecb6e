"""What average and maximum pools share."""

from __future__ import annotations

from typing import Any

from clika_core.deployment.lowerings.context import LoweringContext


def window_attributes(context: LoweringContext) -> dict[str, Any]:
    """Kernel, strides, pads (all before, then all after) and rounding of a pool."""
    padding = context.attribute("padding") or ()
    return {
        "kernel_shape": list(context.attribute("kernel_size")),
        "strides": list(context.attribute("strides")),
        "pads": [before for before, _ in padding] + [after for _, after in padding],
        "ceil_mode": int(context.attribute("ceil_mode", False)),
    }
